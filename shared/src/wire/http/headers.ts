import { WireError } from '../../errors/errors.ts';
import { MAX_FIELD_BYTES, MAX_FIELDS } from './limits.ts';

/** Header fields in order; names in lower case, values as Latin-1 text. */
export type Headers = readonly (readonly [name: string, value: string])[];

/** RFC 9110, 5.6.2 and 5.5: no control character but the tab. */
const fieldName = /^[!#$%&'*+.^_`|~0-9a-z-]{1,256}$/;
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Says something of one connection alone and is never passed on (RFC 9110, 7.6.1, and what clients still send). */
const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-authentication-info',
  'te',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/** Of node's `rawHeaders`, or of pairs; names become lower case, HTTP/2's pseudo headers are left out. */
export function headersOf(raw: readonly string[]): Headers {
  const headers: [string, string][] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = (raw[i] as string).toLowerCase();
    if (!name.startsWith(':')) headers.push([name, raw[i + 1] as string]);
  }
  return headers;
}

/** What is for the other end: without hop-by-hop fields and those that `Connection` lists. */
export function endToEnd(headers: Headers): Headers {
  const listed = new Set(valuesOf(headers, 'connection').flatMap(listOf));
  return headers.filter(([name]) => !hopByHop.has(name) && !listed.has(name));
}

export const valuesOf = (headers: Headers, name: string): string[] =>
  headers.filter(([each]) => each === name).map(([, value]) => value);

/** The value of a field that may be there once; undefined where it is not, or more than once. */
export function onlyValueOf(headers: Headers, name: string): string | undefined {
  const values = valuesOf(headers, name);
  return values.length === 1 ? values[0] : undefined;
}

/** Elements of a comma-separated list, lower case. */
export const listOf = (value: string): string[] =>
  value
    .split(',')
    .map((each) => each.trim().toLowerCase())
    .filter((each) => each !== '');

export const without = (headers: Headers, ...names: readonly string[]): Headers =>
  headers.filter(([name]) => !names.includes(name));

/** `headers` with this one field of the name. */
export const withField = (headers: Headers, name: string, value: string): Headers => [
  ...without(headers, name),
  [name, value],
];

/** @throws WireError for anything that is no list of header fields within the limits */
export function readHeaders(value: unknown): Headers {
  if (!Array.isArray(value)) throw malformed('it is no list');
  if (value.length > MAX_FIELDS) throw new WireError('ERR_WIRE_TOO_LARGE', 'There are too many header fields.');
  let bytes = 0;
  for (const field of value as unknown[]) {
    const [name, text] = Array.isArray(field) && field.length === 2 ? (field as unknown[]) : [];
    if (typeof name !== 'string' || !fieldName.test(name)) throw malformed('a name is no token');
    if (typeof text !== 'string' || !fieldValue.test(text))
      throw malformed(`the value of ${name} has a control character`);
    bytes += name.length + text.length;
  }
  if (bytes > MAX_FIELD_BYTES) throw new WireError('ERR_WIRE_TOO_LARGE', 'The header is too long.');
  return value as [string, string][];
}

/** Fields by name with all of their values, as node takes them. */
export function grouped(headers: Headers): Record<string, string | string[]> {
  const all = new Map<string, string[]>();
  for (const [name, value] of headers) all.set(name, [...(all.get(name) ?? []), value]);
  return Object.fromEntries(
    [...all].map(([name, values]) => [name, values.length === 1 ? (values[0] as string) : values]),
  );
}

const malformed = (why: string): WireError =>
  new WireError('ERR_WIRE_MALFORMED', `The header cannot be read: ${why}.`, { see: 'RFC 9110, 5' });
