import { HEADER_BYTES } from './limits.ts';
import { MessageReader } from './reader.ts';
import { Backend, type TransactionStatus } from './types.ts';
import { int16, int32, message, value } from './writer.ts';

/** Decoders take a whole message as the cutter gives it: `buffer` from `start` (its type byte) to before `end`. */

export interface Field {
  readonly name: string;
  /** 0 where the column is no table's. */
  readonly tableOid: number;
  /** 1-based attribute number; 0 where it is no column. */
  readonly columnNumber: number;
  readonly typeOid: number;
  /** Bytes; negative for types of variable length. */
  readonly typeLength: number;
  readonly typeModifier: number;
  /** 0 text, 1 binary. */
  readonly format: number;
}

/** Fields of ErrorResponse and NoticeResponse by their code (PostgreSQL manual, 54.8). */
export interface Diagnostics {
  readonly severity: string;
  readonly code: string;
  readonly message: string;
  readonly detail?: string;
  readonly hint?: string;
}

export type Authentication =
  | { readonly kind: 'Ok' }
  | { readonly kind: 'CleartextPassword' }
  | { readonly kind: 'MD5Password'; readonly salt: Buffer }
  | { readonly kind: 'SASL'; readonly mechanisms: readonly string[] }
  | { readonly kind: 'SASLContinue'; readonly data: Buffer }
  | { readonly kind: 'SASLFinal'; readonly data: Buffer }
  | { readonly kind: 'unsupported'; readonly code: number };

export function decodeAuthentication(buffer: Buffer, start: number, end: number): Authentication {
  const reader = read('Authentication', buffer, start, end);
  const code = reader.int32();
  switch (code) {
    case 0:
      reader.end();
      return { kind: 'Ok' };
    case 3:
      reader.end();
      return { kind: 'CleartextPassword' };
    case 5: {
      const salt = reader.bytes(4);
      reader.end();
      return { kind: 'MD5Password', salt };
    }
    case 10:
      return { kind: 'SASL', mechanisms: mechanisms(reader) };
    case 11:
      return { kind: 'SASLContinue', data: reader.bytes(reader.left) };
    case 12:
      return { kind: 'SASLFinal', data: reader.bytes(reader.left) };
    default:
      return { kind: 'unsupported', code };
  }
}

function mechanisms(reader: MessageReader): string[] {
  const names: string[] = [];
  for (let name = reader.cstring(); name !== ''; name = reader.cstring()) names.push(name);
  reader.end();
  return names;
}

export function decodeRowDescription(buffer: Buffer, start: number, end: number): Field[] {
  const reader = read('RowDescription', buffer, start, end);
  const fields = Array.from({ length: reader.count16(19) }, () => ({
    name: reader.cstring(),
    tableOid: reader.uint32(),
    columnNumber: reader.int16(),
    typeOid: reader.uint32(),
    typeLength: reader.int16(),
    typeModifier: reader.int32(),
    format: reader.int16(),
  }));
  reader.end();
  return fields;
}

export function decodeDataRow(buffer: Buffer, start: number, end: number): (Buffer | null)[] {
  const reader = read('DataRow', buffer, start, end);
  const values = Array.from({ length: reader.count16(4) }, () => reader.value());
  reader.end();
  return values;
}

/** ErrorResponse or NoticeResponse: text by field code, `S`, `C`, `M`, … */
export function decodeDiagnostics(buffer: Buffer, start: number, end: number): ReadonlyMap<string, string> {
  const reader = read('ErrorResponse', buffer, start, end);
  const fields = new Map<string, string>();
  for (let code = reader.uint8(); code !== 0; code = reader.uint8()) {
    fields.set(String.fromCharCode(code), reader.cstring());
  }
  reader.end();
  return fields;
}

export function decodeReadyForQuery(buffer: Buffer, start: number, end: number): TransactionStatus | undefined {
  const reader = read('ReadyForQuery', buffer, start, end);
  const status = String.fromCharCode(reader.uint8());
  reader.end();
  return status === 'I' || status === 'T' || status === 'E' ? status : undefined;
}

export function decodeParameterStatus(buffer: Buffer, start: number, end: number): { name: string; text: string } {
  const reader = read('ParameterStatus', buffer, start, end);
  const name = reader.cstring();
  const text = reader.cstring();
  reader.end();
  return { name, text };
}

/** The key has 4 bytes, up to 256 since protocol 3.2. */
export function decodeBackendKeyData(
  buffer: Buffer,
  start: number,
  end: number,
): { processId: number; secretKey: Buffer } {
  const reader = read('BackendKeyData', buffer, start, end);
  return { processId: reader.int32(), secretKey: reader.bytes(reader.left) };
}

export function decodeCommandComplete(buffer: Buffer, start: number, end: number): string {
  const reader = read('CommandComplete', buffer, start, end);
  const tag = reader.cstring();
  reader.end();
  return tag;
}

function read(name: string, buffer: Buffer, start: number, end: number): MessageReader {
  return new MessageReader(name, buffer, start + HEADER_BYTES, end);
}

export const authenticationOk = (): Buffer => message(Backend.Authentication, int32(0));

export const authenticationCleartextPassword = (): Buffer => message(Backend.Authentication, int32(3));

export const authenticationMD5Password = (salt: Uint8Array): Buffer => message(Backend.Authentication, int32(5), salt);

export function authenticationSASL(names: readonly string[]): Buffer {
  return message(Backend.Authentication, int32(10), ...names, Buffer.of(0));
}

export const authenticationSASLContinue = (data: Uint8Array): Buffer =>
  message(Backend.Authentication, int32(11), data);

export const authenticationSASLFinal = (data: Uint8Array): Buffer => message(Backend.Authentication, int32(12), data);

export function rowDescription(fields: readonly Field[]): Buffer {
  const parts = fields.flatMap((field) => [
    field.name,
    int32(field.tableOid),
    int16(field.columnNumber),
    int32(field.typeOid),
    int16(field.typeLength),
    int32(field.typeModifier),
    int16(field.format),
  ]);
  return message(Backend.RowDescription, int16(fields.length), ...parts);
}

export function dataRow(values: readonly (Uint8Array | null)[]): Buffer {
  return message(Backend.DataRow, int16(values.length), ...values.map(value));
}

export const errorResponse = (error: Diagnostics): Buffer => diagnostics(Backend.ErrorResponse, error);

export const noticeResponse = (notice: Diagnostics): Buffer => diagnostics(Backend.NoticeResponse, notice);

function diagnostics(type: number, { severity, code, message: text, detail, hint }: Diagnostics): Buffer {
  const fields = { S: severity, V: severity, C: code, M: text, D: detail, H: hint };
  const parts = Object.entries(fields).flatMap(([key, field]) =>
    field === undefined ? [] : [Buffer.from(key), field.replaceAll('\0', '')],
  );
  return message(type, ...parts, Buffer.of(0));
}

export const readyForQuery = (status: TransactionStatus): Buffer => message(Backend.ReadyForQuery, Buffer.from(status));

export const commandComplete = (tag: string): Buffer => message(Backend.CommandComplete, tag);

export const parameterStatus = (name: string, text: string): Buffer => message(Backend.ParameterStatus, name, text);

export function backendKeyData(processId: number, secretKey: Uint8Array): Buffer {
  return message(Backend.BackendKeyData, int32(processId), secretKey);
}
