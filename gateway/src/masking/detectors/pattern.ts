import { RE2JS } from 're2js';
import { type Detector, type Found, lastLine } from './detector.ts';
import { unfinished } from './unfinished.ts';

/** A pattern that an operator wrote; matched in linear time whatever it says. */
export interface PatternSpec {
  readonly name: string;
  /** RE2 syntax: no back references, no look-around. */
  readonly pattern: string;
  /** `i` ignores case, `m` lets ^ and $ match at lines, `s` lets . match line ends. */
  readonly flags?: string;
}

/** UTF-16 units. */
const MAX_PATTERN = 1024;
/** RE2's instructions: a cap on what each byte may cost. */
const MAX_PROGRAM = 4096;

const flagBits: Readonly<Record<string, number>> = {
  i: RE2JS.CASE_INSENSITIVE,
  m: RE2JS.MULTILINE,
  s: RE2JS.DOTALL,
};

/** @throws Error that says what is wrong with the pattern */
export function patternDetector({ name, pattern, flags = '' }: PatternSpec): Detector {
  const expression = compiled(name, pattern, flags);
  const open = unfinishedExpression(pattern, expression.flags());
  return {
    name,
    needs: 0,
    find: (text, found) => findAll(expression, Buffer.from(text, 'latin1'), found),
    findInBytes: (bytes, found) => findAll(expression, bytes, found),
    unfinishedFrom: (text, bytes) => unfinishedFrom(open, text, bytes),
  };
}

/** Within this a match must have begun that is to be held back as a whole. Bytes. */
const MAX_OPEN_BYTES = 1024;

/** Undefined where the pattern says what cannot be cut off: then all of the last line may be the start of a match. */
function unfinishedExpression(pattern: string, bits: number): RE2JS | undefined {
  const source = unfinished(pattern, '\\z');
  try {
    return source === undefined ? undefined : RE2JS.compile(`(?:${source})\\z`, bits);
  } catch {
    return undefined;
  }
}

function unfinishedFrom(open: RE2JS | undefined, text: string, bytes: Buffer): number {
  if (open === undefined) return lastLine(text, MAX_OPEN_BYTES);
  const from = Math.max(0, bytes.length - MAX_OPEN_BYTES);
  const matcher = open.matcher(bytes.subarray(from));
  return matcher.find() ? from + matcher.start() : bytes.length;
}

function compiled(name: string, pattern: string, flags: string): RE2JS {
  if (pattern.length > MAX_PATTERN) throw new Error(`patterns: ${name} is longer than ${MAX_PATTERN} characters`);
  let bits = 0;
  for (const flag of flags) {
    const bit = flagBits[flag];
    if (bit === undefined) throw new Error(`patterns: ${name} has the flag ${flag}; there are: i, m, s`);
    bits |= bit;
  }
  const expression = syntaxChecked(name, pattern, bits);
  if (expression.programSize() > MAX_PROGRAM) throw new Error(`patterns: ${name} is too large once compiled`);
  if (expression.matcher('').find()) throw new Error(`patterns: ${name} matches the empty text, so everywhere`);
  return expression;
}

function syntaxChecked(name: string, pattern: string, bits: number): RE2JS {
  try {
    return RE2JS.compile(pattern, bits);
  } catch (error) {
    throw new Error(`patterns: ${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function findAll(expression: RE2JS, bytes: Buffer, found: Found): void {
  const matcher = expression.matcher(bytes);
  for (let from = 0; from <= bytes.length && matcher.find(from); ) {
    const [start, end] = [matcher.start(), matcher.end()];
    if (end > start) found(start, end);
    from = end > start ? end : end + 1;
  }
}
