import { invalid } from '../problems.ts';

const MAX_NAME_CHARS = 256;

/** What was sent as a name or an id. @throws ConnectError where it is empty or cannot be one. */
export function required(what: string, value: string, maxChars = MAX_NAME_CHARS): string {
  if (value === '') throw invalid(`${what} is missing`);
  return bounded(what, value, maxChars);
}

/** Undefined where it was left empty. @throws ConnectError */
export function optional(what: string, value: string, maxChars = MAX_NAME_CHARS): string | undefined {
  return value === '' ? undefined : bounded(what, value, maxChars);
}

/** How many to list. */
export function limitOf(asked: number): number {
  return asked === 0 ? 50 : Math.min(asked, 500);
}

function bounded(what: string, value: string, maxChars: number): string {
  if (value.length > maxChars) throw invalid(`${what} is longer than ${maxChars} characters`);
  if (value.includes('\0')) throw invalid(`${what} has a NUL in it`);
  return value;
}
