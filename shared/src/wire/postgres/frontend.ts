import { checkHeader, type MessageReader, openMessage } from './reader.ts';
import { type Format, Frontend, type Named } from './types.ts';
import { bareMessage, MessageWriter } from './writer.ts';

/*
 * What clients send. Every decoder takes a whole message, header included, in `buffer[start, end)`, and throws
 * WireError ERR_WIRE_MALFORMED on anything but exactly that message, ERR_WIRE_UNEXPECTED on another type.
 */

export interface Parse {
  readonly statement: string;
  readonly text: string;
  /** Type OIDs of the leading parameters; 0 leaves one to the server. */
  readonly parameterTypes: readonly number[];
}

export interface Bind {
  readonly portal: string;
  readonly statement: string;
  /** None: all text; one: for all; else one each. */
  readonly parameterFormats: readonly Format[];
  /** Parts of the message's buffer, not copied; null is SQL NULL. */
  readonly parameters: readonly (Uint8Array | null)[];
  readonly resultFormats: readonly Format[];
}

export interface Execute {
  readonly portal: string;
  /** 0 is no limit. */
  readonly maxRows: number;
}

export interface NamedThing {
  readonly kind: Named;
  readonly name: string;
}

export interface SASLInitialResponse {
  readonly mechanism: string;
  readonly data: Buffer | null;
}

/** The statement's text. */
export function decodeQuery(buffer: Buffer, start: number, end: number): string {
  const reader = openMessage(buffer, start, end, Frontend.Query, 'Query');
  return lastText(reader);
}

export function decodeParse(buffer: Buffer, start: number, end: number): Parse {
  const reader = openMessage(buffer, start, end, Frontend.Parse, 'Parse');
  const statement = reader.text();
  const text = reader.text();
  const count = reader.uint16();
  reader.expect(count, 4);
  const parameterTypes = Array.from({ length: count }, () => reader.uint32());
  reader.done();
  return { statement, text, parameterTypes };
}

export function decodeBind(buffer: Buffer, start: number, end: number): Bind {
  const reader = openMessage(buffer, start, end, Frontend.Bind, 'Bind');
  const portal = reader.text();
  const statement = reader.text();
  const parameterFormats = formats(reader);
  const count = reader.uint16();
  if (parameterFormats.length > 1 && parameterFormats.length !== count) {
    throw reader.malformed(`has ${parameterFormats.length} formats for ${count} parameters`);
  }
  reader.expect(count, 4);
  const parameters = Array.from({ length: count }, () => reader.value());
  const resultFormats = formats(reader);
  reader.done();
  return { portal, statement, parameterFormats, parameters, resultFormats };
}

/** Only the names of a Bind: its values are not looked at. */
export function bindNames(buffer: Buffer, start: number, end: number): { portal: string; statement: string } {
  const reader = openMessage(buffer, start, end, Frontend.Bind, 'Bind');
  return { portal: reader.text(), statement: reader.text() };
}

export function decodeExecute(buffer: Buffer, start: number, end: number): Execute {
  const reader = openMessage(buffer, start, end, Frontend.Execute, 'Execute');
  const execute = { portal: reader.text(), maxRows: reader.int32() };
  reader.done();
  return execute;
}

/** Only the portal of an Execute; the unnamed one, which nearly all are, costs no object. */
export function executePortal(buffer: Buffer, start: number, end: number): string {
  checkHeader(buffer, start, end, Frontend.Execute, 'PostgreSQL manual 55.7 "Execute"');
  if (end - start === 10 && buffer[start + 5] === 0) return '';
  return decodeExecute(buffer, start, end).portal;
}

export function decodeDescribe(buffer: Buffer, start: number, end: number): NamedThing {
  return namedThing(openMessage(buffer, start, end, Frontend.Describe, 'Describe'));
}

export function decodeClose(buffer: Buffer, start: number, end: number): NamedThing {
  return namedThing(openMessage(buffer, start, end, Frontend.Close, 'Close'));
}

/** The OID of the function that is called; its arguments are not read, because calls by OID are refused. */
export function decodeFunctionCall(buffer: Buffer, start: number, end: number): { functionOid: number } {
  const reader = openMessage(buffer, start, end, Frontend.FunctionCall, 'FunctionCall');
  return { functionOid: reader.uint32() };
}

export function decodePasswordMessage(buffer: Buffer, start: number, end: number): string {
  return lastText(openMessage(buffer, start, end, Frontend.PasswordMessage, 'PasswordMessage'));
}

export function decodeSASLInitialResponse(buffer: Buffer, start: number, end: number): SASLInitialResponse {
  const reader = openMessage(buffer, start, end, Frontend.PasswordMessage, 'SASLInitialResponse');
  const response = { mechanism: reader.text(), data: reader.value() };
  reader.done();
  return response;
}

export function decodeSASLResponse(buffer: Buffer, start: number, end: number): Buffer {
  return openMessage(buffer, start, end, Frontend.PasswordMessage, 'SASLResponse').rest();
}

/** Why the client gave its COPY up. */
export function decodeCopyFail(buffer: Buffer, start: number, end: number): string {
  return lastText(openMessage(buffer, start, end, Frontend.CopyFail, 'CopyFail'));
}

/** Sync, Flush, Terminate, CopyDone: nothing but a header. */
export function decodeBare(type: number, buffer: Buffer, start: number, end: number): void {
  openMessage(buffer, start, end, type, 'Message Formats').done();
}

function lastText(reader: MessageReader): string {
  const text = reader.text();
  reader.done();
  return text;
}

function formats(reader: MessageReader): Format[] {
  const count = reader.uint16();
  reader.expect(count, 2);
  return Array.from({ length: count }, () => {
    const format = reader.int16();
    if (format !== 0 && format !== 1) throw reader.malformed(`has the format ${format}`);
    return format;
  });
}

function namedThing(reader: MessageReader): NamedThing {
  const kind = reader.byte();
  if (kind !== 0x53 && kind !== 0x50) throw reader.malformed('names neither a statement nor a portal');
  return { kind: kind === 0x53 ? 'statement' : 'portal', name: lastText(reader) };
}

export function query(text: string): Buffer {
  return new MessageWriter(Frontend.Query, text.length + 6).text(text).finish();
}

export function parse(statement: string, text: string, parameterTypes: readonly number[] = []): Buffer {
  const writer = new MessageWriter(Frontend.Parse, text.length + 64).text(statement).text(text);
  writer.uint16(parameterTypes.length);
  for (const oid of parameterTypes) writer.uint32(oid);
  return writer.finish();
}

export function bind(message: Partial<Bind>): Buffer {
  const { portal = '', statement = '', parameterFormats = [], parameters = [], resultFormats = [] } = message;
  const writer = new MessageWriter(Frontend.Bind).text(portal).text(statement);
  writeFormats(writer, parameterFormats);
  writer.uint16(parameters.length);
  for (const value of parameters) writer.value(value);
  writeFormats(writer, resultFormats);
  return writer.finish();
}

function writeFormats(writer: MessageWriter, list: readonly Format[]): void {
  writer.uint16(list.length);
  for (const format of list) writer.int16(format);
}

export function execute(portal = '', maxRows = 0): Buffer {
  return new MessageWriter(Frontend.Execute).text(portal).int32(maxRows).finish();
}

export function describe(kind: Named, name = ''): Buffer {
  return writeNamed(Frontend.Describe, kind, name);
}

export function close(kind: Named, name = ''): Buffer {
  return writeNamed(Frontend.Close, kind, name);
}

function writeNamed(type: number, kind: Named, name: string): Buffer {
  const letter = kind === 'statement' ? 0x53 : 0x50;
  return new MessageWriter(type).byte(letter).text(name).finish();
}

export function passwordMessage(password: string): Buffer {
  return new MessageWriter(Frontend.PasswordMessage).text(password).finish();
}

export function saslInitialResponse(mechanism: string, data: Uint8Array | null): Buffer {
  return new MessageWriter(Frontend.PasswordMessage).text(mechanism).value(data).finish();
}

export function saslResponse(data: Uint8Array): Buffer {
  return new MessageWriter(Frontend.PasswordMessage).bytes(data).finish();
}

export function copyData(bytes: Uint8Array): Buffer {
  return new MessageWriter(Frontend.CopyData, bytes.length + 5).bytes(bytes).finish();
}

export function copyFail(reason: string): Buffer {
  return new MessageWriter(Frontend.CopyFail).text(reason).finish();
}

export function functionCall(functionOid: number, args: readonly (Uint8Array | null)[]): Buffer {
  const writer = new MessageWriter(Frontend.FunctionCall).uint32(functionOid).uint16(0).uint16(args.length);
  for (const value of args) writer.value(value);
  return writer.uint16(0).finish();
}

export const copyDone = (): Buffer => bareMessage(Frontend.CopyDone);
export const flush = (): Buffer => bareMessage(Frontend.Flush);
export const sync = (): Buffer => bareMessage(Frontend.Sync);
export const terminate = (): Buffer => bareMessage(Frontend.Terminate);
