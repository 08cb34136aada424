import { WireError } from '../../errors/errors.ts';
import { HEADER_BYTES, MAX_DATA_MESSAGE_BYTES, MAX_MESSAGE_BYTES, STREAM_ABOVE_BYTES } from './limits.ts';

/** What a cutter finds. Called synchronously and in order; what it throws comes out of `push`. */
export interface CutterSink {
  /** A whole message, header included, in `buffer` from `start` to before `end`. */
  message(type: number, buffer: Buffer, start: number, end: number): void;
  /** Whether a message of this type may be passed on in parts when it is long. */
  streams(type: number): boolean;
  /** A piece of a long message, the header being the beginning of the first piece. */
  part(type: number, bytes: Buffer, isFirst: boolean, isLast: boolean): void;
}

/**
 * Walks message headers over chunks of any size (PostgreSQL manual, 54.1: a type byte, then a length that counts
 * itself). A message within one chunk is not copied; one that spans chunks is assembled, or streamed where the sink
 * allows it, so memory stays bounded by the longest message that has to be seen whole.
 */
export class MessageCutter {
  readonly #sink: CutterSink;
  readonly #maxMessageBytes: number;
  /** The beginning of a message whose rest has not arrived. */
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  /** Type and bytes still to come of a message that is being streamed. */
  #streamType = 0;
  #streamLeft = 0;
  #offset = 0;

  constructor(sink: CutterSink, maxMessageBytes = MAX_MESSAGE_BYTES) {
    this.#sink = sink;
    this.#maxMessageBytes = maxMessageBytes;
  }

  /** True between two messages. */
  get atBoundary(): boolean {
    return this.#pendingBytes === 0 && this.#streamLeft === 0;
  }

  /** @throws WireError `ERR_WIRE_MALFORMED`, `ERR_WIRE_TOO_LARGE`, and what the sink throws. */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#streamLeft > 0) at = this.#continueStream(chunk, at);
      else if (this.#pendingBytes > 0) at = this.#continuePending(chunk, at);
      else at = this.#cut(chunk, at);
    }
    this.#offset += chunk.length;
  }

  /** Call it when the other side has ended. @throws WireError when it ended in the middle of a message. */
  finish(): void {
    if (this.atBoundary) return;
    throw new WireError('ERR_WIRE_MALFORMED', 'the stream ended within a message', { offsetBytes: this.#offset });
  }

  #cut(chunk: Buffer, at: number): number {
    const available = chunk.length - at;
    if (available < HEADER_BYTES) return this.#keep(chunk, at);
    const type = chunk[at] as number;
    const total = this.#checkedLength(type, chunk.readInt32BE(at + 1), at);
    if (available >= total) {
      this.#sink.message(type, chunk, at, at + total);
      return at + total;
    }
    if (total <= STREAM_ABOVE_BYTES || !this.#sink.streams(type)) return this.#keep(chunk, at);
    this.#streamType = type;
    this.#streamLeft = total - available;
    this.#sink.part(type, chunk.subarray(at), true, false);
    return chunk.length;
  }

  #continueStream(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#streamLeft);
    this.#streamLeft -= end - at;
    this.#sink.part(this.#streamType, chunk.subarray(at, end), false, this.#streamLeft === 0);
    return end;
  }

  /** Completes the header first, then the message; returns where the chunk goes on. */
  #continuePending(chunk: Buffer, from: number): number {
    let at = from;
    if (this.#pendingBytes < HEADER_BYTES) {
      at = this.#take(chunk, at, HEADER_BYTES - this.#pendingBytes);
      if (this.#pendingBytes < HEADER_BYTES) return at;
      this.#pending = [Buffer.concat(this.#pending)];
    }
    const head = this.#pending[0] as Buffer;
    const type = head[0] as number;
    const total = this.#checkedLength(type, head.readInt32BE(1), at - this.#pendingBytes);
    if (total > STREAM_ABOVE_BYTES && this.#sink.streams(type)) return this.#turnToStream(type, total, at);
    at = this.#take(chunk, at, total - this.#pendingBytes);
    if (this.#pendingBytes === total) {
      const whole = Buffer.concat(this.#pending, total);
      this.#forget();
      this.#sink.message(type, whole, 0, total);
    }
    return at;
  }

  #turnToStream(type: number, total: number, at: number): number {
    const head = Buffer.concat(this.#pending);
    this.#streamType = type;
    this.#streamLeft = total - head.length;
    this.#forget();
    this.#sink.part(type, head, true, false);
    return at;
  }

  #take(chunk: Buffer, at: number, want: number): number {
    const end = Math.min(chunk.length, at + want);
    if (end > at) this.#pending.push(chunk.subarray(at, end));
    this.#pendingBytes += end - at;
    return end;
  }

  #keep(chunk: Buffer, at: number): number {
    return this.#take(chunk, at, chunk.length - at);
  }

  #forget(): void {
    this.#pending = [];
    this.#pendingBytes = 0;
  }

  #checkedLength(type: number, length: number, at: number): number {
    const where = { offsetBytes: this.#offset + at, see: 'PostgreSQL manual, 54.7' };
    if (length < 4) {
      throw new WireError('ERR_WIRE_MALFORMED', `message 0x${type.toString(16)} claims ${length} bytes`, where);
    }
    const limit = this.#sink.streams(type) ? MAX_DATA_MESSAGE_BYTES : this.#maxMessageBytes;
    if (length + 1 > limit) {
      const text = `message 0x${type.toString(16)} is ${length} bytes long; ${limit} are allowed`;
      throw new WireError('ERR_WIRE_TOO_LARGE', text, where);
    }
    return length + 1;
  }
}
