import { WireError } from '../../errors/errors.ts';
import { Frame, type FrameType } from './frames.ts';

type State = 'head' | 'body' | 'trailers' | 'over';

/** What may follow what in one direction; the same table for both. */
const table: Readonly<Record<State, Partial<Record<FrameType, State>>>> = {
  head: {
    [Frame.RequestHead]: 'body',
    [Frame.ReplyHead]: 'body',
    [Frame.Informational]: 'head',
    [Frame.Abort]: 'over',
  },
  body: { [Frame.Data]: 'body', [Frame.Trailers]: 'trailers', [Frame.End]: 'over', [Frame.Abort]: 'over' },
  trailers: { [Frame.End]: 'over', [Frame.Abort]: 'over' },
  over: {},
};

const names = Object.fromEntries(Object.entries(Frame).map(([name, type]) => [type, name])) as Record<
  FrameType,
  string
>;

/** Keeps one direction's frames in order. */
export class FrameOrder {
  readonly #head: FrameType;
  #state: State = 'head';

  constructor(head: typeof Frame.RequestHead | typeof Frame.ReplyHead) {
    this.#head = head;
  }

  get isOver(): boolean {
    return this.#state === 'over';
  }

  /** @throws WireError where such a frame may not come now */
  next(type: FrameType): void {
    const isForeign =
      (type === Frame.RequestHead && this.#head !== type) ||
      ((type === Frame.ReplyHead || type === Frame.Informational) && this.#head === Frame.RequestHead);
    const next = isForeign ? undefined : table[this.#state][type];
    if (next === undefined) {
      throw new WireError('ERR_WIRE_UNEXPECTED', `The frame ${names[type]} of HTTP may not come now.`);
    }
    this.#state = next;
  }
}
