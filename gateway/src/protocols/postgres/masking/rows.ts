import { WireError } from '@sallyport/shared/errors/errors.ts';
import { Backend } from '@sallyport/shared/wire/postgres/types.ts';
import type { Veil } from '../../protocol.ts';
import { Output } from './output.ts';
import type { ColumnPlan } from './plan.ts';
import type { TextTypes } from './types.ts';
import { type Arriving, type Cell, cellOf } from './values.ts';

const ROW_SECTION = 'PostgreSQL manual 55.7 "DataRow"';
const noTypes: TextTypes = new Set();

/** Codes of `Cell.does`, for a loop over bytes. */
const PASS = 0;
const NULL = 1;
const CONSTANT = 2;
const CHANGE = 3;
const INSPECT = 4;
const COVER = 5;
const codes = { pass: PASS, null: NULL, constant: CONSTANT, change: CHANGE, inspect: INSPECT } as const;
const codeOf = (cell: Cell): number => (cell.does === 'constant' && cell.coversNull ? COVER : codes[cell.does]);

/** Rewrites DataRows by a plan. Undefined as a plan, or a row of another width, shows nothing but NULLs. */
export class RowMasker {
  /** No row of the planned width is changed. Only a plan held against a RowDescription tells every row's width. */
  readonly isIdle: boolean;
  readonly #codes: Uint8Array;
  readonly #cells: readonly Cell[];
  readonly #veil: Veil;
  readonly #isKnown: boolean;

  constructor(plan: ColumnPlan | undefined, columns: readonly Arriving[], veil: Veil, textTypes: TextTypes = noTypes) {
    this.#isKnown = plan !== undefined && plan.length === columns.length;
    this.#cells = (this.#isKnown ? plan! : []).map((planned, i) => cellOf(planned, columns[i]!, veil, textTypes));
    this.#codes = Uint8Array.from(this.#cells, codeOf);
    this.#veil = veil;
    this.isIdle = this.#isKnown && this.#codes.every((code) => code === PASS);
  }

  /**
   * The row in `buffer[start, end)` as it may be seen; undefined where that is as it came.
   * @throws WireError ERR_WIRE_MALFORMED
   */
  mask(buffer: Buffer, start: number, end: number): Buffer | undefined {
    let rewritten: Buffer | undefined;
    const out = new Output((bytes) => {
      rewritten = bytes;
    });
    if (!this.rewrite(buffer, start, end, out)) return undefined;
    out.flush();
    return rewritten;
  }

  /** As `mask`, straight into `out`; false where the row is unchanged and nothing was written. */
  rewrite(buffer: Buffer, start: number, end: number, out: Output): boolean {
    if (end - start < 7) throw malformed(start);
    const count = (buffer[start + 5]! << 8) | buffer[start + 6]!;
    if (!this.#isKnown || count !== this.#codes.length) return allNull(count, out);
    if (this.isIdle) return false;
    const kinds = this.#codes;
    let at = start + 7;
    /** Start of what was not copied yet; −1 while nothing is changed. */
    let uncopied = -1;
    for (let column = 0; column < count; column++) {
      if (end - at < 4) throw malformed(at);
      const lengthBytes = (buffer[at]! << 24) | (buffer[at + 1]! << 16) | (buffer[at + 2]! << 8) | buffer[at + 3]!;
      at += 4;
      if (lengthBytes === -1 && kinds[column] !== COVER) continue;
      if (lengthBytes < -1 || lengthBytes > end - at) throw malformed(at);
      const valueEnd = lengthBytes === -1 ? at : at + lengthBytes;
      if (kinds[column] !== PASS) {
        const instead = this.#instead(column, buffer, at, valueEnd);
        if (instead !== unchanged) {
          if (uncopied < 0) {
            out.open(Backend.DataRow);
            uncopied = start + 5;
          }
          out.copy(buffer, uncopied, at - 4);
          writeValue(instead, out);
          uncopied = valueEnd;
        }
      }
      at = valueEnd;
    }
    if (at !== end) throw malformed(at);
    if (uncopied < 0) return false;
    out.copy(buffer, uncopied, end);
    out.close();
    return true;
  }

  #instead(column: number, buffer: Buffer, start: number, end: number): Buffer | undefined {
    const cell = this.#cells[column]!;
    switch (cell.does) {
      case 'pass':
        return unchanged;
      case 'null':
        return undefined;
      case 'constant':
        return cell.bytes;
      case 'inspect':
        if (this.#veil.suspects(buffer, start, end) === false) return unchanged;
    }
    const value = buffer.subarray(start, end);
    const instead = cell.change(value);
    return instead === value ? unchanged : instead;
  }
}

/** Stands for a value that stays as it is. */
const unchanged = Buffer.alloc(0);

function writeValue(value: Buffer | undefined, out: Output): void {
  if (value === undefined) return out.int32(-1);
  out.int32(value.length);
  out.copy(value, 0, value.length);
}

function allNull(count: number, out: Output): true {
  out.open(Backend.DataRow);
  out.int16(count);
  for (let column = 0; column < count; column++) out.int32(-1);
  out.close();
  return true;
}

function malformed(offsetBytes: number): WireError {
  return new WireError('ERR_WIRE_MALFORMED', 'The values of a row do not add up to its length.', {
    offsetBytes,
    see: ROW_SECTION,
  });
}
