import type { FieldDescription } from '@sallyport/shared/wire/postgres/backend.ts';
import type { Treatment, ValuePath, Veil } from '../../protocol.ts';

/** How each column of a result is shown, in order. */
export type ColumnPlan = readonly (Treatment | 'pass' | 'inspect')[];

/**
 * Where a described column is stored, by the catalogue's knowledge of its table's OID and its number: undefined for
 * one of no table (OID 0), `unknown` for an OID that the catalogue does not have.
 */
export type Owner = (field: FieldDescription) => ValuePath | 'unknown' | undefined;

/** What comes from nobody knows where: hidden where columns are protected, looked at where only detectors are set. */
export const unseen = (veil: Veil): ColumnPlan[number] => (veil.protects ? veil.unknown : 'inspect');

const strictness = ['null', 'redact', 'hash', 'partial'] as const;

/**
 * Holds the plan that lineage made against the target's own description, the second key: the stricter of both counts.
 * No plan, or one for another number of columns, protects every column.
 */
export function planColumns(
  fields: readonly FieldDescription[],
  lineage: ColumnPlan | undefined,
  veil: Veil,
  owner: Owner,
): ColumnPlan {
  if (lineage === undefined || lineage.length !== fields.length) return fields.map(() => unseen(veil));
  return fields.map((field, i) => stricter(lineage[i] ?? unseen(veil), byDescription(field, veil, owner)));
}

function byDescription(field: FieldDescription, veil: Veil, owner: Owner): ColumnPlan[number] {
  const path = owner(field);
  if (path === undefined) return 'pass';
  if (path === 'unknown') return unseen(veil);
  const [schema = '', table = ''] = path;
  // Column number 0 with a table is a whole row; negative ones are the system's own (ctid, xmin).
  if (field.columnNumber === 0) return veil.mayProtect([schema, table]) ? veil.unknown : 'pass';
  return veil.treatment(path) ?? 'pass';
}

function stricter(a: ColumnPlan[number], b: ColumnPlan[number]): ColumnPlan[number] {
  if (typeof a === 'string') return typeof b === 'string' ? (a === 'inspect' ? a : b) : b;
  if (typeof b === 'string') return a;
  return strictness.indexOf(b.as) < strictness.indexOf(a.as) ? b : a;
}
