import { WireError } from '@sallyport/shared/errors/errors.ts';
import type { Veil } from '../../protocol.ts';
import type { Cells, CopyOptions, CopyRows } from './copy.ts';
import type { Output } from './output.ts';
import type { Cell } from './values.ts';

export const NEWLINE = 0x0a;

/** How fields are parted and NULL is written. */
interface Words {
  readonly delimiter: string;
  readonly nullText: string;
  /** No value is written as NULL is. Otherwise NULL is treated as a value: which of the two it was stays unknown. */
  readonly isNullSure: boolean;
}

/** What COPY's two line formats share: rows of fields, NULL as a word, names in the first line. */
export abstract class LineRows implements CopyRows {
  readonly mayEnd = true;
  /** Whether the current row holds quotes or escapes: without any its fields are their values. */
  protected isPlain = true;
  protected readonly delimiter: number;
  readonly #cells: Cells;
  readonly #veil: Veil;
  readonly #nullText: Buffer;
  readonly #isNullSure: boolean;
  readonly #starts: Int32Array;
  /** Constants as this format writes them, by column. */
  readonly #encoded: (Buffer | undefined)[] = [];
  /** Of the current row, counted from its start. */
  #position = 0;
  #fields = 1;
  #isHeader: boolean;

  constructor(cells: Cells, options: CopyOptions, veil: Veil, words: Words) {
    this.#cells = cells;
    this.#veil = veil;
    this.#nullText = Buffer.from(words.nullText);
    this.delimiter = byteOf('DELIMITER', words.delimiter);
    this.#isNullSure = words.isNullSure;
    this.#isHeader = options.header === true;
    this.#starts = new Int32Array((cells?.length ?? 0) + 1);
  }

  /** Moves over `bytes[from, end)` to the next delimiter or line end that counts; returns where, or `end`. */
  protected abstract seek(bytes: Buffer, from: number, end: number): number;
  /** A field as written, made the value that it stands for; the same buffer where that is no different. */
  protected abstract decode(field: Buffer): Buffer;
  /** A value as the format writes it. */
  protected abstract encode(value: Buffer, column: number): Buffer;

  rowEnd(bytes: Buffer, start: number, end: number): number {
    if (this.#position === 0) {
      this.#fields = 1;
      this.isPlain = true;
    }
    for (let at = this.seek(bytes, start + this.#position, end); at < end; at = this.seek(bytes, at + 1, end)) {
      if (bytes[at] === NEWLINE) {
        this.#position = at - start;
        return at + 1;
      }
      if (this.#fields < this.#starts.length) this.#starts[this.#fields] = at + 1 - start;
      this.#fields++;
    }
    this.#position = end - start;
    return -1;
  }

  rewrite(bytes: Buffer, start: number, _end: number, out: Output, copied: number): number {
    const lengthBytes = this.#position;
    this.#position = 0;
    const fields = lengthBytes === 0 && this.#cells?.length === 0 ? 0 : this.#fields;
    if (this.#cells === undefined || this.#cells.length !== fields) {
      out.copy(bytes, copied, start);
      this.#writeNulls(fields, out);
      // The line end is written along with what follows.
      return start + lengthBytes;
    }
    if (this.#isHeader) {
      this.#isHeader = false;
      return copied;
    }
    return this.#fieldsOf(bytes, start, lengthBytes, out, copied);
  }

  #fieldsOf(bytes: Buffer, start: number, lengthBytes: number, out: Output, copied: number): number {
    const cells = this.#cells!;
    let written = copied;
    for (let column = 0; column < cells.length; column++) {
      const cell = cells[column]!;
      if (cell.does === 'pass') continue;
      const from = start + this.#starts[column]!;
      const to = start + (column + 1 < cells.length ? this.#starts[column + 1]! - 1 : lengthBytes);
      if (!(cell.does === 'constant' && cell.coversNull) && this.#isNull(bytes, from, to)) continue;
      const instead = this.#instead(cell, bytes, from, to, column);
      if (instead === undefined) continue;
      out.copy(bytes, written, from);
      out.copy(instead, 0, instead.length);
      written = to;
    }
    return written;
  }

  /** What is written in the field's place; undefined where it stays. */
  #instead(cell: Cell, bytes: Buffer, from: number, to: number, column: number): Buffer | undefined {
    switch (cell.does) {
      case 'pass':
        return undefined;
      case 'null':
        return this.#nullText;
      case 'constant':
        this.#encoded[column] ??= this.encode(cell.bytes, column);
        return this.#encoded[column];
      case 'inspect':
        if (this.isPlain && this.#veil.suspects(bytes, from, to) === false) return undefined;
    }
    const field = bytes.subarray(from, to);
    const value = this.isPlain ? field : this.decode(field);
    const changed = cell.change(value);
    if (changed === value) return undefined;
    return changed === undefined ? this.#nullText : this.encode(changed, column);
  }

  protected isNullText(text: Buffer): boolean {
    return text.equals(this.#nullText);
  }

  #isNull(bytes: Buffer, from: number, to: number): boolean {
    const text = this.#nullText;
    if (!this.#isNullSure || to - from !== text.length) return false;
    for (let i = 0; i < text.length; i++) if (bytes[from + i] !== text[i]) return false;
    return true;
  }

  #writeNulls(fields: number, out: Output): void {
    for (let column = 0; column < fields; column++) {
      if (column > 0) out.byte(this.delimiter);
      out.copy(this.#nullText, 0, this.#nullText.length);
    }
  }
}

/** @throws WireError for what the server would refuse too */
export function byteOf(name: string, text: string): number {
  const bytes = Buffer.from(text);
  if (bytes.length === 1) return bytes[0]!;
  throw new WireError('ERR_WIRE_UNSUPPORTED', `COPY: ${name} must be one byte`);
}
