import { opened } from './trace.ts';

/** Operators whose right side is a pattern, which may be none. */
const patternOperators = new Set(['~~', '!~~', '~~*', '!~~*', '~', '~*', '!~', '!~*']);
const patternKinds = new Set(['AEXPR_LIKE', 'AEXPR_ILIKE', 'AEXPR_SIMILAR']);

/** Operators that give NULL where there is nothing under a key. */
export const pickers = new Set(['->', '->>', '#>', '#>>']);

/** Operators that give a truth value. */
export const comparisons = new Set(['=', '<>', '!=', '<', '>', '<=', '>=', ...patternOperators]);

/** Operators that give a value for whatever they are given. */
export const totalOperators = new Set([...comparisons, ...pickers, ...['||', '@>', '<@', '&&', '?', '?|', '?&', '^@']]);

/** LIKE, SIMILAR TO and regular expressions. */
export const isPattern = (kind: string, name: string): boolean => patternKinds.has(kind) || patternOperators.has(name);

/** A pattern that was written out and cannot fail: one that ends within an escape fails only where the rest fits. */
export function isPlainPattern(node: unknown, kind: string): boolean {
  const [tag, fields] = opened(node) ?? [];
  const pattern = tag === 'A_Const' ? (fields?.['sval'] as { sval?: string } | undefined) : undefined;
  if (pattern === undefined) return tag === 'A_Const' && fields?.['isnull'] === true;
  const escapes = /\\*$/.exec(pattern.sval ?? '')?.[0].length ?? 0;
  return !/LIKE$/.test(kind) || escapes % 2 === 0;
}

/** One of which nothing has to be compiled that could fail. */
export const isHarmlessPattern = (node: unknown): boolean =>
  /^[\w @^$.%-]*$/.test(String((opened(node)?.[1]['sval'] as { sval?: string } | undefined)?.sval ?? '('));
