import { WireError } from '@sallyport/shared/errors/errors.ts';
import { Backend } from '@sallyport/shared/wire/postgres/types.ts';
import type { Veil } from '../../protocol.ts';
import { BinaryRows } from './copy-binary.ts';
import { CsvRows } from './copy-csv.ts';
import { Hold } from './copy-hold.ts';
import { looksLikeValue, TextRows } from './copy-text.ts';
import type { Output } from './output.ts';
import type { ColumnPlan } from './plan.ts';
import type { TextTypes } from './types.ts';
import { type Cell, cellOf } from './values.ts';

/** What `COPY … TO STDOUT` was asked for; absent options have the server's defaults. @see manual, COPY */
export interface CopyOptions {
  readonly format: 'text' | 'csv' | 'binary';
  /** The first line holds the columns' names. */
  readonly header?: boolean;
  /** One byte each. */
  readonly delimiter?: string;
  readonly quote?: string;
  readonly escape?: string;
  readonly null?: string;
  /** Columns that are always quoted, by their place in the output; true for all. */
  readonly forceQuote?: true | ReadonlySet<number>;
  readonly encoding?: string;
}

/** What is done to each column; undefined where nobody knows the columns. */
export type Cells = readonly Cell[] | undefined;

/** Cuts one format's rows out of a stream and rewrites them. */
export interface CopyRows {
  /**
   * Reads on in `bytes[start, end)`, in which `start` is where the current row starts: also again with the same row
   * and more bytes behind it. Returns where the row ends, or −1 when it is not whole.
   */
  rowEnd(bytes: Buffer, start: number, end: number): number;
  /**
   * Rewrites the row that `rowEnd` found last. `copied` is up to where the bytes have been written; returns that as it
   * is afterwards: the same where nothing of the row changes, for then nothing is written.
   */
  rewrite(bytes: Buffer, start: number, end: number, out: Output, copied: number): number;
  /** Whether the data may end here. */
  readonly mayEnd: boolean;
}

/** Bytes in front of a CopyData message's data. */
const HEADER_BYTES = 5;

/** Rewrites the data of one COPY TO STDOUT by a plan, however messages and rows are cut. */
export class CopyMasker {
  readonly #rows: CopyRows;
  readonly #hold = new Hold();
  /** Of what was rewritten last: something of it is not as it came, though it may be shorter by all that was written. */
  #changed = false;

  /**
   * `typeOids` as far as they are known: what takes an unknown type's place is NULL.
   * @throws WireError ERR_WIRE_UNSUPPORTED for options that cannot be followed
   */
  constructor(
    plan: ColumnPlan | undefined,
    typeOids: readonly (number | undefined)[],
    options: CopyOptions,
    veil: Veil,
    textTypes: TextTypes = new Set(),
  ) {
    requireUtf8(options);
    const format = options.format === 'binary' ? 1 : 0;
    const cells = plan?.map((planned, i) =>
      cellOf(closed(planned, options), { typeOid: typeOids[i], format }, veil, textTypes),
    );
    this.#rows = readers[options.format](cells, options, veil);
  }

  /** A whole CopyData message. @throws WireError ERR_WIRE_MALFORMED, ERR_WIRE_TOO_LARGE */
  message(buffer: Buffer, start: number, end: number, out: Output): void {
    if (!this.#data(buffer, start + HEADER_BYTES, end, out)) out.pass(buffer, start, end);
  }

  /** The next piece of a CopyData message's data, without its header: for messages too long to be held. */
  part(bytes: Buffer, out: Output): void {
    if (!this.#data(bytes, 0, bytes.length, out)) {
      out.open(Backend.CopyData);
      out.copy(bytes, 0, bytes.length);
      out.close();
    }
  }

  /** At CopyDone. @throws WireError ERR_WIRE_MALFORMED when a row was not whole */
  finish(): void {
    if (this.#hold.isEmpty && this.#rows.mayEnd) return;
    throw new WireError('ERR_WIRE_MALFORMED', 'Copied data ended within a row.', { see: 'PostgreSQL manual, COPY' });
  }

  /** False where `bytes[start, end)` is whole rows that stay as they are: nothing was written then. */
  #data(bytes: Buffer, start: number, end: number, out: Output): boolean {
    out.open(Backend.CopyData);
    if (this.#hold.isEmpty) {
      const done = this.#rewrite(bytes, start, end, out);
      if (done === end && !this.#changed) {
        out.cancel();
        return false;
      }
      this.#hold.add(bytes, done, end);
    } else {
      this.#hold.add(bytes, start, end);
      this.#hold.drop(this.#rewrite(this.#hold.bytes, 0, this.#hold.lengthBytes, out));
    }
    if (out.openBytes > HEADER_BYTES) out.close();
    else out.cancel();
    return true;
  }

  /** Writes the whole rows, or nothing where all of them stay as they are and nothing is held; returns their end. */
  #rewrite(bytes: Buffer, start: number, end: number, out: Output): number {
    let rowStart = start;
    /** What lies before it was written. */
    let copied = start;
    this.#changed = false;
    while (rowStart < end) {
      const rowEnd = this.#rows.rowEnd(bytes, rowStart, end);
      if (rowEnd < 0) break;
      const before = out.openBytes;
      const written = this.#rows.rewrite(bytes, rowStart, rowEnd, out, copied);
      this.#changed ||= written !== copied || out.openBytes !== before;
      copied = written;
      rowStart = rowEnd;
    }
    if (this.#changed || rowStart < end || !this.#hold.isEmpty) out.copy(bytes, copied, rowStart);
    return rowStart;
  }
}

const readers = {
  text: (cells: Cells, options: CopyOptions, veil: Veil) => new TextRows(cells, options, veil),
  csv: (cells: Cells, options: CopyOptions, veil: Veil) => new CsvRows(cells, options, veil),
  binary: (cells: Cells, _options: CopyOptions, veil: Veil) => new BinaryRows(cells, veil),
} as const;

/**
 * A client that has NULL written as the value that it guesses would see which rows hold it, or what it hashes to: then
 * every value and every NULL of a protected column looks the same.
 */
function closed(planned: ColumnPlan[number], { format, null: nullText, delimiter }: CopyOptions): ColumnPlan[number] {
  if (typeof planned === 'string' || planned.as === 'null' || format !== 'text' || nullText === undefined)
    return planned;
  return looksLikeValue(nullText, delimiter) ? { mask: planned.mask, as: 'redact' } : planned;
}

/** Other encodings may hide a delimiter within a character. */
function requireUtf8({ encoding }: CopyOptions): void {
  if (encoding === undefined || /^(?:utf-?8|unicode)$/i.test(encoding)) return;
  throw new WireError('ERR_WIRE_UNSUPPORTED', `COPY in the encoding ${encoding} cannot be masked; use UTF8`);
}
