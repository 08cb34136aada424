/** Writes one message; `finish` fills in its length. */
export class MessageWriter {
  readonly #lengthAt: number;
  #bytes: Buffer;
  #at: number;

  /** Without a type: a startup packet. `sizeBytes` is a guess of the whole size. */
  constructor(type?: number, sizeBytes = 64) {
    this.#bytes = Buffer.allocUnsafe(Math.max(sizeBytes, 16));
    this.#lengthAt = type === undefined ? 0 : 1;
    if (type !== undefined) this.#bytes[0] = type;
    this.#at = this.#lengthAt + 4;
  }

  byte(value: number): this {
    const at = this.#reserve(1);
    this.#bytes[at] = value;
    return this;
  }

  int16(value: number): this {
    const at = this.#reserve(2);
    this.#bytes.writeInt16BE(value, at);
    return this;
  }

  uint16(value: number): this {
    const at = this.#reserve(2);
    this.#bytes.writeUInt16BE(value, at);
    return this;
  }

  int32(value: number): this {
    const at = this.#reserve(4);
    this.#bytes.writeInt32BE(value, at);
    return this;
  }

  uint32(value: number): this {
    const at = this.#reserve(4);
    this.#bytes.writeUInt32BE(value, at);
    return this;
  }

  bytes(value: Uint8Array): this {
    const at = this.#reserve(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  /** A value behind its length, −1 for null. */
  value(value: Uint8Array | null): this {
    return value === null ? this.int32(-1) : this.int32(value.length).bytes(value);
  }

  /** A NUL-terminated string. @throws RangeError when it holds a NUL itself, which would forge the next field */
  text(value: string): this {
    if (value.includes('\0')) throw new RangeError('A string of the wire protocol cannot hold a NUL.');
    const lengthBytes = Buffer.byteLength(value);
    const at = this.#reserve(lengthBytes + 1);
    this.#bytes.write(value, at);
    this.#bytes[at + lengthBytes] = 0;
    return this;
  }

  finish(): Buffer {
    this.#bytes.writeUInt32BE(this.#at - this.#lengthAt, this.#lengthAt);
    return this.#bytes.subarray(0, this.#at);
  }

  #reserve(lengthBytes: number): number {
    const at = this.#at;
    this.#at += lengthBytes;
    if (this.#at > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.#at, 2 * this.#bytes.length));
      this.#bytes.copy(grown, 0, 0, at);
      this.#bytes = grown;
    }
    return at;
  }
}

/** A message that is nothing but its header. */
export function bareMessage(type: number): Buffer {
  return Buffer.from([type, 0, 0, 0, 4]);
}
