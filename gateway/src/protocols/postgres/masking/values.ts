import type { Format } from '@sallyport/shared/wire/postgres/types.ts';
import type { Treatment, Veil } from '../../protocol.ts';
import { holdsNothing } from './composites.ts';
import type { ColumnPlan } from './plan.ts';
import { type Family, familyOf, type TextTypes } from './types.ts';

/** What is done to the values of one column. */
export type Cell =
  | { readonly does: 'pass' }
  | { readonly does: 'null' }
  | { readonly does: 'constant'; readonly bytes: Buffer; readonly coversNull: boolean }
  /** Undefined is NULL; the same buffer means unchanged. */
  | { readonly does: 'change'; readonly change: (value: Buffer) => Buffer | undefined }
  /** As `change`, and only for values that the veil suspects where it can tell. */
  | { readonly does: 'inspect'; readonly change: (value: Buffer) => Buffer | undefined };

/** A column as its values arrive. */
export interface Arriving {
  /** Undefined or 0 where nobody knows. */
  readonly typeOid: number | undefined;
  readonly format: Format;
}

const pass: Cell = { does: 'pass' };
const toNull: Cell = { does: 'null' };
const nothing = Buffer.alloc(0);
const quote = Buffer.from('"');
const JSONB_VERSION = Buffer.from([1]);

/** Makes ready what the plan asks for one column; what the type has no room for becomes NULL. */
export function cellOf(planned: ColumnPlan[number], column: Arriving, veil: Veil, textTypes: TextTypes): Cell {
  const family = familyOf(column.typeOid, textTypes);
  if (planned === 'pass') return pass;
  if (planned === 'inspect') return veil.inspects ? inspecting(family, column.format, veil) : pass;
  return treated(planned, family, column.format, veil);
}

function treated(treatment: Treatment, family: Family, format: Format, veil: Veil): Cell {
  if (treatment.as === 'null') return toNull;
  if (family === 'text') {
    if (treatment.as === 'redact') return constant(veil.replace(nothing, treatment), treatment);
    return { does: 'change', change: (value) => veil.replace(value, treatment) };
  }
  if (family !== 'json' && family !== 'jsonb') return toNull;
  const wrap = family === 'jsonb' && format === 1 ? jsonbString : jsonString;
  // The last four of a document are no value's last four.
  if (treatment.as !== 'hash') return constant(wrap(veil.replace(nothing, { ...treatment, as: 'redact' })), treatment);
  return { does: 'change', change: (value) => wrap(veil.replace(value, treatment)) };
}

const constant = (bytes: Buffer | undefined, { coversNull = false }: Treatment): Cell =>
  bytes === undefined ? toNull : { does: 'constant', bytes, coversNull };

/** Marks and hashes hold nothing that JSON escapes. */
const jsonString = (text: Buffer | undefined) => text && Buffer.concat([quote, text, quote]);
const jsonbString = (text: Buffer | undefined) => text && Buffer.concat([JSONB_VERSION, quote, text, quote]);

function inspecting(family: Family, format: Format, veil: Veil): Cell {
  switch (family) {
    case 'plain':
      return pass;
    case 'text':
      return { does: 'inspect', change: (value) => veil.inspect(value) };
    case 'json':
    case 'jsonb':
      return inspectingJson(family === 'jsonb' && format === 1, veil);
    case 'bytes':
      return format === 1 ? nullWhereFound(veil, (value) => value) : { does: 'change', change: inspectHex(veil) };
    case 'texts':
    case 'record':
      // In their text form a find is replaced in place: a mark needs no quoting in an array or a row.
      if (format === 0) return { does: 'inspect', change: (value) => inText(veil, value) };
      return { does: 'change', change: (value) => (holdsNothing(value, family, veil) ? value : undefined) };
    case 'other':
      return nullWhereFound(veil, (value) => value);
  }
}

/** An array's or a row's text; NULL where what was found had a part in its structure. */
function inText(veil: Veil, value: Buffer): Buffer | undefined {
  const inspected = veil.inspect(value);
  if (inspected === value) return value;
  return count(inspected, 0x2c) === count(value, 0x2c) && count(inspected, 0x22) === count(value, 0x22)
    ? inspected
    : undefined;
}

function count(bytes: Buffer, byte: number): number {
  let found = 0;
  for (let at = bytes.indexOf(byte); at >= 0; at = bytes.indexOf(byte, at + 1)) found++;
  return found;
}

function nullWhereFound(veil: Veil, read: (value: Buffer) => Buffer): Cell {
  const change = (value: Buffer) => {
    const bytes = read(value);
    return veil.inspect(bytes) === bytes ? value : undefined;
  };
  return { does: 'inspect', change };
}

/** Of bytea's text form, which is `\x` and hexadecimal digits; anything else (the old escape form) as it stands. */
function inspectHex(veil: Veil): (value: Buffer) => Buffer | undefined {
  return (value) => {
    const isHex = value[0] === 0x5c && value[1] === 0x78;
    const bytes = isHex ? Buffer.from(value.toString('latin1', 2), 'hex') : value;
    return veil.inspect(bytes) === bytes ? value : undefined;
  };
}

/** The document with its finds replaced; a document that is no JSON afterwards is replaced as a whole. */
function inspectingJson(hasVersion: boolean, veil: Veil): Cell {
  const whole = (hasVersion ? jsonbString : jsonString)(veil.replace(nothing, { mask: '', as: 'redact' }));
  const change = (value: Buffer) => {
    const text = hasVersion ? value.subarray(1) : value;
    const inspected = veil.inspect(text);
    if (inspected === text) return value;
    if (!isJson(inspected)) return whole;
    return hasVersion ? Buffer.concat([value.subarray(0, 1), inspected]) : inspected;
  };
  return { does: 'inspect', change };
}

function isJson(text: Buffer): boolean {
  try {
    JSON.parse(text.toString('utf8'));
    return true;
  } catch {
    return false;
  }
}
