import { RECORD } from './functions.ts';
import { derived, either, type Field, plain, unknown, type Value } from './value.ts';

/** Something in a FROM clause that columns can be named of. */
export interface Item {
  /** Under which it is named; undefined where it has no name. */
  readonly alias: string | undefined;
  readonly schema?: string | undefined;
  /** In order; undefined where nobody knows them. */
  readonly fields: readonly Field[] | undefined;
  /** What a column that is not among the fields is made of; undefined where there can be none. */
  readonly rest: Value | undefined;
  /** The fields are known by name only: nobody knows which of them `*` stands for. */
  readonly isUnordered?: boolean;
  /** A table itself: it has the system's columns too. */
  readonly isTable?: boolean;
}

/** What a FROM clause gives: names to qualify with, and the columns of `*`. */
export interface Source {
  readonly items: readonly Item[];
  readonly columns: readonly Field[] | undefined;
}

/** Names that a query can use: its own, then those of the query around it. */
export interface Environment {
  readonly items: readonly Item[];
  /** What an unqualified name is looked for in: as `*` has it, merged columns once. */
  readonly columns: readonly Field[];
  readonly tables: ReadonlyMap<string, Item>;
  readonly outer: Environment | undefined;
}

export const empty: Environment = { items: [], columns: [], tables: new Map(), outer: undefined };

/** Columns that every table has and that hold nothing of its rows' values. */
const systemColumns = new Set(['ctid', 'xmin', 'xmax', 'cmin', 'cmax', 'tableoid']);

export function within(outer: Environment, source: Source): Environment {
  const known = source.columns ?? source.items.flatMap(({ fields }) => fields ?? []);
  return { items: source.items, columns: known, tables: new Map(), outer };
}

/** The WITH query of that name that is nearest. */
export function tableNamed(environment: Environment, name: string): Item | undefined {
  for (let at: Environment | undefined = environment; at !== undefined; at = at.outer) {
    const found = at.tables.get(name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** An unqualified name: a column of the nearest query that has one, or else, of none, a whole row. */
export function resolve(environment: Environment, name: string): Value {
  const found: Value[] = [];
  for (let at: Environment | undefined = environment; at !== undefined; at = at.outer) {
    const columns = at.columns.filter((field) => field.name === name);
    if (columns.length > 0) return either([...columns, ...found, ...rests(at, name)]);
    if (systemColumns.has(name) && at.items.some(({ isTable }) => isTable === true)) return either([plain, ...found]);
    // What is not known to be elsewhere may be in whatever has columns that nobody knows, or further out.
    found.push(...rests(at, name));
  }
  for (let at: Environment | undefined = environment; at !== undefined; at = at.outer) {
    const row = at.items.find(({ alias }) => alias === name);
    if (row !== undefined) return either([wholeRow(row), ...found]);
  }
  return found.length > 0 ? either(found) : unknown;
}

const rests = ({ items }: Environment, name: string): Value[] =>
  items.flatMap(({ fields, rest }) =>
    rest !== undefined && fields?.some((one) => one.name === name) !== true ? [rest] : [],
  );

/** A name qualified by an alias, with or without a schema before it. */
export function resolveIn(environment: Environment, schema: string | undefined, alias: string, name: string): Value {
  const item = itemNamed(environment, schema, alias);
  if (item === undefined) return unknown;
  const found = item.fields?.filter((field) => field.name === name) ?? [];
  if (found.length > 0) return either(found);
  if (item.rest !== undefined) return item.rest;
  if (systemColumns.has(name) && item.isTable === true) return plain;
  // `row.function` calls a function with the row.
  return { ...wholeRow(item), unknown: true };
}

export function itemNamed(environment: Environment, schema: string | undefined, alias: string): Item | undefined {
  for (let at: Environment | undefined = environment; at !== undefined; at = at.outer) {
    const found = at.items.find((item) => item.alias === alias && (schema === undefined || item.schema === schema));
    if (found !== undefined) return found;
  }
  return undefined;
}

export function wholeRow({ fields, rest }: Item): Value {
  const all: Value[] = [...(fields ?? [unknown])];
  if (rest !== undefined) all.push(rest);
  return derived(all, RECORD);
}
