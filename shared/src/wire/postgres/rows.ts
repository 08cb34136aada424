import { WireError } from '../../errors/errors.ts';
import { checkHeader, openMessage } from './reader.ts';
import { Backend, type Format } from './types.ts';
import { MessageWriter } from './writer.ts';

/** One column of a result. @see PostgreSQL manual 55.7 "RowDescription" */
export interface FieldDescription {
  readonly name: string;
  /** 0 where the column is no plain column of a table. */
  readonly tableOid: number;
  readonly columnNumber: number;
  readonly typeOid: number;
  /** Negative: variable. */
  readonly typeLength: number;
  readonly typeModifier: number;
  readonly format: Format;
}

const SMALLEST_FIELD_BYTES = 19;

export function decodeRowDescription(buffer: Buffer, start: number, end: number): FieldDescription[] {
  const reader = openMessage(buffer, start, end, Backend.RowDescription, 'RowDescription');
  const count = reader.uint16();
  reader.expect(count, SMALLEST_FIELD_BYTES);
  const fields = Array.from({ length: count }, () => {
    const field = {
      name: reader.text(),
      tableOid: reader.uint32(),
      columnNumber: reader.int16(),
      typeOid: reader.uint32(),
      typeLength: reader.int16(),
      typeModifier: reader.int32(),
    };
    const format = reader.int16();
    if (format !== 0 && format !== 1) throw reader.malformed(`has the format ${format}`);
    return { ...field, format } satisfies FieldDescription;
  });
  reader.done();
  return fields;
}

/** A field of one's own making needs no more than a name: then it is text of no table. */
export function rowDescription(fields: readonly (Partial<FieldDescription> & { readonly name: string })[]): Buffer {
  const writer = new MessageWriter(Backend.RowDescription, 64 * (fields.length + 1)).uint16(fields.length);
  for (const field of fields) {
    writer
      .text(field.name)
      .uint32(field.tableOid ?? 0)
      .int16(field.columnNumber ?? 0);
    writer.uint32(field.typeOid ?? TEXT_OID).int16(field.typeLength ?? -1);
    writer.int32(field.typeModifier ?? -1).int16(field.format ?? 0);
  }
  return writer.finish();
}

const TEXT_OID = 25;

/** One allocation of exactly the size; null is SQL NULL. */
export function dataRow(values: readonly (Uint8Array | null)[]): Buffer {
  let sizeBytes = 7;
  for (const value of values) sizeBytes += 4 + (value === null ? 0 : value.length);
  const row = Buffer.allocUnsafe(sizeBytes);
  row[0] = Backend.DataRow;
  row.writeUInt32BE(sizeBytes - 1, 1);
  row.writeUInt16BE(values.length, 5);
  let at = 7;
  for (const value of values) {
    row.writeInt32BE(value === null ? -1 : value.length, at);
    at += 4;
    if (value === null) continue;
    row.set(value, at);
    at += value.length;
  }
  return row;
}

const ROW_SECTION = 'PostgreSQL manual 55.7 "DataRow"';

/**
 * Visits each value of the row in `buffer[start, end)` without copying; `valueEnd` is −1 for SQL NULL. The row's
 * structure is checked as it is walked, so visits made before a throw must be discarded. Returns the column count.
 * @throws WireError ERR_WIRE_MALFORMED, ERR_WIRE_UNEXPECTED when it is no DataRow
 */
export function walkDataRow(
  buffer: Buffer,
  start: number,
  end: number,
  visit: (column: number, valueStart: number, valueEnd: number) => void,
): number {
  checkHeader(buffer, start, end, Backend.DataRow, ROW_SECTION);
  if (end - start < 7) throw malformedRow(start);
  const count = (buffer[start + 5]! << 8) | buffer[start + 6]!;
  let at = start + 7;
  for (let column = 0; column < count; column++) {
    if (end - at < 4) throw malformedRow(at);
    const lengthBytes = (buffer[at]! << 24) | (buffer[at + 1]! << 16) | (buffer[at + 2]! << 8) | buffer[at + 3]!;
    at += 4;
    if (lengthBytes === -1) {
      visit(column, at, -1);
      continue;
    }
    if (lengthBytes < 0 || lengthBytes > end - at) throw malformedRow(at);
    visit(column, at, at + lengthBytes);
    at += lengthBytes;
  }
  if (at !== end) throw malformedRow(at);
  return count;
}

/** The values as parts of the buffer: for tests and small results, not for the relay. */
export function decodeDataRow(buffer: Buffer, start: number, end: number): (Buffer | null)[] {
  const values: (Buffer | null)[] = [];
  walkDataRow(buffer, start, end, (_column, from, to) => {
    values.push(to === -1 ? null : buffer.subarray(from, to));
  });
  return values;
}

function malformedRow(offsetBytes: number): WireError {
  return new WireError('ERR_WIRE_MALFORMED', 'The values of a row do not add up to its length.', {
    offsetBytes,
    see: ROW_SECTION,
  });
}
