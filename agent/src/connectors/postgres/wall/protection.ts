import { type ColumnPattern, readColumnPattern } from '@sallyport/shared/access/column-pattern.ts';
import type { Catalogue, Relation } from './catalogue.ts';

/** Which columns hold protected values, by the catalogue alone. */
export interface Protection {
  /** Numbers of a relation's protected columns. */
  of(relation: Relation): ReadonlySet<number>;
  /** A column that is added to it later may be protected too: rights are given column by column. */
  mayProtect(relation: Relation): boolean;
}

/**
 * Columns that the patterns name, and all that shows something of them: the same column of children and parents, columns
 * generated from them, and every column of a view that uses one anywhere, for the catalogue does not say which.
 */
export function protectionOf(catalogue: Catalogue, columns: readonly string[]): Protection {
  const patterns = columns.map(readColumnPattern);
  const found = new Map(catalogue.relations.map((one) => [one.oid, named(one, patterns)]));
  const byOid = new Map(catalogue.relations.map((one) => [one.oid, one]));
  while (spread(catalogue, byOid, found));
  const none: ReadonlySet<number> = new Set();
  return {
    of: ({ oid }) => found.get(oid) ?? none,
    mayProtect: ({ schema, name }) => patterns.some((pattern) => pattern.matchesTable(schema, name)),
  };
}

function named({ schema, name, columns }: Relation, patterns: readonly ColumnPattern[]): Set<number> {
  const concerning = patterns.filter((pattern) => pattern.matchesTable(schema, name));
  return new Set(
    columns
      .filter((column) => concerning.some((pattern) => pattern.matchesColumn(column.name)))
      .map(({ number }) => number),
  );
}

/** One step further; false where nothing was new. */
function spread(
  { dependencies, inheritance }: Catalogue,
  byOid: ReadonlyMap<string, Relation>,
  found: ReadonlyMap<string, Set<number>>,
): boolean {
  let isNew = false;
  const add = (oid: string, number: number): void => {
    const known = found.get(oid);
    if (known === undefined || known.has(number)) return;
    known.add(number);
    isNew = true;
  };
  for (const { relation, number, source, sourceNumber } of dependencies) {
    const known = found.get(source);
    const touches = known !== undefined && (sourceNumber === 0 ? known.size > 0 : known.has(sourceNumber));
    if (!touches) continue;
    for (const each of number === 0 ? (byOid.get(relation)?.columns ?? []) : [{ number }]) add(relation, each.number);
  }
  for (const pair of inheritance) {
    for (const [from, to] of [pair, pair.toReversed()] as [string, string][]) {
      const names = namesOf(byOid.get(from), found.get(from));
      for (const column of byOid.get(to)?.columns ?? []) if (names.has(column.name)) add(to, column.number);
    }
  }
  return isNew;
}

function namesOf(relation: Relation | undefined, numbers: ReadonlySet<number> | undefined): ReadonlySet<string> {
  return new Set((relation?.columns ?? []).filter(({ number }) => numbers?.has(number)).map(({ name }) => name));
}
