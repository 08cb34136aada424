import { WireError } from '../../errors/errors.ts';
import { HEADER_BYTES } from './limits.ts';
import { MessageReader } from './reader.ts';
import { Frontend } from './types.ts';
import { int16, int32, message, value } from './writer.ts';

/** Decoders take a whole message as the cutter gives it: `buffer` from `start` (its type byte) to before `end`. */

export interface Query {
  readonly text: string;
}

export interface Parse {
  readonly statement: string;
  readonly text: string;
  readonly parameterTypes: readonly number[];
}

/** Formats: 0 text, 1 binary; none means all text, one holds for all. */
export interface Bind {
  readonly portal: string;
  readonly statement: string;
  readonly parameterFormats: readonly number[];
  /** Views into the message; null is SQL NULL. */
  readonly parameters: readonly (Buffer | null)[];
  readonly resultFormats: readonly number[];
}

export interface Execute {
  readonly portal: string;
  /** 0 is no limit. */
  readonly maxRows: number;
}

/** What Describe and Close are about. */
export interface Subject {
  readonly of: 'statement' | 'portal';
  readonly name: string;
}

export function decodeQuery(buffer: Buffer, start: number, end: number): Query {
  const reader = read('Query', buffer, start, end);
  const text = reader.cstring();
  reader.end();
  return { text };
}

export function decodeParse(buffer: Buffer, start: number, end: number): Parse {
  const reader = read('Parse', buffer, start, end);
  const statement = reader.cstring();
  const text = reader.cstring();
  const parameterTypes = Array.from({ length: reader.count16(4) }, () => reader.uint32());
  reader.end();
  return { statement, text, parameterTypes };
}

export function decodeBind(buffer: Buffer, start: number, end: number): Bind {
  const reader = read('Bind', buffer, start, end);
  const portal = reader.cstring();
  const statement = reader.cstring();
  const parameterFormats = formats(reader);
  const parameters = Array.from({ length: reader.count16(4) }, () => reader.value());
  const resultFormats = formats(reader);
  reader.end();
  return { portal, statement, parameterFormats, parameters, resultFormats };
}

export function decodeExecute(buffer: Buffer, start: number, end: number): Execute {
  const reader = read('Execute', buffer, start, end);
  const portal = reader.cstring();
  const maxRows = reader.int32();
  reader.end();
  return { portal, maxRows };
}

export const decodeDescribe = (buffer: Buffer, start: number, end: number): Subject =>
  subject(read('Describe', buffer, start, end));

export const decodeClose = (buffer: Buffer, start: number, end: number): Subject =>
  subject(read('Close', buffer, start, end));

export function decodePassword(buffer: Buffer, start: number, end: number): string {
  const reader = read('PasswordMessage', buffer, start, end);
  const password = reader.cstring();
  reader.end();
  return password;
}

function read(name: string, buffer: Buffer, start: number, end: number): MessageReader {
  return new MessageReader(name, buffer, start + HEADER_BYTES, end);
}

function formats(reader: MessageReader): number[] {
  return Array.from({ length: reader.count16(2) }, () => {
    const format = reader.int16();
    if (format === 0 || format === 1) return format;
    throw new WireError('ERR_WIRE_MALFORMED', `Bind asks for format ${format}`, { see: 'PostgreSQL manual, 54.7' });
  });
}

function subject(reader: MessageReader): Subject {
  const of = reader.uint8();
  const name = reader.cstring();
  reader.end();
  if (of === 0x53) return { of: 'statement', name };
  if (of === 0x50) return { of: 'portal', name };
  throw new WireError('ERR_WIRE_MALFORMED', 'neither a statement nor a portal is named', {
    see: 'PostgreSQL manual, 54.7, Describe',
  });
}

export const query = (text: string): Buffer => message(Frontend.Query, text);

export function parse(statement: string, text: string, parameterTypes: readonly number[] = []): Buffer {
  return message(Frontend.Parse, statement, text, int16(parameterTypes.length), int32(...parameterTypes));
}

export function bind(asked: Partial<Bind> = {}): Buffer {
  const { portal = '', statement = '', parameterFormats = [], parameters = [], resultFormats = [] } = asked;
  return message(
    Frontend.Bind,
    portal,
    statement,
    int16(parameterFormats.length, ...parameterFormats, parameters.length),
    ...parameters.map(value),
    int16(resultFormats.length, ...resultFormats),
  );
}

export const execute = (portal = '', maxRows = 0): Buffer => message(Frontend.Execute, portal, int32(maxRows));

export const describe = ({ of, name }: Subject): Buffer => message(Frontend.Describe, letter(of), name);

export const close = ({ of, name }: Subject): Buffer => message(Frontend.Close, letter(of), name);

const letter = (of: Subject['of']): Buffer => Buffer.of(of === 'statement' ? 0x53 : 0x50);

export const sync = (): Buffer => message(Frontend.Sync);

export const flush = (): Buffer => message(Frontend.Flush);

export const terminate = (): Buffer => message(Frontend.Terminate);

export const copyData = (bytes: Uint8Array): Buffer => message(Frontend.CopyData, bytes);

export const copyDone = (): Buffer => message(Frontend.CopyDone);

export const copyFail = (reason: string): Buffer => message(Frontend.CopyFail, reason);

export const passwordMessage = (password: string): Buffer => message(Frontend.Password, password);

export function saslInitialResponse(mechanism: string, response: Uint8Array): Buffer {
  return message(Frontend.Password, mechanism, value(response));
}

export const saslResponse = (response: Uint8Array): Buffer => message(Frontend.Password, response);
