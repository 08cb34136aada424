import { WireError } from '../../errors/errors.ts';
import { openMessage } from './reader.ts';
import { Backend } from './types.ts';
import { MessageWriter } from './writer.ts';

/** Fields by their letter: S V severity, C code, M message, D detail, H hint, P position, … @see manual 55.8 */
export type Fields = Readonly<Record<string, string>>;

/** What we tell a client in our own words. */
export interface Report {
  readonly severity: 'ERROR' | 'FATAL' | 'PANIC' | 'WARNING' | 'NOTICE' | 'DEBUG' | 'INFO' | 'LOG';
  /** SQLSTATE, five characters. */
  readonly code: string;
  readonly message: string;
  readonly detail?: string | undefined;
  readonly hint?: string | undefined;
  /** Characters from the start of the statement, the first is 1. */
  readonly position?: number | undefined;
  readonly where?: string | undefined;
  readonly schema?: string | undefined;
  readonly table?: string | undefined;
  readonly column?: string | undefined;
  readonly dataType?: string | undefined;
  readonly constraint?: string | undefined;
}

export function errorResponse(report: Report): Buffer {
  return encodeFields(Backend.ErrorResponse, fieldsOf(report));
}

export function noticeResponse(report: Report): Buffer {
  return encodeFields(Backend.NoticeResponse, fieldsOf(report));
}

function fieldsOf(report: Report): Record<string, string | undefined> {
  return {
    S: report.severity,
    V: report.severity,
    C: report.code,
    M: report.message,
    D: report.detail,
    H: report.hint,
    P: report.position?.toString(),
    W: report.where,
    s: report.schema,
    t: report.table,
    c: report.column,
    d: report.dataType,
    n: report.constraint,
  };
}

/** Writes fields in the order of the record; for a server's own error with some fields replaced. */
export function encodeFields(type: number, fields: Readonly<Record<string, string | undefined>>): Buffer {
  const writer = new MessageWriter(type, 256);
  for (const [letter, text] of Object.entries(fields)) {
    if (text === undefined) continue;
    // Texts quote what people typed: a NUL in them must not forge another field.
    writer.byte(letter.charCodeAt(0)).text(text.replaceAll('\0', '\uFFFD'));
  }
  return writer.byte(0).finish();
}

/** Of an ErrorResponse or a NoticeResponse. Where a letter stands twice, as it must not, the last counts, as in libpq. */
export function decodeFields(buffer: Buffer, start: number, end: number): Fields {
  const type = buffer[start];
  if (type !== Backend.ErrorResponse && type !== Backend.NoticeResponse) throw noFields(start);
  const reader = openMessage(buffer, start, end, type, 'ErrorResponse');
  const fields: Record<string, string> = {};
  for (let letter = reader.byte(); letter !== 0; letter = reader.byte()) {
    fields[String.fromCharCode(letter)] = reader.looseText();
  }
  reader.done();
  return fields;
}

function noFields(offsetBytes: number): WireError {
  return new WireError('ERR_WIRE_UNEXPECTED', 'Expected an error or a notice.', {
    offsetBytes,
    see: 'PostgreSQL manual 55.7 "ErrorResponse"',
  });
}
