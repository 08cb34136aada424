import type { Veil } from '../../protocol.ts';
import { familyOf } from './types.ts';

/** Nesting of rows and arrays beyond this is not looked through: it counts as a find. */
const MAX_DEPTH = 16;

const noTypes: ReadonlySet<number> = new Set();

/**
 * Whether detectors find nothing in any element of an array or a row in binary form. What cannot be read counts as a
 * find. @see array_send in PostgreSQL's arrayfuncs.c, record_send in rowtypes.c
 */
export function holdsNothing(value: Buffer, family: 'texts' | 'record', veil: Veil, depth = 0): boolean {
  if (depth > MAX_DEPTH) return false;
  return family === 'record' ? inRecord(value, veil, depth) : inArray(value, veil, depth);
}

function inArray(value: Buffer, veil: Veil, depth: number): boolean {
  if (value.length < 12) return false;
  const dimensions = value.readInt32BE(0);
  const elementOid = value.readUInt32BE(8);
  if (dimensions < 0 || dimensions > 6) return false;
  let at = 12 + 8 * dimensions;
  while (at + 4 <= value.length) {
    const lengthBytes = value.readInt32BE(at);
    at += 4;
    if (lengthBytes === -1) continue;
    if (lengthBytes < 0 || at + lengthBytes > value.length) return false;
    if (!isClean(value.subarray(at, at + lengthBytes), elementOid, veil, depth)) return false;
    at += lengthBytes;
  }
  return at === value.length;
}

function inRecord(value: Buffer, veil: Veil, depth: number): boolean {
  if (value.length < 4) return false;
  let at = 4;
  for (let left = value.readInt32BE(0); left > 0; left--) {
    if (at + 8 > value.length) return false;
    const typeOid = value.readUInt32BE(at);
    const lengthBytes = value.readInt32BE(at + 4);
    at += 8;
    if (lengthBytes === -1) continue;
    if (lengthBytes < 0 || at + lengthBytes > value.length) return false;
    if (!isClean(value.subarray(at, at + lengthBytes), typeOid, veil, depth)) return false;
    at += lengthBytes;
  }
  return at === value.length;
}

function isClean(value: Buffer, typeOid: number, veil: Veil, depth: number): boolean {
  const family = familyOf(typeOid, noTypes);
  if (family === 'plain') return true;
  if (typeOid === 2249 || family === 'texts') {
    return holdsNothing(value, family === 'texts' ? 'texts' : 'record', veil, depth + 1);
  }
  const text = family === 'jsonb' ? value.subarray(1) : value;
  return veil.inspect(text) === text;
}
