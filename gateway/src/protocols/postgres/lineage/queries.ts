import type { Node } from '../sql/analysis.ts';
import { changeFields } from './changes.ts';
import { nameOf } from './column-names.ts';
import { type Environment, type Item, itemNamed, within } from './environment.ts';
import { evaluate, windowOf } from './expressions.ts';
import { fromClause } from './sources.ts';
import { list, opened, type Trace, texts } from './trace.ts';
import { derived, either, type Field, plain, unknown, type Value } from './value.ts';

/** Rounds after which the columns of a recursive query must have settled: sources only grow. */
const MAX_ROUNDS = 16;

/** The columns of a query, or of what a change returns; undefined where nobody knows them. */
export function queryFields(node: unknown, env: Environment, trace: Trace): readonly Field[] | undefined {
  const [kind, fields] = opened(node) ?? [];
  if (fields === undefined) return undefined;
  return trace.deeper(() => {
    if (kind === 'SelectStmt') return select(fields, env, trace);
    return changeFields(kind ?? '', fields, env, trace);
  }, undefined);
}

function select(fields: Node, outer: Environment, trace: Trace): readonly Field[] | undefined {
  const env = withQueries(fields, outer, trace);
  const op = fields['op'] ?? 'SETOP_NONE';
  const made = op === 'SETOP_NONE' ? simple(fields, env, trace) : combined(fields, env, trace);
  for (const limit of [fields['limitCount'], fields['limitOffset']]) trace.observe(evaluate(limit, env, trace));
  if (fields['intoClause'] !== undefined) for (const field of made ?? [unknown]) trace.copy(field);
  return made;
}

/** The environment with the names of a WITH clause. */
export function withQueries(fields: Node, outer: Environment, trace: Trace): Environment {
  const clause = fields['withClause'] as { ctes?: unknown; recursive?: boolean } | undefined;
  if (clause === undefined) return outer;
  const tables = new Map<string, Item>();
  const env: Environment = { items: [], columns: [], tables, outer };
  const queries = list(clause.ctes).map((one) => opened(one)?.[1] ?? {});
  // In a recursive clause every query may use every other: until they settle, all are made of nothing.
  const rounds = clause.recursive === true ? MAX_ROUNDS : 1;
  if (clause.recursive === true) for (const query of queries) tables.set(String(query['ctename']), nobody(query));
  let before = '';
  for (let round = 0; round < rounds; round++) {
    for (const query of queries) tables.set(String(query['ctename']), commonTable(query, env, trace));
    const now = fingerprint(tables);
    if (now === before) return env;
    before = now;
  }
  if (clause.recursive === true) trace.hide('a recursive query whose columns do not settle');
  return env;
}

const fingerprint = (tables: ReadonlyMap<string, Item>): string =>
  [...tables.values()]
    .map(({ fields }) => fields?.map(({ sources, unknown: open }) => `${sources.size}${open ? '?' : ''}`).join() ?? '-')
    .join(';');

const nobody = (query: Node): Item => ({ alias: String(query['ctename']), fields: undefined, rest: plain });

function commonTable(query: Node, env: Environment, trace: Trace): Item {
  const names = texts(query['aliascolnames']);
  const made = queryFields(query['ctequery'], env, trace);
  const extra = query['search_clause'] !== undefined || query['cycle_clause'] !== undefined;
  const fields = made?.map((field, i) => ({ ...field, name: names[i] ?? field.name }));
  // SEARCH and CYCLE add columns that hold rows of the query.
  const rest = fields === undefined ? unknown : extra ? { ...derived(fields), exact: false } : undefined;
  return { alias: String(query['ctename']), fields: extra ? undefined : fields, rest };
}

/** UNION, INTERSECT, EXCEPT: column by column. All but UNION ALL compare the rows. */
function combined(fields: Node, env: Environment, trace: Trace): readonly Field[] | undefined {
  const left = select((fields['larg'] ?? {}) as Node, env, trace);
  const right = select((fields['rarg'] ?? {}) as Node, env, trace);
  const compares = fields['op'] !== 'SETOP_UNION' || fields['all'] !== true;
  if (compares) for (const field of [...(left ?? [unknown]), ...(right ?? [unknown])]) trace.observe(field);
  const made =
    left !== undefined && right !== undefined && left.length === right.length
      ? left.map((field, i) => ({ ...either([field, right[i] ?? unknown]), name: field.name }))
      : undefined;
  order(fields, made, { ...env, columns: made ?? [] }, trace);
  return made;
}

function simple(fields: Node, outer: Environment, trace: Trace): readonly Field[] | undefined {
  const rows = list(fields['valuesLists']);
  if (rows.length > 0) return values(rows, outer, trace);
  const env = within(outer, fromClause(fields['fromClause'], outer, trace));
  trace.observe(evaluate(fields['whereClause'], env, trace));
  const made = targets(fields['targetList'], env, trace);
  trace.observe(evaluate(fields['havingClause'], env, trace));
  for (const one of list(fields['windowClause'])) for (const value of windowOf(one, env, trace)) trace.observe(value);
  for (const one of list(fields['groupClause'])) trace.observe(grouping(one, made, env, trace, 'input'));
  order(fields, made, env, trace);
  return made;
}

function values(rows: readonly Node[], env: Environment, trace: Trace): readonly Field[] {
  const lists = rows.map((row) => list(opened(row)?.[1]['items']).map((one) => evaluate(one, env, trace)));
  return (lists[0] ?? []).map((_, i) => ({
    ...either(lists.map((one) => one[i] ?? unknown)),
    name: `column${i + 1}`,
  }));
}

/** DISTINCT and ORDER BY. */
function order(fields: Node, made: readonly Field[] | undefined, env: Environment, trace: Trace): void {
  const distinct = list(fields['distinctClause']);
  const bare = distinct.length === 1 && opened(distinct[0]) === undefined;
  if (bare) for (const field of made ?? [unknown]) trace.observe(field);
  else for (const one of distinct) trace.observe(grouping(one, made, env, trace));
  for (const one of list(fields['sortClause'])) trace.observe(grouping(opened(one)?.[1]['node'], made, env, trace));
}

/**
 * An expression of GROUP BY, ORDER BY, DISTINCT ON: a column's number, an output's name, or an expression. Where a bare
 * name stands for both, GROUP BY takes the input and the others the output (PostgreSQL manual, SELECT).
 */
function grouping(
  node: unknown,
  made: readonly Field[] | undefined,
  env: Environment,
  trace: Trace,
  first: 'input' | 'output' = 'output',
): Value {
  const [kind, fields] = opened(node) ?? [];
  const within = (nodes: readonly Node[]): Value => derived(nodes.map((one) => grouping(one, made, env, trace, first)));
  if (kind === 'GroupingSet') return within(list(fields?.['content']));
  if (kind === 'List' || kind === 'RowExpr') return within(list(fields?.['items'] ?? fields?.['args']));
  const number = kind === 'A_Const' ? (fields?.['ival'] as { ival?: number } | undefined)?.ival : undefined;
  if (number !== undefined) return made === undefined ? unknown : (made[number - 1] ?? plain);
  const names = kind === 'ColumnRef' ? texts(fields?.['fields']) : [];
  const outputs = names.length === 1 ? (made?.filter(({ name }) => name === names[0]) ?? []) : [];
  if (outputs.length === 0) return evaluate(node, env, trace);
  if (first === 'output') return derived(outputs);
  const inner = env.items.length === 0 ? plain : evaluate(node, env, trace);
  if (env.columns.some(({ name }) => name === names[0])) return inner;
  // The name of an output need not be one of an input.
  return derived([...outputs, inner.unknown ? plain : inner]);
}

/** A list of outputs, with its stars spelled out; undefined where a star stands for columns that nobody knows. */
export function targets(value: unknown, env: Environment, trace: Trace): readonly Field[] | undefined {
  let made: Field[] | undefined = [];
  for (const node of list(value)) {
    const target = opened(node)?.[1] ?? {};
    const star = starOf(target['val'], env);
    const fields =
      star === undefined
        ? [
            {
              ...evaluate(target['val'], env, trace),
              name: (target['name'] as string | undefined) ?? nameOf(target['val']),
            },
          ]
        : star.columns;
    if (star !== undefined && star.columns === undefined && star.indirect) evaluate(target['val'], env, trace);
    made = fields === undefined ? undefined : made && [...made, ...fields];
  }
  return made;
}

/** `*`, `alias.*` and `(expression).*`. */
function starOf(
  node: unknown,
  env: Environment,
): { columns: readonly Field[] | undefined; indirect: boolean } | undefined {
  const [kind, fields] = opened(node) ?? [];
  if (kind === 'A_Indirection') {
    const last = opened(list(fields?.['indirection']).at(-1))?.[0];
    return last === 'A_Star' ? { columns: undefined, indirect: true } : undefined;
  }
  if (kind !== 'ColumnRef') return undefined;
  const parts = list(fields?.['fields']);
  if (opened(parts.at(-1))?.[0] !== 'A_Star') return undefined;
  const names = texts(parts.slice(0, -1));
  const alias = names.at(-1);
  if (alias !== undefined) {
    const item = itemNamed(env, names.at(-2), alias);
    return { columns: item?.isUnordered === true ? undefined : item?.fields, indirect: false };
  }
  const open = env.items.some((item) => item.fields === undefined || item.isUnordered === true);
  return { columns: open ? undefined : env.columns, indirect: false };
}
