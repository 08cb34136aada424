import { WireError } from '../../errors/errors.ts';

/** Reads the fields of one message and nothing beyond it. Every method throws WireError `ERR_WIRE_MALFORMED`. */
export class MessageReader {
  readonly #buffer: Buffer;
  readonly #end: number;
  readonly #name: string;
  #at: number;

  /** `start` is the first byte after the header. */
  constructor(name: string, buffer: Buffer, start: number, end: number) {
    this.#name = name;
    this.#buffer = buffer;
    this.#at = start;
    this.#end = end;
  }

  get left(): number {
    return this.#end - this.#at;
  }

  uint8(): number {
    return this.#buffer[this.#advance(1)] as number;
  }

  int16(): number {
    return this.#buffer.readInt16BE(this.#advance(2));
  }

  int32(): number {
    return this.#buffer.readInt32BE(this.#advance(4));
  }

  uint32(): number {
    return this.#buffer.readUInt32BE(this.#advance(4));
  }

  /** A count of things that each take at least `bytesEach`, so that a lie is seen before anything is allocated. */
  count16(bytesEach: number): number {
    const count = this.int16();
    if (count < 0 || count * bytesEach > this.left) this.#broken(`counts ${count} items`);
    return count;
  }

  /** Text up to its NUL. */
  cstring(): string {
    const nul = this.#buffer.indexOf(0, this.#at);
    if (nul < 0 || nul >= this.#end) this.#broken('lacks the end of a string');
    const text = this.#buffer.toString('utf8', this.#at, nul);
    this.#at = nul + 1;
    return text;
  }

  /** A view, not a copy. */
  bytes(length: number): Buffer {
    const start = this.#advance(length);
    return this.#buffer.subarray(start, start + length);
  }

  /** A value behind its length; null where the length is −1. */
  value(): Buffer | null {
    const length = this.int32();
    if (length === -1) return null;
    if (length < 0) this.#broken(`holds a value of ${length} bytes`);
    return this.bytes(length);
  }

  /** @throws WireError when bytes are left over. */
  end(): void {
    if (this.left !== 0) this.#broken(`has ${this.left} bytes too many`);
  }

  #advance(length: number): number {
    const start = this.#at;
    if (length < 0 || start + length > this.#end) this.#broken('is too short');
    this.#at = start + length;
    return start;
  }

  #broken(what: string): never {
    throw new WireError('ERR_WIRE_MALFORMED', `${this.#name} ${what}`, {
      offsetBytes: this.#at,
      see: 'PostgreSQL manual, 54.7',
    });
  }
}
