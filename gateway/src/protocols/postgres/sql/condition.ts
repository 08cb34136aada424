import type { Node } from './analysis.ts';

/** Deeper than this a condition is not looked into, and counts as none. */
const MAX_DEPTH = 200;

const isObject = (value: unknown): value is Node => typeof value === 'object' && value !== null;

/**
 * Whether a WHERE restricts what it stands on: it names a column (or a cursor), is no comparison of a thing with
 * itself, and no OR lets everything through. Not a theorem prover: `id > -1` passes.
 */
export function restricts(condition: unknown, depth = 0): boolean {
  if (!isObject(condition) || depth > MAX_DEPTH) return false;
  const boolean = condition['BoolExpr'];
  if (isObject(boolean)) {
    const args = Array.isArray(boolean['args']) ? boolean['args'] : [];
    const each = (arg: unknown) => restricts(arg, depth + 1);
    return boolean['boolop'] === 'OR_EXPR' ? args.every(each) : args.some(each);
  }
  const comparison = condition['A_Expr'];
  if (isObject(comparison) && sameText(comparison['lexpr'], comparison['rexpr'])) return false;
  return namesColumn(condition);
}

function sameText(left: unknown, right: unknown): boolean {
  if (!isObject(left) || !isObject(right)) return false;
  if (left['ColumnRef'] === undefined || right['ColumnRef'] === undefined) return false;
  return fields(left['ColumnRef']) === fields(right['ColumnRef']);
}

const fields = (column: unknown): string => (isObject(column) ? JSON.stringify(column['fields']) : '');

function namesColumn(root: Node): boolean {
  const open: unknown[] = [root];
  while (open.length > 0) {
    const value = open.pop();
    if (Array.isArray(value)) {
      for (const item of value) open.push(item);
      continue;
    }
    if (!isObject(value)) continue;
    for (const key in value) {
      if (key === 'ColumnRef' || key === 'CurrentOfExpr') return true;
      open.push(value[key]);
    }
  }
  return false;
}
