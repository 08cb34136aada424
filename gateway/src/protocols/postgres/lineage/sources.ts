import type { Node } from '../sql/analysis.ts';
import { type Column, isSystem, type Relation } from './catalogue.ts';
import { type Environment, empty, type Item, type Source, tableNamed, within } from './environment.ts';
import { evaluate } from './expressions.ts';
import { opaqueRelations, scalarSets, secretColumns, tableFunctions } from './functions.ts';
import { queryFields } from './queries.ts';
import { aliasOf, list, opened, Trace, texts } from './trace.ts';
import { derived, either, type Field, plain, stored, unknown, type Value } from './value.ts';

/** What stands in a FROM clause. `siblings` are what stands before it, which LATERAL may use. */
export function sourceOf(node: unknown, env: Environment, siblings: Source, trace: Trace): Source {
  const [kind, fields] = opened(node) ?? [];
  if (fields === undefined) return single({ alias: undefined, fields: undefined, rest: unknown });
  const lateral = within(env, siblings);
  switch (kind) {
    case 'RangeVar':
      return single(tableItem(fields, env, trace));
    case 'RangeSubselect': {
      const inner = queryFields(fields['subquery'], fields['lateral'] === true ? lateral : env, trace);
      return single(
        renamed({ alias: undefined, fields: inner, rest: inner === undefined ? unknown : undefined }, fields),
      );
    }
    case 'RangeFunction':
      return single(functionItem(fields, lateral, trace));
    case 'RangeTableSample': {
      for (const arg of [...list(fields['args']), fields['repeatable']]) trace.observe(evaluate(arg, lateral, trace));
      return sourceOf(fields['relation'], env, siblings, trace);
    }
    case 'JoinExpr':
      return join(fields, env, siblings, trace);
    default: {
      // RangeTableFunc (XMLTABLE), JsonTable, and whatever comes: made of all that stands in it.
      const value = evaluate({ JsonFuncExpr: fields }, lateral, trace);
      return single(renamed({ alias: undefined, fields: undefined, rest: { ...value, exact: false } }, fields));
    }
  }
}

const single = (item: Item): Source => ({
  items: [item],
  columns: item.isUnordered === true ? undefined : item.fields,
});

export const nothing: Source = { items: [], columns: [] };

/** Sources beside each other. */
export const beside = (one: Source, other: Source): Source => ({
  items: [...one.items, ...other.items],
  columns: one.columns && other.columns && [...one.columns, ...other.columns],
});

/** All of a FROM clause. */
export function fromClause(value: unknown, env: Environment, trace: Trace): Source {
  return list(value).reduce<Source>((before, node) => beside(before, sourceOf(node, env, before, trace)), nothing);
}

/** A table, view or WITH query under its alias. */
export function tableItem(fields: Node, env: Environment, trace: Trace): Item {
  const name = String(fields['relname'] ?? '');
  const schema = fields['schemaname'] as string | undefined;
  const common = schema === undefined ? tableNamed(env, name) : undefined;
  if (common !== undefined) return renamed({ ...common, alias: name }, fields);
  const relations = named(schema, name, trace);
  if (relations.length === 0) {
    const made = schema === undefined || schema === 'pg_temp' ? trace.made(name) : undefined;
    if (made !== undefined) {
      trace.readsMade = true;
      const own = made.map((column): Field => ({ ...plain, name: column }));
      return renamed({ alias: name, schema, fields: own, rest: undefined, isTable: true }, fields);
    }
    trace.outdated();
    return renamed({ alias: name, schema, fields: undefined, rest: unknown }, fields);
  }
  for (const relation of relations) checkRelation(relation, trace);
  const item = relations.length === 1 ? relationItem(relations[0] as Relation, trace) : anyOf(relations, trace);
  return renamed({ ...item, alias: name, schema: schema ?? item.schema }, fields);
}

/** Several of one name in different schemas: nobody knows which, so it is all of them. */
function anyOf(relations: readonly Relation[], trace: Trace): Item {
  const all = relations.map((relation) => relationItem(relation, trace));
  const [first] = all;
  const same = all.every(
    ({ fields }) => fields?.map((one) => one.name).join() === first?.fields?.map((one) => one.name).join(),
  );
  if (same && first?.fields !== undefined) {
    const fields = first.fields.map((field, i) => {
      const twins = all.map((item) => item.fields?.[i]).filter((one) => one !== undefined);
      return { ...either(twins), name: field.name };
    });
    return { alias: undefined, fields, rest: undefined, isTable: true };
  }
  // Of different shapes: a name stands for the columns of that name, whichever has one.
  const named = Map.groupBy(
    all.flatMap(({ fields }) => fields ?? []),
    ({ name }) => name,
  );
  const fields = [...named].map(([name, twins]): Field => ({ ...either(twins), name }));
  return { alias: undefined, fields, rest: undefined, isTable: true, isUnordered: true };
}

/** Every relation that a name may stand for, by the search path where it is known. */
export function named(schema: string | undefined, name: string, trace: Trace): readonly Relation[] {
  const all = trace.catalogue.candidates(schema, name);
  if (schema !== undefined) return all;
  // The system's own come first unless the search path says otherwise.
  const own = all.filter((relation) => relation.schema === 'pg_catalog');
  const people = all.filter((relation) => !isSystem(relation));
  if (own.length > 0) return [...own, ...people];
  const first = trace.searchPath?.map((one) => people.find((relation) => relation.schema === one)).find((one) => one);
  return first === undefined ? people : [first];
}

function checkRelation(relation: Relation, trace: Trace): void {
  if (isSystem(relation) && opaqueRelations.has(relation.name)) {
    trace.hide(`${relation.name} holds stored values or what others ask`);
  }
  if (!isSystem(relation) && opaqueRelations.has(relation.name)) trace.hide(`${relation.name} shows what others ask`);
}

export function relationItem(relation: Relation, trace: Trace): Item {
  const { name, schema } = relation;
  if (isSystem(relation)) {
    const fields = relation.columns.map((column): Field => {
      const made = secretColumns.has(`${name}.${column.name}`) ? unknown : plain;
      return { ...made, name: column.name, typeOid: column.typeOid };
    });
    return { alias: name, schema, fields, rest: undefined, isTable: true };
  }
  const fields = relation.isView
    ? viewFields(relation, trace)
    : relation.columns.map((column) => tableField(column, trace));
  return { alias: name, schema, fields, rest: undefined, isTable: !relation.isView };
}

/** A generated column is what it is computed from, too. */
function tableField(column: Column, trace: Trace): Field {
  const field = stored(column);
  const select = opened(column.generated)?.[1];
  const expression = opened(list(select?.['targetList'])[0])?.[1]['val'];
  if (expression === undefined) return field;
  const own = column.relation.columns.filter((other) => other.generated === undefined).map(stored);
  const env: Environment = { ...empty, items: [{ alias: undefined, fields: own, rest: undefined }], columns: own };
  const value = evaluate(expression, env, new Trace(trace.catalogue, undefined));
  return { ...field, sources: new Set([...field.sources, ...value.sources]), exact: false };
}

/** A view's columns are what its query makes them of, and themselves. */
function viewFields(view: Relation, trace: Trace): readonly Field[] {
  const known = trace.views.get(view);
  if (known !== undefined) return known;
  const own = view.columns.map(stored);
  // A view that reads itself, or that cannot be read: its columns may be anything.
  const anything = own.map((field): Field => ({ ...field, exact: false, unknown: true }));
  trace.views.set(view, anything);
  const inner = new Trace(trace.catalogue, undefined, trace.views);
  const fields = view.definition === undefined ? undefined : queryFields(view.definition, empty, inner);
  const isSeen = fields !== undefined && fields.length === own.length && inner.opaque === undefined;
  const made = isSeen ? own.map((field, i) => through(field, fields[i] as Field)) : anything;
  trace.views.set(view, made);
  return made;
}

const through = (own: Field, inner: Field): Field => ({
  ...own,
  sources: new Set([...own.sources, ...inner.sources]),
  exact: inner.exact,
  unknown: inner.unknown,
});

/** Under its alias, with the names that the alias gives its columns. */
function renamed(item: Item, fields: Node): Item {
  const { name, columns } = aliasOf(fields);
  if (name === undefined) return item;
  const known = item.fields?.map((field, i) => ({ ...field, name: columns[i] ?? field.name }));
  const isTable = item.isTable === true;
  // An alias that names the columns of an unknown order names nobody knows which.
  if (item.isUnordered === true && columns.length > 0) {
    return { alias: name, fields: undefined, rest: { ...derived(item.fields ?? []), unknown: true }, isTable };
  }
  const isUnordered = item.isUnordered === true;
  if (known !== undefined || columns.length === 0) {
    return { alias: name, fields: known, rest: item.rest, isTable, isUnordered };
  }
  return { alias: name, fields: undefined, rest: item.rest };
}

function functionItem(fields: Node, env: Environment, trace: Trace): Item {
  const calls = list(fields['functions']).map((one) => list(opened(one)?.[1]['items'])[0]);
  const values = calls.map((one) => evaluate(one, env, trace));
  const alias = aliasOf(fields);
  const value = { ...derived(values), exact: false };
  const [only, second] = calls;
  const name = texts(opened(only)?.[1]['funcname']).at(-1) ?? '';
  const listed = list(fields['coldeflist']).map((one) => String(opened(one)?.[1]['colname'] ?? ''));
  const width = list(opened(only)?.[1]['args']).length;
  const names = second === undefined ? (listed.length > 0 ? listed : columnNames(name, alias, width)) : undefined;
  const ordinality =
    fields['ordinality'] === true ? [{ ...plain, name: alias.columns[names?.length ?? 0] ?? 'ordinality' }] : [];
  const known = names?.map((one): Field => ({ ...value, name: one }));
  return {
    alias: alias.name ?? name,
    fields: known && [...known, ...ordinality],
    rest: known === undefined ? value : undefined,
  };
}

/** Columns of a function's rows, as far as its name tells; a scalar one has the name of its alias. */
function columnNames(
  name: string,
  alias: { name: string | undefined; columns: readonly string[] },
  width: number,
): readonly string[] | undefined {
  // One column for each of several arrays.
  if (name === 'unnest' && width > 1) return Array.from({ length: width }, (_, i) => alias.columns[i] ?? name);
  if (scalarSets.has(name)) return [alias.columns[0] ?? alias.name ?? name];
  return tableFunctions[name]?.map((column, i) => alias.columns[i] ?? column);
}

function join(fields: Node, env: Environment, siblings: Source, trace: Trace): Source {
  const left = sourceOf(fields['larg'], env, siblings, trace);
  const right = sourceOf(fields['rarg'], env, beside(siblings, left), trace);
  const both = beside(left, right);
  const merged = fields['isNatural'] === true ? common(left, right) : texts(fields['usingClause']);
  const source =
    merged === undefined ? { items: both.items, columns: undefined } : merge(both, left, right, merged, trace);
  if (merged === undefined) trace.hide('a NATURAL JOIN of columns that are not known');
  trace.observe(evaluate(fields['quals'], within(env, beside(siblings, source)), trace));
  const { name } = aliasOf(fields);
  if (name === undefined) return source;
  return single(
    renamed({ alias: name, fields: source.columns, rest: source.columns === undefined ? unknown : undefined }, fields),
  );
}

function common(left: Source, right: Source): readonly string[] | undefined {
  if (left.columns === undefined || right.columns === undefined) return undefined;
  const names = new Set(right.columns.map(({ name }) => name));
  return [...new Set(left.columns.map(({ name }) => name))].filter((name) => names.has(name));
}

/** Columns of USING come first, once, and are both sides'. */
function merge(both: Source, left: Source, right: Source, names: readonly string[], trace: Trace): Source {
  if (names.length === 0) return both;
  const of = (source: Source, name: string): Value =>
    either(source.columns?.filter((field) => field.name === name) ?? source.items.map(({ rest }) => rest ?? unknown));
  const merged = names.map((name): Field => {
    const value = derived([of(left, name), of(right, name)]);
    trace.observe(value);
    return { ...value, exact: true, name };
  });
  const others = (source: Source): readonly Field[] | undefined =>
    source.columns?.filter(({ name }) => !names.includes(name));
  const [rest, more] = [others(left), others(right)];
  return { items: both.items, columns: rest && more && [...merged, ...rest, ...more] };
}
