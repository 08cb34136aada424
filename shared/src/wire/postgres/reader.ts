import { isUtf8 } from 'node:buffer';
import { WireError } from '../../errors/errors.ts';

/** Reads the fields of one message in order; never past its end. */
export class MessageReader {
  readonly #buffer: Buffer;
  readonly #end: number;
  readonly #see: string;
  #at: number;

  /** Over `buffer[start, end)`; `see` is the specification's section that every error names. */
  constructor(buffer: Buffer, start: number, end: number, see: string) {
    this.#buffer = buffer;
    this.#at = start;
    this.#end = end;
    this.#see = see;
  }

  get leftBytes(): number {
    return this.#end - this.#at;
  }

  byte(): number {
    return this.#buffer[this.#take(1)]!;
  }

  int16(): number {
    return this.#buffer.readInt16BE(this.#take(2));
  }

  /** A count: PostgreSQL reads these as unsigned, so 65,535 parameters are lawful. */
  uint16(): number {
    return this.#buffer.readUInt16BE(this.#take(2));
  }

  int32(): number {
    return this.#buffer.readInt32BE(this.#take(4));
  }

  uint32(): number {
    return this.#buffer.readUInt32BE(this.#take(4));
  }

  /** The next bytes, not copied. */
  bytes(lengthBytes: number): Buffer {
    const at = this.#take(lengthBytes);
    return this.#buffer.subarray(at, at + lengthBytes);
  }

  /** Everything that is left, not copied. */
  rest(): Buffer {
    return this.bytes(this.leftBytes);
  }

  /** A value behind its length; null where the length is −1. */
  value(): Buffer | null {
    const lengthBytes = this.int32();
    if (lengthBytes === -1) return null;
    if (lengthBytes < 0) throw this.malformed(`claims a value of ${lengthBytes} bytes`);
    return this.bytes(lengthBytes);
  }

  /** A NUL-terminated string, which must be UTF-8: two names that differ must never decode to the same text. */
  text(): string {
    const from = this.#at;
    const nul = this.#toNul();
    const bytes = this.#buffer.subarray(from, nul);
    if (!isUtf8(bytes)) throw this.malformed('has a string that is not UTF-8');
    return bytes.toString('utf8');
  }

  /** A NUL-terminated string for people to read; servers write these in whatever encoding they have. */
  looseText(): string {
    const from = this.#at;
    return this.#buffer.toString('utf8', from, this.#toNul());
  }

  /** `count` fields of at least `eachBytes` must still fit: refuses a lying count before anything is allocated for it. */
  expect(count: number, eachBytes: number): void {
    if (count * eachBytes > this.leftBytes) throw this.malformed(`counts ${count} fields that it has no room for`);
  }

  /** @throws WireError when bytes are left */
  done(): void {
    if (this.#at !== this.#end) throw this.malformed(`has ${this.leftBytes} bytes too many`);
  }

  malformed(what: string): WireError {
    return new WireError('ERR_WIRE_MALFORMED', `The message ${what}.`, { offsetBytes: this.#at, see: this.#see });
  }

  #toNul(): number {
    const nul = this.#buffer.indexOf(0, this.#at);
    if (nul === -1 || nul >= this.#end) throw this.malformed('has a string without its end');
    this.#at = nul + 1;
    return nul;
  }

  #take(lengthBytes: number): number {
    const at = this.#at;
    if (lengthBytes > this.#end - at) throw this.malformed('ends too early');
    this.#at = at + lengthBytes;
    return at;
  }
}

/** A reader behind the header of the message in `buffer[start, end)`, once that header says what is expected. */
export function openMessage(buffer: Buffer, start: number, end: number, type: number, name: string): MessageReader {
  const see = `PostgreSQL manual 55.7 "${name}"`;
  checkHeader(buffer, start, end, type, see);
  return new MessageReader(buffer, start + 5, end, see);
}

/** @throws WireError ERR_WIRE_MALFORMED, ERR_WIRE_UNEXPECTED when another type stands there */
export function checkHeader(buffer: Buffer, start: number, end: number, type: number, see: string): void {
  if (start < 0 || end > buffer.length || end - start < 5) throw wrongLength(start, see);
  if (buffer[start] !== type) {
    const text = `Expected a message of type 0x${type.toString(16)}, got 0x${buffer[start]!.toString(16)}.`;
    throw new WireError('ERR_WIRE_UNEXPECTED', text, { offsetBytes: start, see });
  }
  if (buffer.readUInt32BE(start + 1) !== end - start - 1) throw wrongLength(start, see);
}

function wrongLength(start: number, see: string): WireError {
  return new WireError('ERR_WIRE_MALFORMED', 'The length of a message is not its length word.', {
    offsetBytes: start,
    see,
  });
}
