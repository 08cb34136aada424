import type { Veil } from '../../protocol.ts';
import type { Cells, CopyOptions } from './copy.ts';
import { LineRows, NEWLINE } from './copy-lines.ts';

const BACKSLASH = 0x5c;
const DELIMITER = '\t';
const NULL_TEXT = '\\N';

/** Letters behind a backslash and what they stand for. @see PostgreSQL manual, COPY, "Text Format" */
const letters = new Map<number, number>([
  [0x62, 0x08],
  [0x66, 0x0c],
  [0x6e, 0x0a],
  [0x72, 0x0d],
  [0x74, 0x09],
  [0x76, 0x0b],
]);
const escapes = new Map<number, number>([...letters].map(([letter, code]) => [code, letter]));

/** COPY's text format: backslash escapes, so a line end is always a row's end. */
export class TextRows extends LineRows {
  #isEscaped = false;

  constructor(cells: Cells, options: CopyOptions, veil: Veil) {
    const nullText = options.null ?? NULL_TEXT;
    const delimiter = options.delimiter ?? DELIMITER;
    super(cells, options, veil, { delimiter, nullText, isNullSure: !looksLikeValue(nullText, delimiter) });
  }

  protected seek(bytes: Buffer, from: number, end: number): number {
    const { delimiter } = this;
    let at = from;
    if (this.#isEscaped && at < end) {
      this.#isEscaped = false;
      at++;
    }
    for (; at < end; at++) {
      const byte = bytes[at]!;
      if (byte === delimiter || byte === NEWLINE) return at;
      if (byte !== BACKSLASH) continue;
      this.isPlain = false;
      at++;
      if (at === end) this.#isEscaped = true;
    }
    return end;
  }

  protected decode(field: Buffer): Buffer {
    return unescaped(field);
  }

  protected encode(value: Buffer): Buffer {
    return escaped(value, this.delimiter);
  }
}

/** Whether some value is written just as NULL is: always but for words that hold a backslash, such as `\N`. */
export function looksLikeValue(nullText: string, delimiter = DELIMITER): boolean {
  const bytes = Buffer.from(nullText);
  return escaped(unescaped(bytes), delimiter.charCodeAt(0)).equals(bytes);
}

function unescaped(field: Buffer): Buffer {
  const first = field.indexOf(BACKSLASH);
  if (first < 0) return field;
  const value = Buffer.allocUnsafe(field.length);
  field.copy(value, 0, 0, first);
  let to = first;
  for (let at = first; at < field.length; at++) {
    let byte = field[at]!;
    if (byte === BACKSLASH && at + 1 < field.length) {
      at++;
      byte = letters.get(field[at]!) ?? field[at]!;
    }
    value[to++] = byte;
  }
  return value.subarray(0, to);
}

function escaped(value: Buffer, delimiter: number): Buffer {
  const isSpecial = (byte: number) => byte === BACKSLASH || byte === delimiter || (byte < 0x20 && escapes.has(byte));
  if (!value.some(isSpecial)) return value;
  const bytes: number[] = [];
  for (const byte of value) {
    if (isSpecial(byte)) bytes.push(BACKSLASH, escapes.get(byte) ?? byte);
    else bytes.push(byte);
  }
  return Buffer.from(bytes);
}
