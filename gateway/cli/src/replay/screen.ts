import type { TerminalOutput } from '@sallyport/proto/api/v1/transcript_pb';
import { ReplayFilter } from '../terminal/replay-filter.ts';

interface Stream {
  readonly decoder: InstanceType<typeof TextDecoder>;
  readonly filter: ReplayFilter;
}

/** Channels and streams that are told apart; more share the last. */
const MAX_STREAMS = 64;

/** Recorded output as this terminal may see it; plain text where there is no terminal. */
export class Screen {
  readonly #isTerminal: boolean;
  readonly #streams = new Map<string, Stream>();

  constructor(isTerminal: boolean) {
    this.#isTerminal = isTerminal;
  }

  output({ data, error, channel }: TerminalOutput): string {
    const { decoder, filter } = this.#stream(`${channel} ${error}`);
    return filter.filter(decoder.decode(data, { stream: true }));
  }

  /** Puts colours, the cursor and the main screen back, as far as a recording may have changed them. */
  leave(): string {
    return this.#isTerminal && this.#streams.size > 0 ? '\x1b[0m\x1b[r\x1b[?1049l\x1b[?25h\x1b[?7h' : '';
  }

  #stream(name: string): Stream {
    const key = this.#streams.size < MAX_STREAMS || this.#streams.has(name) ? name : '';
    let stream = this.#streams.get(key);
    if (stream === undefined) {
      stream = { decoder: new TextDecoder(), filter: new ReplayFilter({ plain: !this.#isTerminal }) };
      this.#streams.set(key, stream);
    }
    return stream;
  }
}
