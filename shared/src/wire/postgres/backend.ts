import { MAX_CANCEL_KEY_BYTES, MIN_CANCEL_KEY_BYTES } from './limits.ts';
import { openMessage } from './reader.ts';
import { Backend, type Format, type TransactionStatus } from './types.ts';
import { bareMessage, MessageWriter } from './writer.ts';

export * from './authentication.ts';
export * from './fields.ts';
export * from './rows.ts';

/*
 * What servers send. Every decoder takes a whole message, header included, in `buffer[start, end)`, and throws
 * WireError ERR_WIRE_MALFORMED on anything but exactly that message, ERR_WIRE_UNEXPECTED on another type.
 */

export interface BackendKeyData {
  readonly processId: number;
  /** 4 bytes up to protocol 3.1, 4 to 256 from 3.2. Part of the message's buffer. */
  readonly secretKey: Buffer;
}

export interface ParameterStatus {
  readonly name: string;
  readonly value: string;
}

export interface NotificationResponse {
  readonly processId: number;
  readonly channel: string;
  readonly payload: string;
}

export interface CopyResponse {
  readonly kind: 'in' | 'out' | 'both';
  readonly format: Format;
  readonly columnFormats: readonly Format[];
}

export function decodeReadyForQuery(buffer: Buffer, start: number, end: number): TransactionStatus {
  const reader = openMessage(buffer, start, end, Backend.ReadyForQuery, 'ReadyForQuery');
  const status = String.fromCharCode(reader.byte());
  reader.done();
  if (status !== 'I' && status !== 'T' && status !== 'E') throw reader.malformed('has no transaction status');
  return status;
}

/** The command tag, such as `INSERT 0 1`. */
export function decodeCommandComplete(buffer: Buffer, start: number, end: number): string {
  const reader = openMessage(buffer, start, end, Backend.CommandComplete, 'CommandComplete');
  const tag = reader.looseText();
  reader.done();
  return tag;
}

export function decodeParameterStatus(buffer: Buffer, start: number, end: number): ParameterStatus {
  const reader = openMessage(buffer, start, end, Backend.ParameterStatus, 'ParameterStatus');
  const status = { name: reader.text(), value: reader.looseText() };
  reader.done();
  return status;
}

/** Type OIDs of a statement's parameters. */
export function decodeParameterDescription(buffer: Buffer, start: number, end: number): number[] {
  const reader = openMessage(buffer, start, end, Backend.ParameterDescription, 'ParameterDescription');
  const count = reader.uint16();
  reader.expect(count, 4);
  const types = Array.from({ length: count }, () => reader.uint32());
  reader.done();
  return types;
}

export function decodeBackendKeyData(buffer: Buffer, start: number, end: number): BackendKeyData {
  const reader = openMessage(buffer, start, end, Backend.BackendKeyData, 'BackendKeyData');
  const processId = reader.int32();
  const secretKey = reader.rest();
  if (secretKey.length < MIN_CANCEL_KEY_BYTES || secretKey.length > MAX_CANCEL_KEY_BYTES) {
    throw reader.malformed(`has a cancel key of ${secretKey.length} bytes`);
  }
  return { processId, secretKey };
}

export function decodeNotificationResponse(buffer: Buffer, start: number, end: number): NotificationResponse {
  const reader = openMessage(buffer, start, end, Backend.NotificationResponse, 'NotificationResponse');
  const notification = { processId: reader.int32(), channel: reader.looseText(), payload: reader.looseText() };
  reader.done();
  return notification;
}

const copyTypes = {
  in: Backend.CopyInResponse,
  out: Backend.CopyOutResponse,
  both: Backend.CopyBothResponse,
} as const;

/** Of a CopyInResponse, CopyOutResponse or CopyBothResponse. */
export function decodeCopyResponse(buffer: Buffer, start: number, end: number): CopyResponse {
  const type = buffer[start];
  const kind = type === copyTypes.in ? 'in' : type === copyTypes.both ? 'both' : 'out';
  const reader = openMessage(buffer, start, end, copyTypes[kind], 'CopyOutResponse');
  const format = formatOf(reader.byte());
  const count = reader.uint16();
  reader.expect(count, 2);
  const columnFormats = Array.from({ length: count }, () => formatOf(reader.int16()));
  reader.done();
  return { kind, format, columnFormats };

  function formatOf(value: number): Format {
    if (value !== 0 && value !== 1) throw reader.malformed(`has the format ${value}`);
    return value;
  }
}

export function readyForQuery(status: TransactionStatus): Buffer {
  return new MessageWriter(Backend.ReadyForQuery).byte(status.charCodeAt(0)).finish();
}

export function commandComplete(tag: string): Buffer {
  return new MessageWriter(Backend.CommandComplete).text(tag).finish();
}

export function parameterStatus(name: string, value: string): Buffer {
  return new MessageWriter(Backend.ParameterStatus).text(name).text(value).finish();
}

export function parameterDescription(types: readonly number[]): Buffer {
  const writer = new MessageWriter(Backend.ParameterDescription).uint16(types.length);
  for (const oid of types) writer.uint32(oid);
  return writer.finish();
}

export function backendKeyData(processId: number, secretKey: Uint8Array): Buffer {
  return new MessageWriter(Backend.BackendKeyData).int32(processId).bytes(secretKey).finish();
}

export function notificationResponse(processId: number, channel: string, payload: string): Buffer {
  return new MessageWriter(Backend.NotificationResponse).int32(processId).text(channel).text(payload).finish();
}

function copyResponse(type: number, format: Format, columnFormats: readonly Format[]): Buffer {
  const writer = new MessageWriter(type).byte(format).uint16(columnFormats.length);
  for (const column of columnFormats) writer.int16(column);
  return writer.finish();
}

export function copyInResponse(format: Format, columnFormats: readonly Format[]): Buffer {
  return copyResponse(copyTypes.in, format, columnFormats);
}

export function copyOutResponse(format: Format, columnFormats: readonly Format[]): Buffer {
  return copyResponse(copyTypes.out, format, columnFormats);
}

export function copyBothResponse(format: Format, columnFormats: readonly Format[]): Buffer {
  return copyResponse(copyTypes.both, format, columnFormats);
}

export const bindComplete = (): Buffer => bareMessage(Backend.BindComplete);
export const closeComplete = (): Buffer => bareMessage(Backend.CloseComplete);
export const emptyQueryResponse = (): Buffer => bareMessage(Backend.EmptyQueryResponse);
export const noData = (): Buffer => bareMessage(Backend.NoData);
export const parseComplete = (): Buffer => bareMessage(Backend.ParseComplete);
export const portalSuspended = (): Buffer => bareMessage(Backend.PortalSuspended);
