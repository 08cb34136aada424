import { createHmac, type KeyObject } from 'node:crypto';
import type { Treatment } from '../protocols/protocol.ts';

export type As = Treatment['as'];

/** Strictest first. */
export const strictness: readonly As[] = ['null', 'redact', 'hash', 'partial'];

/** What stands in place of a redacted text; plain ASCII that no format has to escape. */
const mark = Buffer.from('[redacted]');

const HASH_DIGITS = 16;
const SHOWN = 4;
const STAR = 0x2a;
/** Shorter texts are not shown at all: the last four would be half of them or more. Code points. */
const MIN_PARTIAL = 2 * SHOWN + 1;

export function stricter(a: Treatment, b: Treatment): Treatment {
  return strictness.indexOf(b.as) < strictness.indexOf(a.as) ? b : a;
}

/** A text in place of `value`; undefined stands for no value. */
export function replaceText(value: Buffer, { as }: Treatment, hashKey: KeyObject): Buffer | undefined {
  switch (as) {
    case 'null':
      return undefined;
    case 'redact':
      return mark;
    case 'hash':
      return Buffer.from(createHmac('sha256', hashKey).update(value).digest('hex').slice(0, HASH_DIGITS));
    case 'partial':
      return partial(value);
  }
}

/** Stars for every code point but the last four of UTF-8 text. */
function partial(value: Buffer): Buffer {
  let points = 0;
  for (let at = 0; at < value.length; at++) if (!isContinuation(value[at]!)) points++;
  const shownPoints = points < MIN_PARTIAL ? 0 : SHOWN;
  let from = value.length;
  for (let shown = 0; shown < shownPoints; shown++) {
    from--;
    while (isContinuation(value[from]!)) from--;
  }
  const hidden = points - shownPoints;
  const result = Buffer.allocUnsafe(hidden + value.length - from).fill(STAR, 0, hidden);
  value.copy(result, hidden, from);
  return result;
}

const isContinuation = (byte: number): boolean => (byte & 0xc0) === 0x80;
