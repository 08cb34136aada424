import { hash } from 'node:crypto';
import type { Json } from './event.ts';

type Data = { readonly [key: string]: Json };

/** Characters (UTF-16 units) that one text may have in an event. */
export const MAX_TEXT_LENGTH = 64 * 1024;

/** Characters of one event's data: six bytes each at the very worst, so that any event fits NATS's 1 MiB. */
const MAX_DATA_LENGTH = 128 * 1024;

/** What a number, a literal or the punctuation round a value counts for. */
const SCALAR_LENGTH = 24;

/**
 * The data within its bounds. Of a member that was cut, `<name>Truncated` states the full length in bytes and the
 * SHA-256: of the text where it was one, of its JSON otherwise.
 */
export function bounded(data: Data): Data {
  if (fits(data)) return data;
  const budget = { left: MAX_DATA_LENGTH };
  const kept: { [key: string]: Json } = {};
  for (const [key, value] of Object.entries(data)) {
    budget.left -= key.length + SCALAR_LENGTH;
    if (budget.left <= 0) {
      kept['membersTruncated'] = Object.keys(data).length;
      break;
    }
    kept[key] = cut(value, budget);
    if (!same(kept[key], value)) kept[`${key}Truncated`] = statement(value);
  }
  return kept;
}

/** True at once for all but the rare event. */
function fits(data: Data): boolean {
  return lengthOf(data, MAX_TEXT_LENGTH) <= MAX_TEXT_LENGTH;
}

/** Stops counting beyond `limit`. */
function lengthOf(value: Json, limit: number): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return SCALAR_LENGTH;
  let length = SCALAR_LENGTH;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length && length <= limit; i++) length += SCALAR_LENGTH + lengthOf(value[i], limit);
    return length;
  }
  for (const key in value) {
    length += SCALAR_LENGTH + key.length + lengthOf((value as Data)[key] as Json, limit);
    if (length > limit) break;
  }
  return length;
}

interface Budget {
  left: number;
}

function cut(value: Json, budget: Budget): Json {
  if (typeof value === 'string') return cutText(value, budget);
  budget.left -= SCALAR_LENGTH;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return cutList(value, budget);
  const kept: { [key: string]: Json } = {};
  for (const [key, member] of Object.entries(value)) {
    budget.left -= key.length + SCALAR_LENGTH;
    if (budget.left <= 0) break;
    kept[key] = cut(member, budget);
  }
  return kept;
}

function cutList(list: readonly Json[], budget: Budget): Json {
  const kept: Json[] = [];
  for (const item of list) {
    budget.left -= SCALAR_LENGTH;
    if (budget.left <= 0) break;
    kept.push(cut(item, budget));
  }
  return kept;
}

/** Never between the halves of a surrogate pair. */
function cutText(text: string, budget: Budget): string {
  const room = Math.max(0, Math.min(MAX_TEXT_LENGTH, budget.left));
  if (text.length <= room) {
    budget.left -= text.length;
    return text;
  }
  const last = text.charCodeAt(room - 1);
  const kept = text.slice(0, last >= 0xd800 && last <= 0xdbff ? room - 1 : room);
  budget.left -= kept.length;
  return kept;
}

/** A list or object that `cut` copied whole: nothing of it is missing. */
function same(kept: Json | undefined, value: Json): boolean {
  return kept === value || (typeof value === 'object' && JSON.stringify(kept) === JSON.stringify(value));
}

function statement(value: Json): Json {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return { lengthBytes: Buffer.byteLength(text), sha256: hash('sha256', text, 'hex') };
}
