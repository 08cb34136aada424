import type { Veil } from '../../protocol.ts';
import type { Cells, CopyOptions } from './copy.ts';
import { byteOf, LineRows, NEWLINE } from './copy-lines.ts';

const CARRIAGE_RETURN = 0x0d;
const endMark = Buffer.from('\\.');

/** COPY's CSV format, quotes and escapes read as the server's own CopyReadLineText does. */
export class CsvRows extends LineRows {
  readonly #quote: number;
  readonly #escape: number;
  readonly #forceQuote: CopyOptions['forceQuote'];
  #isQuoted = false;
  #isEscaped = false;

  constructor(cells: Cells, options: CopyOptions, veil: Veil) {
    // A value that is written like NULL is quoted, so NULL is always sure.
    const { delimiter = ',', null: nullText = '' } = options;
    super(cells, options, veil, { delimiter, nullText, isNullSure: true });
    this.#quote = byteOf('QUOTE', options.quote ?? '"');
    this.#escape = options.escape === undefined ? this.#quote : byteOf('ESCAPE', options.escape);
    this.#forceQuote = options.forceQuote;
  }

  protected seek(bytes: Buffer, from: number, end: number): number {
    const { delimiter } = this;
    const quote = this.#quote;
    const ownEscape = this.#escape === quote ? -1 : this.#escape;
    for (let at = from; at < end; at++) {
      const byte = bytes[at]!;
      if (this.#isQuoted) {
        if (byte === ownEscape) {
          this.#isEscaped = !this.#isEscaped;
          continue;
        }
        if (byte === quote && !this.#isEscaped) this.#isQuoted = false;
        this.#isEscaped = false;
      } else if (byte === quote) {
        this.#isQuoted = true;
        this.isPlain = false;
      } else if (byte === delimiter || byte === NEWLINE) return at;
    }
    return end;
  }

  protected decode(field: Buffer): Buffer {
    if (field.indexOf(this.#quote) < 0) return field;
    const value = Buffer.allocUnsafe(field.length);
    let to = 0;
    let isQuoted = false;
    for (let at = 0; at < field.length; at++) {
      const byte = field[at]!;
      const next = field[at + 1];
      if (isQuoted && byte === this.#escape && (next === this.#quote || next === this.#escape))
        value[to++] = field[++at]!;
      else if (byte === this.#quote) isQuoted = !isQuoted;
      else value[to++] = byte;
    }
    return value.subarray(0, to);
  }

  protected encode(value: Buffer, column: number): Buffer {
    if (!this.#needsQuotes(value, column)) return value;
    const bytes = [this.#quote];
    for (const byte of value) {
      if (byte === this.#quote || byte === this.#escape) bytes.push(this.#escape);
      bytes.push(byte);
    }
    bytes.push(this.#quote);
    return Buffer.from(bytes);
  }

  #needsQuotes(value: Buffer, column: number): boolean {
    if (this.#forceQuote === true || this.#forceQuote?.has(column) === true) return true;
    if (this.isNullText(value) || value.equals(endMark)) return true;
    return value.some(
      (byte) => byte === this.delimiter || byte === this.#quote || byte === NEWLINE || byte === CARRIAGE_RETURN,
    );
  }
}
