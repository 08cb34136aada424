import { WireError } from '@sallyport/shared/errors/errors.ts';
import type { Veil } from '../../protocol.ts';
import type { Cells, CopyRows } from './copy.ts';
import type { Output } from './output.ts';
import type { Cell } from './values.ts';

const signature = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');
const FLAGS_BYTES = 4;
const FILE_HEADER_BYTES = signature.length + FLAGS_BYTES + 4;
const MAX_EXTENSION_BYTES = 64 * 1024;
const SECTION = 'PostgreSQL manual, COPY, "Binary Format"';

/** COPY's binary format: a file header, rows of counted values, a trailer of −1. */
export class BinaryRows implements CopyRows {
  readonly #cells: Cells;
  readonly #veil: Veil;
  #stage: 'header' | 'rows' | 'ended' = 'header';
  /** What `rowEnd` found last. */
  #found: 'header' | 'row' | 'trailer' = 'header';
  /** Of the current row: the next value's length word, counted from the row's start; 0 before the count was read. */
  #position = 0;
  #left = 0;

  constructor(cells: Cells, veil: Veil) {
    this.#cells = cells;
    this.#veil = veil;
  }

  get mayEnd(): boolean {
    return this.#stage === 'ended';
  }

  rowEnd(bytes: Buffer, start: number, end: number): number {
    if (this.#stage === 'header') return this.#headerEnd(bytes, start, end);
    if (this.#stage === 'ended') throw malformed('goes on behind its trailer');
    if (this.#position === 0) {
      if (end - start < 2) return -1;
      this.#left = bytes.readInt16BE(start);
      if (this.#left === -1) {
        this.#stage = 'ended';
        this.#found = 'trailer';
        return start + 2;
      }
      if (this.#left < 0) throw malformed(`counts ${this.#left} values`);
      this.#position = 2;
    }
    return this.#valuesEnd(bytes, start, end);
  }

  rewrite(bytes: Buffer, start: number, end: number, out: Output, copied: number): number {
    if (this.#found !== 'row') return copied;
    const cells = this.#cells;
    const count = bytes.readInt16BE(start);
    if (cells === undefined || cells.length !== count) {
      out.copy(bytes, copied, start + 2);
      for (let column = 0; column < count; column++) out.int32(-1);
      return end;
    }
    let at = start + 2;
    let written = copied;
    for (let column = 0; column < count; column++) {
      const lengthBytes = bytes.readInt32BE(at);
      at += 4;
      const cell = cells[column]!;
      if (lengthBytes === -1 && !(cell.does === 'constant' && cell.coversNull)) continue;
      const valueEnd = lengthBytes === -1 ? at : at + lengthBytes;
      const value = bytes.subarray(at, valueEnd);
      const instead = this.#instead(cell, value);
      if (instead !== value) {
        out.copy(bytes, written, at - 4);
        out.int32(instead === undefined ? -1 : instead.length);
        if (instead !== undefined) out.copy(instead, 0, instead.length);
        written = valueEnd;
      }
      at = valueEnd;
    }
    return written;
  }

  #instead(cell: Cell, value: Buffer): Buffer | undefined {
    switch (cell.does) {
      case 'pass':
        return value;
      case 'null':
        return undefined;
      case 'constant':
        return cell.bytes;
      case 'inspect':
        return this.#veil.suspects(value, 0, value.length) === false ? value : cell.change(value);
      case 'change':
        return cell.change(value);
    }
  }

  #headerEnd(bytes: Buffer, start: number, end: number): number {
    const seen = bytes.subarray(start, Math.min(end, start + signature.length));
    if (!seen.equals(signature.subarray(0, seen.length))) throw malformed('does not start with its signature');
    if (end - start < FILE_HEADER_BYTES) return -1;
    // The upper half of the flags are those that a reader must know; bit 16 was OIDs.
    if (bytes.readUInt16BE(start + signature.length) !== 0) throw malformed('has flags that nobody knows');
    const extensionBytes = bytes.readInt32BE(start + signature.length + FLAGS_BYTES);
    if (extensionBytes < 0 || extensionBytes > MAX_EXTENSION_BYTES) throw malformed('has an oversized header');
    const headerEnd = start + FILE_HEADER_BYTES + extensionBytes;
    if (headerEnd > end) return -1;
    this.#stage = 'rows';
    this.#found = 'header';
    return headerEnd;
  }

  #valuesEnd(bytes: Buffer, start: number, end: number): number {
    while (this.#left > 0) {
      const at = start + this.#position;
      if (end - at < 4) return -1;
      const lengthBytes = bytes.readInt32BE(at);
      if (lengthBytes < -1) throw malformed(`claims a value of ${lengthBytes} bytes`);
      const valueEnd = at + 4 + Math.max(lengthBytes, 0);
      if (valueEnd > end) return -1;
      this.#position = valueEnd - start;
      this.#left--;
    }
    const rowEnd = start + this.#position;
    this.#position = 0;
    this.#found = 'row';
    return rowEnd;
  }
}

function malformed(what: string): WireError {
  return new WireError('ERR_WIRE_MALFORMED', `Copied data ${what}.`, { see: SECTION });
}
