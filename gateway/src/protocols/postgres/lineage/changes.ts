import type { Node } from '../sql/analysis.ts';
import { type Environment, type Item, type Source, within } from './environment.ts';
import { evaluate } from './expressions.ts';
import { queryFields, targets, withQueries } from './queries.ts';
import { beside, fromClause, named, nothing, sourceOf, tableItem } from './sources.ts';
import { list, opened, type Trace } from './trace.ts';
import { type Field, unknown, type Value } from './value.ts';

/** What a change returns; undefined where it returns nothing, or nobody knows what. Notes what it copies and observes. */
export function changeFields(
  kind: string,
  fields: Node,
  outer: Environment,
  trace: Trace,
): readonly Field[] | undefined {
  const env = withQueries(fields, outer, trace);
  switch (kind) {
    case 'InsertStmt':
      return insert(fields, env, trace);
    case 'UpdateStmt':
      return update(fields, env, trace);
    case 'DeleteStmt':
      return remove(fields, env, trace);
    case 'MergeStmt':
      return merge(fields, env, trace);
    default:
      trace.hide(`${kind} is not understood`);
      return undefined;
  }
}

/** The table that is changed. */
function changed(fields: Node, env: Environment, trace: Trace): Item {
  const relation = (fields['relation'] ?? {}) as Node;
  const item = tableItem(relation, { ...env, tables: new Map() }, trace);
  const relations = named(relation['schemaname'] as string | undefined, String(relation['relname'] ?? ''), trace);
  if (relations.some(({ hasRules }) => hasRules)) trace.hide('a table with rules does something else than it says');
  return item;
}

const only = (item: Item): Source => ({ items: [item], columns: inOrder(item) });

/** Its columns by their places; undefined where only their names are known. */
export const inOrder = ({ fields, isUnordered }: Item): readonly Field[] | undefined =>
  isUnordered === true ? undefined : fields;

/** A value on its way into a column: nothing is copied where it comes from that very column. */
function assign(value: Value, target: Field | undefined, trace: Trace): void {
  const own = target === undefined ? undefined : [...target.sources];
  // Whether what was made of it is taken tells of it.
  const isTold = !value.exact && (own?.some(({ isBound }) => isBound) ?? false);
  const foreign = [...value.sources].filter((source) => isTold || own?.includes(source) !== true);
  if (foreign.length > 0 || value.unknown) trace.copy({ ...value, sources: new Set(foreign) });
}

function insert(fields: Node, env: Environment, trace: Trace): readonly Field[] | undefined {
  const item = changed(fields, env, trace);
  const names = list(fields['cols']).map((one) => String(opened(one)?.[1]['name'] ?? ''));
  const into =
    names.length === 0 ? inOrder(item) : names.map((name) => item.fields?.find((field) => field.name === name));
  if (fields['selectStmt'] !== undefined) {
    const rows = queryFields(fields['selectStmt'], env, trace);
    for (const [i, value] of (rows ?? [{ ...unknown, name: '' }]).entries()) assign(value, into?.[i], trace);
  }
  const conflict = fields['onConflictClause'] as Node | undefined;
  if (conflict !== undefined) onConflict(conflict, item, env, trace);
  return returning(fields, env, only(item), trace);
}

/** Which rows conflict tells which values are there. */
function onConflict(conflict: Node, item: Item, env: Environment, trace: Trace): void {
  const excluded: Item = { ...item, alias: 'excluded', schema: undefined };
  const inner = within(env, { items: [item, excluded], columns: item.fields });
  const infer = conflict['infer'] as Node | undefined;
  for (const one of list(infer?.['indexElems'])) {
    const { name, expr } = (opened(one)?.[1] ?? {}) as { name?: string; expr?: Node };
    trace.observe(
      name === undefined
        ? evaluate(expr, inner, trace)
        : (item.fields?.find((field) => field.name === name) ?? unknown),
    );
  }
  // ON CONSTRAINT, or none named: any unique column of the table may be the one.
  const isNamed = list(infer?.['indexElems']).length > 0;
  if (!isNamed) for (const field of item.fields ?? [unknown]) trace.observe(field);
  for (const clause of [infer?.['whereClause'], conflict['whereClause']]) trace.observe(evaluate(clause, inner, trace));
  assignments(conflict['targetList'], item, inner, trace);
}

/** `SET column = expression, …` */
function assignments(value: unknown, item: Item, env: Environment, trace: Trace): void {
  for (const one of list(value)) {
    const target = opened(one)?.[1] ?? {};
    assign(
      evaluate(target['val'], env, trace),
      item.fields?.find(({ name }) => name === target['name']),
      trace,
    );
  }
}

function update(fields: Node, env: Environment, trace: Trace): readonly Field[] | undefined {
  const item = changed(fields, env, trace);
  const source = beside(only(item), fromClause(fields['fromClause'], env, trace));
  const inner = within(env, source);
  trace.observe(evaluate(fields['whereClause'], inner, trace));
  assignments(fields['targetList'], item, inner, trace);
  return returning(fields, env, source, trace);
}

function remove(fields: Node, env: Environment, trace: Trace): readonly Field[] | undefined {
  const source = beside(only(changed(fields, env, trace)), fromClause(fields['usingClause'], env, trace));
  trace.observe(evaluate(fields['whereClause'], within(env, source), trace));
  return returning(fields, env, source, trace);
}

function merge(fields: Node, env: Environment, trace: Trace): readonly Field[] | undefined {
  const item = changed(fields, env, trace);
  const using = sourceOf(fields['sourceRelation'], env, nothing, trace);
  const source = beside(using, only(item));
  const inner = within(env, source);
  trace.observe(evaluate(fields['joinCondition'], inner, trace));
  for (const one of list(fields['mergeWhenClauses'])) {
    const clause = opened(one)?.[1] ?? {};
    trace.observe(evaluate(clause['condition'], inner, trace));
    const values = list(clause['values']);
    if (values.length === 0) {
      assignments(clause['targetList'], item, inner, trace);
      continue;
    }
    const names = list(clause['targetList']).map((target) => String(opened(target)?.[1]['name'] ?? ''));
    for (const [i, node] of values.entries()) {
      const target = names.length === 0 ? inOrder(item)?.[i] : item.fields?.find(({ name }) => name === names[i]);
      assign(evaluate(node, inner, trace), target, trace);
    }
  }
  return returning(fields, env, source, trace);
}

/** RETURNING may also name the rows before and after as `old` and `new`. */
function returning(fields: Node, env: Environment, source: Source, trace: Trace): readonly Field[] | undefined {
  const clause = fields['returningClause'] as Node | undefined;
  const outputs = list(clause?.['exprs'] ?? fields['returningList']);
  if (outputs.length === 0) return undefined;
  const [item] = source.items;
  const options = list(clause?.['options']).map((one) => String(opened(one)?.[1]['value'] ?? ''));
  const rows = ['old', 'new', ...options].map((alias): Item => ({ ...(item as Item), alias, schema: undefined }));
  // They come last: a table that is called so is meant first.
  const inner = within(env, { items: [...source.items, ...rows], columns: source.columns });
  return targets(outputs, { ...inner, columns: source.columns ?? inner.columns }, trace);
}

/** Whether a change gives rows back. */
export const returnsRows = (fields: Node): boolean =>
  list((fields['returningClause'] as Node | undefined)?.['exprs'] ?? fields['returningList']).length > 0;
