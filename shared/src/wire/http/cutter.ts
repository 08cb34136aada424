import { WireError } from '../../errors/errors.ts';
import { Frame, type FrameType, HEADER_BYTES } from './frames.ts';
import { MAX_DATA_BYTES, MAX_HEAD_BYTES } from './limits.ts';

/** One whole frame. `bytes` are all of it, `payload` is what lies behind its header. */
export interface CutFrame {
  readonly type: FrameType;
  readonly payload: Buffer;
  readonly bytes: Buffer;
}

const known: ReadonlySet<number> = new Set(Object.values(Frame));

/** Cuts a stream into frames, wherever it was split. Holds at most one frame. */
export class FrameCutter {
  #held: Buffer[] = [];
  #heldBytes = 0;
  #wanted = HEADER_BYTES;

  /** @throws WireError for a frame of an unknown kind or one that is too long; nothing may be pushed after that */
  *push(chunk: Buffer): Generator<CutFrame, void, undefined> {
    let rest = chunk;
    while (this.#heldBytes + rest.length >= this.#wanted) {
      const all = this.#heldBytes === 0 ? rest : Buffer.concat([...this.#held, rest]);
      this.#held = [];
      this.#heldBytes = 0;
      const length = HEADER_BYTES + lengthOf(all);
      this.#wanted = all.length < length ? length : HEADER_BYTES;
      if (all.length < length) {
        rest = all;
        break;
      }
      const bytes = all.subarray(0, length);
      rest = all.subarray(length);
      yield { type: bytes[0] as FrameType, payload: bytes.subarray(HEADER_BYTES), bytes };
    }
    if (rest.length === 0) return;
    this.#held.push(rest);
    this.#heldBytes += rest.length;
  }
}

function lengthOf(bytes: Buffer): number {
  const type = bytes[0] as number;
  if (!known.has(type)) throw new WireError('ERR_WIRE_MALFORMED', `A frame of HTTP has the unknown type ${type}.`);
  const length = bytes.readUInt32BE(1);
  if (length > (type === Frame.Data ? MAX_DATA_BYTES : MAX_HEAD_BYTES)) {
    throw new WireError('ERR_WIRE_TOO_LARGE', `A frame of HTTP has ${length} bytes.`);
  }
  return length;
}
