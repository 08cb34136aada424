import { bad, quoted } from './problem.ts';

/** UTF-16 units. */
export const MAX_FILTER_CHARS = 4096;

export type Token =
  | { readonly kind: '(' | ')' | '[' | ']' | 'end'; readonly at: number }
  | { readonly kind: 'word'; readonly text: string; readonly at: number }
  | { readonly kind: 'value'; readonly value: string | number | boolean | null; readonly at: number };

/** An attribute's path, an operator, or a literal; a colon and dots are parts of a path with a URN. */
const word = /[A-Za-z$][A-Za-z0-9_$:.-]*/y;
const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const string = /"(?:[^"\\]|\\.)*"/y;

/** @throws ScimProblem invalidFilter */
export function tokensOf(text: string): Token[] {
  if (text.length > MAX_FILTER_CHARS) throw bad('invalidFilter', `a filter has ${MAX_FILTER_CHARS} characters at most`);
  const tokens: Token[] = [];
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  };
  while (at < text.length) {
    const char = text.charAt(at);
    if (char === ' ') {
      at += 1;
      continue;
    }
    const [token, length] = read(char, at, take);
    if (token === undefined)
      throw bad('invalidFilter', `the filter cannot be read at ${quoted(text.slice(at, at + 20))}`);
    tokens.push(token);
    at += length;
  }
  tokens.push({ kind: 'end', at });
  return tokens;
}

function read(char: string, at: number, take: (pattern: RegExp) => string | undefined): [Token | undefined, number] {
  if (char === '(' || char === ')' || char === '[' || char === ']') return [{ kind: char, at }, 1];
  if (char === '"') {
    const text = take(string);
    const value = text === undefined ? undefined : unquoted(text);
    return text === undefined || value === undefined ? [undefined, 0] : [{ kind: 'value', value, at }, text.length];
  }
  const digits = take(number);
  if (digits !== undefined) return [{ kind: 'value', value: Number(digits), at }, digits.length];
  const text = take(word);
  return text === undefined ? [undefined, 0] : [{ kind: 'word', text, at }, text.length];
}

/** @see RFC 8259, 7 */
function unquoted(text: string): string | undefined {
  try {
    return JSON.parse(text) as string;
  } catch {
    return undefined;
  }
}
