import { isUtf8 } from 'node:buffer';
import type { Format } from '@sallyport/shared/wire/postgres/types.ts';
import { float4Text, float8Text, numericText } from './binary-number.ts';
import { dateText, timestampText, timeText } from './binary-time.ts';

/** Type OIDs. @see PostgreSQL source, src/include/catalog/pg_type.dat */
const Oid = {
  bool: 16,
  bytea: 17,
  int8: 20,
  int2: 21,
  int4: 23,
  oid: 26,
  json: 114,
  float4: 700,
  float8: 701,
  date: 1082,
  time: 1083,
  timestamp: 1114,
  timestamptz: 1184,
  numeric: 1700,
  uuid: 2950,
  jsonb: 3802,
} as const;

/** Types whose binary form is their text: char, name, text, json, xml, unknown, bpchar, varchar. */
const texts = new Set<number>([18, 19, 25, Oid.json, 142, 705, 1042, 1043]);

/** Reads a binary value whole; undefined where its bytes are none of the type. */
const decoders = new Map<number, (bytes: Buffer) => string | undefined>([
  [Oid.bool, sized(1, (bytes) => (bytes[0] === 0 ? 'f' : 't'))],
  [Oid.int2, sized(2, (bytes) => String(bytes.readInt16BE()))],
  [Oid.int4, sized(4, (bytes) => String(bytes.readInt32BE()))],
  [Oid.int8, sized(8, (bytes) => String(bytes.readBigInt64BE()))],
  [Oid.oid, sized(4, (bytes) => String(bytes.readUInt32BE()))],
  [Oid.float4, sized(4, (bytes) => float4Text(bytes.readFloatBE()))],
  [Oid.float8, sized(8, (bytes) => float8Text(bytes.readDoubleBE()))],
  [Oid.date, sized(4, (bytes) => dateText(bytes.readInt32BE()))],
  [Oid.time, sized(8, (bytes) => timeText(bytes.readBigInt64BE()))],
  [Oid.timestamp, sized(8, (bytes) => timestampText(bytes.readBigInt64BE(), ''))],
  [Oid.timestamptz, sized(8, (bytes) => timestampText(bytes.readBigInt64BE(), '+00'))],
  [Oid.uuid, sized(16, (bytes) => bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'))],
  [Oid.numeric, numericText],
]);

function sized(lengthBytes: number, decode: (bytes: Buffer) => string): (bytes: Buffer) => string | undefined {
  return (bytes) => (bytes.length === lengthBytes ? decode(bytes) : undefined);
}

/** What the text forms of types look like whose binary forms could be taken for text. */
const textForms = new Map<number, RegExp>([
  [Oid.bool, /^[tf]$/],
  [Oid.bytea, /^\\x/],
  [Oid.int2, /^-?\d+$/],
  [Oid.int4, /^-?\d+$/],
  [Oid.int8, /^-?\d+$/],
  [Oid.oid, /^\d+$/],
  [Oid.float4, /^-?(\d[\d.e+-]*|Infinity)$|^NaN$/],
  [Oid.float8, /^-?(\d[\d.e+-]*|Infinity)$|^NaN$/],
  [Oid.date, /^(\d+-\d\d-\d\d( BC)?|-?infinity)$/],
  [Oid.time, /^\d\d:\d\d:/],
  [Oid.timestamp, /^(\d+-\d\d-\d\d |-?infinity$)/],
  [Oid.timestamptz, /^(\d+-\d\d-\d\d |-?infinity$)/],
  [Oid.numeric, /^-?(\d[\d.]*|Infinity)$|^NaN$/],
  [Oid.uuid, /^[\da-f-]{36}$/],
]);

const names = new Map<number, string>([
  ...Object.entries(Oid).map(([name, oid]): [number, string] => [oid, name]),
  [19, 'name'],
  [25, 'text'],
  [1042, 'bpchar'],
  [1043, 'varchar'],
]);

/** As the server names the common types; empty for others. */
export function typeName(oid: number): string {
  return names.get(oid) ?? '';
}

/** What is known of a column. */
export interface ColumnKind {
  /** 0 where it is unknown. */
  readonly typeOid: number;
  /** Undefined where the client alone knows what it asked for. */
  readonly format: Format | undefined;
}

/** A value as a person reads it. `bytes` may be the beginning of a longer one of `lengthBytes`. */
export function cellText(kind: ColumnKind, bytes: Buffer, lengthBytes: number, maxBytes: number): string {
  const isBinary = kind.format === undefined ? looksBinary(kind.typeOid, bytes) : kind.format === 1;
  if (isBinary) {
    const decoded = lengthBytes === bytes.length ? decoders.get(kind.typeOid)?.(bytes) : undefined;
    if (decoded !== undefined) return decoded;
    if (kind.typeOid === Oid.jsonb && bytes[0] === 1) return plainText(bytes.subarray(1), lengthBytes - 1, maxBytes);
    if (!texts.has(kind.typeOid)) return hexText(bytes, lengthBytes, maxBytes);
  }
  return plainText(bytes, lengthBytes, maxBytes);
}

function looksBinary(typeOid: number, bytes: Buffer): boolean {
  const form = textForms.get(typeOid);
  if (form !== undefined) return !form.test(bytes.toString('latin1', 0, 256));
  // No text of the server's holds a NUL or, but in strings, another control character.
  return !isPrintable(bytes);
}

/** A character cut in two at the end is no sign of binary data. */
function isPrintable(bytes: Buffer): boolean {
  for (const byte of bytes) if (byte < 9 || (byte > 13 && byte < 32)) return false;
  for (let cut = 0; cut < 4; cut++) if (isUtf8(bytes.subarray(0, Math.max(0, bytes.length - cut)))) return true;
  return false;
}

function plainText(bytes: Buffer, lengthBytes: number, maxBytes: number): string {
  if (lengthBytes <= maxBytes) return bytes.toString('utf8');
  let end = Math.min(maxBytes, bytes.length);
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--;
  return `${bytes.toString('utf8', 0, end)}… [${lengthBytes} bytes]`;
}

function hexText(bytes: Buffer, lengthBytes: number, maxBytes: number): string {
  const shown = `\\x${bytes.toString('hex', 0, Math.min(bytes.length, maxBytes >> 1))}`;
  return lengthBytes <= maxBytes >> 1 ? shown : `${shown}… [${lengthBytes} bytes]`;
}
