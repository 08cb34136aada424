import { WireError } from '../../errors/errors.ts';
import { MAX_MESSAGE_BYTES } from './limits.ts';

/** Where cut messages go. Called synchronously, in the order of the bytes; no buffer is written to afterwards. */
export interface CutterSink {
  /** A whole message, its header included, in `buffer[start, end)`. The buffer may hold its neighbours too. */
  message(type: number, buffer: Buffer, start: number, end: number): void;
  /** May this message pass in parts? Asked once, for messages above `streamAboveBytes`. Absent means no. */
  streams?(type: number, lengthBytes: number): boolean;
  /** The next bytes of a message that passes in parts; the first part starts with the header. */
  part?(type: number, bytes: Buffer, isFirst: boolean, isLast: boolean): void;
}

export interface CutterLimits {
  /** Largest whole message, header included, in bytes; larger ones pass in parts or end the connection. */
  readonly maxBufferedBytes: number;
  /** Messages above this ask the sink whether they may pass in parts. Default: `maxBufferedBytes`. */
  readonly streamAboveBytes?: number;
  /** The specification's cap on the length word of a type, 0 for an unknown type: `frontendLimit` or `backendLimit`. */
  readonly limitOf?: (type: number) => number;
}

const HEADER_BYTES = 5;
const FIRST_ALLOCATION_BYTES = 16_384;
const MANUAL = 'PostgreSQL manual 55.1.1 "Messaging Overview"';

/** Cuts a byte stream into messages by their headers alone: no copy and no object for what lies within one chunk. */
export class MessageCutter {
  readonly #maxBufferedBytes: number;
  readonly #checkAboveBytes: number;
  readonly #streamAboveBytes: number;
  readonly #limitOf: ((type: number) => number) | undefined;
  /** Bytes of the stream before the current chunk. */
  #offset = 0;
  /** The start of a message that spans chunks. */
  #held: Buffer | undefined;
  #heldBytes = 0;
  /** What is still to come of a message that passes in parts. */
  #partType = 0;
  #partLeftBytes = 0;
  #failure: unknown;
  #hasFailed = false;

  constructor(limits: CutterLimits) {
    this.#maxBufferedBytes = limits.maxBufferedBytes;
    this.#streamAboveBytes = limits.streamAboveBytes ?? limits.maxBufferedBytes;
    this.#checkAboveBytes = Math.min(this.#maxBufferedBytes, this.#streamAboveBytes);
    this.#limitOf = limits.limitOf;
  }

  /** Bytes held back because their message is not whole yet. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /**
   * Cuts what arrived. Whatever is thrown, by the cutter or the sink, every later call throws again.
   * @throws WireError ERR_WIRE_MALFORMED, ERR_WIRE_TOO_LARGE, ERR_WIRE_UNEXPECTED (unknown type)
   */
  push(chunk: Buffer, sink: CutterSink): void {
    if (this.#hasFailed) throw this.#failure;
    try {
      let at = 0;
      if (this.#partLeftBytes > 0) at = this.#passPart(chunk, 0, false, sink);
      else if (this.#heldBytes > 0) at = this.#resume(chunk, sink);
      at = this.#walk(chunk, at, sink);
      if (at < chunk.length) this.#hold(chunk, at, chunk.length);
      this.#offset += chunk.length;
    } catch (error) {
      this.#hasFailed = true;
      this.#failure = error;
      this.#held = undefined;
      throw error;
    }
  }

  /** The stream is over. @throws WireError ERR_WIRE_MALFORMED when a message was cut off */
  finish(): void {
    if (this.#hasFailed) throw this.#failure;
    if (this.#heldBytes === 0 && this.#partLeftBytes === 0) return;
    throw new WireError('ERR_WIRE_MALFORMED', 'The stream ended within a message.', {
      offsetBytes: this.#offset,
      see: MANUAL,
    });
  }

  /** Hands out the whole messages of a chunk; returns where the first incomplete one starts. */
  #walk(chunk: Buffer, from: number, sink: CutterSink): number {
    let at = from;
    while (chunk.length - at >= HEADER_BYTES) {
      const type = chunk[at]!;
      const lengthBytes = lengthAt(chunk, at);
      if (this.#passesInParts(type, lengthBytes, this.#offset + at, sink)) {
        this.#partType = type;
        this.#partLeftBytes = lengthBytes + 1;
        at = this.#passPart(chunk, at, true, sink);
        continue;
      }
      const end = at + 1 + lengthBytes;
      if (end > chunk.length) return at;
      sink.message(type, chunk, at, end);
      at = end;
    }
    return at;
  }

  /** Completes the held message as far as the chunk goes; returns how many bytes of the chunk it took. */
  #resume(chunk: Buffer, sink: CutterSink): number {
    let taken = 0;
    if (this.#heldBytes < HEADER_BYTES) {
      taken = this.#hold(chunk, 0, HEADER_BYTES - this.#heldBytes);
      if (this.#heldBytes < HEADER_BYTES) return taken;
      const held = this.#held!;
      if (this.#passesInParts(held[0]!, lengthAt(held, 0), this.#offset + taken - HEADER_BYTES, sink)) {
        return this.#startParts(chunk, taken, sink);
      }
    }
    const totalBytes = lengthAt(this.#held!, 0) + 1;
    taken += this.#hold(chunk, taken, taken + totalBytes - this.#heldBytes);
    if (this.#heldBytes === totalBytes) this.#release(totalBytes, sink);
    return taken;
  }

  #startParts(chunk: Buffer, taken: number, sink: CutterSink): number {
    const header = this.#held!.subarray(0, HEADER_BYTES);
    this.#drop();
    this.#partType = header[0]!;
    this.#partLeftBytes = lengthAt(header, 0) + 1;
    this.#passPart(header, 0, true, sink);
    return taken < chunk.length && this.#partLeftBytes > 0 ? this.#passPart(chunk, taken, false, sink) : taken;
  }

  #release(totalBytes: number, sink: CutterSink): void {
    const held = this.#held!;
    this.#drop();
    sink.message(held[0]!, held, 0, totalBytes);
  }

  #drop(): void {
    this.#held = undefined;
    this.#heldBytes = 0;
  }

  #passPart(chunk: Buffer, at: number, isFirst: boolean, sink: CutterSink): number {
    const end = Math.min(chunk.length, at + this.#partLeftBytes);
    this.#partLeftBytes -= end - at;
    const isWhole = at === 0 && end === chunk.length;
    sink.part?.(this.#partType, isWhole ? chunk : chunk.subarray(at, end), isFirst, this.#partLeftBytes === 0);
    return end;
  }

  /** Copies `chunk[from, to)` behind what is held; grows as bytes really come, never by what a length word claims. */
  #hold(chunk: Buffer, from: number, to: number): number {
    const end = Math.min(to, chunk.length);
    const neededBytes = this.#heldBytes + end - from;
    if (this.#held === undefined || this.#held.length < neededBytes) this.#grow(neededBytes, chunk, from);
    chunk.copy(this.#held!, this.#heldBytes, from, end);
    this.#heldBytes = neededBytes;
    return end - from;
  }

  #grow(neededBytes: number, chunk: Buffer, from: number): void {
    const totalBytes = this.#totalBytes(chunk, from);
    const sizeBytes = Math.max(neededBytes, Math.min(totalBytes, Math.max(FIRST_ALLOCATION_BYTES, 2 * neededBytes)));
    const grown = Buffer.allocUnsafe(sizeBytes);
    this.#held?.copy(grown, 0, 0, this.#heldBytes);
    this.#held = grown;
  }

  /** Size of the message being held, or a header's while that is not whole. */
  #totalBytes(chunk: Buffer, from: number): number {
    if (this.#heldBytes >= HEADER_BYTES) return lengthAt(this.#held!, 0) + 1;
    if (this.#heldBytes === 0 && chunk.length - from >= HEADER_BYTES) return lengthAt(chunk, from) + 1;
    return HEADER_BYTES;
  }

  #passesInParts(type: number, lengthBytes: number, offsetBytes: number, sink: CutterSink): boolean {
    if (lengthBytes < 4) {
      throw new WireError('ERR_WIRE_MALFORMED', `A message claims the length ${lengthBytes}.`, {
        offsetBytes,
        see: MANUAL,
      });
    }
    const limitBytes = this.#limitOf === undefined ? MAX_MESSAGE_BYTES : this.#limitOf(type);
    if (limitBytes === 0) throw unknownType(type, offsetBytes);
    if (lengthBytes > limitBytes) throw tooLarge(type, lengthBytes, limitBytes, offsetBytes);
    if (lengthBytes < this.#checkAboveBytes) return false;
    return this.#decide(type, lengthBytes, offsetBytes, sink);
  }

  #decide(type: number, lengthBytes: number, offsetBytes: number, sink: CutterSink): boolean {
    const totalBytes = lengthBytes + 1;
    if (totalBytes > this.#streamAboveBytes && sink.part && sink.streams?.(type, lengthBytes)) return true;
    if (totalBytes > this.#maxBufferedBytes) throw tooLarge(type, totalBytes, this.#maxBufferedBytes, offsetBytes);
    return false;
  }
}

/** The length word behind a type byte; negative when its highest bit is set. */
function lengthAt(buffer: Buffer, at: number): number {
  return (buffer[at + 1]! << 24) | (buffer[at + 2]! << 16) | (buffer[at + 3]! << 8) | buffer[at + 4]!;
}

function tooLarge(type: number, lengthBytes: number, limitBytes: number, offsetBytes: number): WireError {
  const text = `A message of type 0x${type.toString(16)} has ${lengthBytes} bytes; at most ${limitBytes} are taken.`;
  return new WireError('ERR_WIRE_TOO_LARGE', text, { offsetBytes, see: MANUAL });
}

function unknownType(type: number, offsetBytes: number): WireError {
  return new WireError('ERR_WIRE_UNEXPECTED', `There is no message of type 0x${type.toString(16)}.`, {
    offsetBytes,
    see: 'PostgreSQL manual 55.7 "Message Formats"',
  });
}
