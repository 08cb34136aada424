import type { Column } from './catalogue.ts';

/** What an expression's value is made of. */
export interface Value {
  readonly sources: ReadonlySet<Column>;
  /** It is exactly one stored value, whatever it is called. */
  readonly exact: boolean;
  /** It comes from where nobody can know. */
  readonly unknown: boolean;
  readonly typeOid: number | undefined;
  /** Whether it is NULL depends on more than whether a stored value is: `nullif(a, b)`, `document -> key`. */
  readonly nullTells?: boolean;
}

/** A value with the name under which others refer to it. */
export interface Field extends Value {
  readonly name: string;
}

const none: ReadonlySet<Column> = new Set();

/** Made of nothing that is stored. */
export const plain: Value = { sources: none, exact: false, unknown: false, typeOid: undefined };
export const unknown: Value = { ...plain, unknown: true };

export const stored = (column: Column): Field => ({
  name: column.name,
  sources: new Set([column]),
  exact: true,
  unknown: false,
  typeOid: column.typeOid,
});

/** Computed from these. */
export function derived(values: readonly Value[], typeOid?: number): Value {
  const first = values[0];
  if (first === undefined) return plain;
  const sources = values.length === 1 ? first.sources : union(values);
  const made = { sources, exact: false, unknown: values.some((value) => value.unknown), typeOid };
  return values.some(({ nullTells }) => nullTells === true) ? { ...made, nullTells: true } : made;
}

/** One of these, nobody knows which. */
export function either(values: readonly Value[]): Value {
  const [first, ...rest] = values;
  if (first === undefined) return plain;
  if (rest.length === 0) return first;
  return {
    sources: union(values),
    exact: values.every(({ exact, sources }) => exact || sources.size === 0),
    unknown: values.some((value) => value.unknown),
    typeOid: values.every(({ typeOid }) => typeOid === first.typeOid) ? first.typeOid : undefined,
    nullTells: values.some(({ nullTells }) => nullTells === true),
  };
}

const union = (values: readonly Value[]): ReadonlySet<Column> => {
  const all = new Set<Column>();
  for (const { sources } of values) for (const source of sources) all.add(source);
  return all;
};
