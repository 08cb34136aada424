import { isUtf8 } from 'node:buffer';
import { WireError } from '../../errors/errors.ts';

/** Reads the fields of one SSH structure in order; never past its end, and nothing is allocated by what it claims. @see RFC 4251, 5 */
export class FieldReader {
  readonly #buffer: Buffer;
  readonly #what: string;
  readonly #see: string;
  #at = 0;

  /** `what` names the structure for people; `see` is the specification's section that every error names. */
  constructor(buffer: Buffer, what: string, see: string) {
    this.#buffer = buffer;
    this.#what = what;
    this.#see = see;
  }

  /** Bytes that were read so far. */
  get offsetBytes(): number {
    return this.#at;
  }

  get isDone(): boolean {
    return this.#at === this.#buffer.length;
  }

  byte(): number {
    return this.#take(1).readUInt8();
  }

  uint32(): number {
    return this.#take(4).readUInt32BE();
  }

  uint64(): bigint {
    return this.#take(8).readBigUInt64BE();
  }

  /** A string of bytes, not copied. */
  bytes(): Buffer {
    return this.#take(this.uint32());
  }

  /** Two names that differ must never decode to the same text: it is UTF-8, and holds no NUL. */
  text(): string {
    const bytes = this.bytes();
    if (!isUtf8(bytes) || bytes.includes(0)) throw this.malformed('has a text that is not UTF-8');
    return bytes.toString('utf8');
  }

  /** A positive number in its only form, as unsigned bytes without leading zeros. */
  positive(maxBytes: number): Buffer {
    const bytes = this.bytes();
    const [first = 0x80, second = 0] = bytes;
    const isPadded = first === 0;
    if ((first & 0x80) !== 0 || (isPadded && (second & 0x80) === 0)) throw this.malformed('has a wrong number');
    const plain = isPadded ? bytes.subarray(1) : bytes;
    if (plain.length > maxBytes) throw this.malformed('has a number that is too long');
    return plain;
  }

  /** @throws WireError where bytes are left */
  done(): void {
    if (!this.isDone) throw this.malformed('has bytes after its end');
  }

  malformed(complaint: string): WireError {
    return new WireError('ERR_WIRE_MALFORMED', `The ${this.#what} ${complaint}.`, {
      offsetBytes: this.#at,
      see: this.#see,
    });
  }

  unsupported(complaint: string): WireError {
    return new WireError('ERR_WIRE_UNSUPPORTED', `The ${this.#what} ${complaint}.`, { see: this.#see });
  }

  #take(lengthBytes: number): Buffer {
    if (lengthBytes > this.#buffer.length - this.#at) throw this.malformed('ends too early');
    const taken = this.#buffer.subarray(this.#at, this.#at + lengthBytes);
    this.#at += lengthBytes;
    return taken;
  }
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function uint64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}

/** @see RFC 4251, 5 "string" */
export function string(value: string | Uint8Array): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([uint32(bytes.length), bytes]);
}

/** Of an unsigned number's bytes. @see RFC 4251, 5 "mpint" */
export function mpint(value: Uint8Array): Buffer {
  let start = 0;
  while (value[start] === 0) start += 1;
  const plain = value.subarray(start);
  return string(((plain[0] ?? 0) & 0x80) === 0 ? plain : Buffer.concat([Buffer.of(0), plain]));
}
