import type { Node } from '../sql/analysis.ts';
import { conditionsOf, isCase, isQuiet, isSimple, resultsOf, totalCasts } from './choices.ts';
import { type Environment, itemNamed, resolve, resolveIn, wholeRow } from './environment.ts';
import { isHarmless, opaqueFunctions, RECORD, seekers, telling } from './functions.ts';
import { isPattern, isPlainPattern, pickers, totalOperators } from './operators.ts';
import { queryFields } from './queries.ts';
import { list, opened, type Trace, texts } from './trace.ts';
import { derived, plain, unknown, type Value } from './value.ts';

const JSONB = 3802;

/** Kinds whose value is made of what they hold, and that never fail by themselves. */
const transparent = new Set([
  ...['BooleanTest', 'MinMaxExpr', 'A_ArrayExpr', 'CollateClause'],
  ...['NamedArgExpr', 'GroupingFunc', 'List', 'CaseWhen', 'JsonFormat', 'JsonReturning', 'JsonValueExpr', 'JsonOutput'],
  ...[
    'JsonIsPredicate',
    'JsonObjectConstructor',
    'JsonArrayConstructor',
    'JsonKeyValue',
    'JsonObjectAgg',
    'JsonArrayAgg',
  ],
  ...['JsonAggConstructor', 'JsonScalarExpr', 'XmlSerialize', 'ResTarget'],
]);

/** As these, but they may fail because of what they hold. */
const fallible = new Set([
  'JsonFuncExpr',
  'JsonParseExpr',
  'JsonSerializeExpr',
  'JsonBehavior',
  'JsonArgument',
  'XmlExpr',
  'A_Indices',
]);

const empty = new Set([
  ...[
    'A_Const',
    'ParamRef',
    'SQLValueFunction',
    'SetToDefault',
    'CurrentOfExpr',
    'String',
    'Integer',
    'Float',
    'Boolean',
  ],
  ...['BitString', 'TypeName', 'A_Star', 'MergeSupportFunc', 'Null'],
]);

const newSyntax: Readonly<Record<string, readonly string[]>> = {
  JsonFuncExpr: ['json_value', 'json_query', 'json_exists'],
  JsonScalarExpr: ['json_scalar'],
  JsonSerializeExpr: ['json_serialize'],
  JsonParseExpr: ['json'],
  JsonObjectConstructor: ['json_object'],
  JsonArrayConstructor: ['json_array'],
  JsonObjectAgg: ['json_objectagg'],
  JsonArrayAgg: ['json_arrayagg'],
  MergeSupportFunc: ['merge_action'],
  SQLValueFunction: ['system_user'],
};

/** What an expression's value is made of. Notes what its conditions and its failures would tell. */
export function evaluate(node: unknown, env: Environment, trace: Trace): Value {
  const found = opened(node);
  if (found === undefined) return plain;
  const [kind, fields] = found;
  return trace.deeper(() => kindOf(kind, fields, env, trace), unknown);
}

function kindOf(kind: string, fields: Node, env: Environment, trace: Trace): Value {
  // Servers before these were syntax call functions of such names.
  if (newSyntax[kind]?.some((name) => trace.catalogue.isCustomFunction(name)) === true) {
    trace.hide('it uses the name of a function as syntax of a newer server');
  }
  if (empty.has(kind)) return plain;
  if (kind === 'A_ArrayExpr') {
    return derived(list(fields['elements']).map((one) => fitting(evaluate(one, env, trace), trace)));
  }
  if (transparent.has(kind)) return parts(fields, env, trace);
  if (kind === 'RowExpr') return { ...parts(fields, env, trace), typeOid: RECORD };
  if (fallible.has(kind)) return failing(parts(fields, env, trace), trace);
  switch (kind) {
    case 'ColumnRef':
      return column(texts(fields['fields']), hasStar(fields), env);
    case 'A_Expr':
      return operation(fields, env, trace);
    case 'TypeCast':
      return cast(fields, env, trace);
    case 'FuncCall':
      return call(fields, env, trace);
    case 'SubLink':
      return sublink(fields, env, trace);
    case 'CaseExpr':
    case 'BoolExpr':
    case 'CoalesceExpr':
      return choice(fields, env, trace);
    case 'NullTest':
      return nullTest(fields, env, trace);
    case 'A_Indirection':
      return { ...derived([parts(fields, env, trace)]), nullTells: true };
    case 'MultiAssignRef':
      return evaluate(fields['source'], env, trace);
    default: {
      // A kind that this version does not know: all that stands below it, and nobody knows what it makes of it.
      trace.hide(`${kind} is not understood`);
      return { ...parts(fields, env, trace), unknown: true };
    }
  }
}

/** Everything that stands below. */
export function parts(fields: Node, env: Environment, trace: Trace): Value {
  const values: Value[] = [];
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) for (const one of value) visit(one);
    else if (opened(value) !== undefined) values.push(evaluate(value, env, trace));
    else if (typeof value === 'object' && value !== null) for (const one of Object.values(value)) visit(one);
  };
  visit(Object.values(fields));
  return derived(values);
}

/** Whether it fails, or how many rows it gives, depends on the value. */
function failing(value: Value, trace: Trace): Value {
  if (value.sources.size > 0 || value.unknown) trace.observe(value);
  return value;
}

const hasStar = (fields: Node): boolean => list(fields['fields']).some((one) => opened(one)?.[0] === 'A_Star');

function column(names: readonly string[], star: boolean, env: Environment): Value {
  const parts = star ? names.slice(0, -1) : names;
  if (star) {
    const [schema, alias] = parts.length > 1 ? [parts.at(-2), parts.at(-1)] : [undefined, parts[0]];
    const item = alias === undefined ? undefined : itemNamed(env, schema, alias);
    if (alias === undefined) return derived(env.items.map(wholeRow));
    return item === undefined ? unknown : wholeRow(item);
  }
  const [name = '', alias, schema] = [...parts].reverse();
  return alias === undefined ? resolve(env, name) : resolveIn(env, schema, alias, name);
}

/** Arrays in an array must be of the same dimensions. */
const fitting = (value: Value, trace: Trace): Value =>
  value.typeOid !== RECORD && [...value.sources].some(({ isArray }) => isArray) ? failing(value, trace) : value;

/**
 * CASE, AND, OR, COALESCE: what is evaluated, and what is given, depends on conditions. Whether the rest fails, waits or
 * changes something would tell of them, and so would whatever is done with a value that was chosen to fail it.
 */
function choice(fields: Node, env: Environment, trace: Trace): Value {
  const value = parts(fields, env, trace);
  const conditions = conditionsOf(fields).map((one) => evaluate(one, env, trace));
  if (conditions.every(({ sources, unknown: hidden }) => sources.size === 0 && !hidden)) return value;
  const isCoalesce = !isCase(fields) && fields['boolop'] === undefined;
  // A mask shows NULL as NULL: which of them is given may be known.
  if (isCoalesce && conditions.every(tellsNoNull)) return value;
  const results = isCase(fields) ? resultsOf(fields) : isCoalesce ? list(fields['args']) : [];
  const isHarmless = isQuiet(Object.values(fields), trace) && results.every((one) => isSimple(one, env, trace));
  if (!isHarmless) for (const condition of conditions) failing(condition, trace);
  return { ...value, nullTells: true };
}

/** A mask shows NULL as NULL, so that this tells nothing more. A row of NULLs is another matter. */
function nullTest(fields: Node, env: Environment, trace: Trace): Value {
  const value = evaluate(fields['arg'], env, trace);
  return tellsNoNull(value) ? plain : derived([value]);
}

/** Whether it is NULL tells nothing that its column does not show. */
const tellsNoNull = ({ exact, unknown: hidden, typeOid, sources }: Value): boolean =>
  !hidden && (sources.size === 0 || (exact && typeOid !== undefined && typeOid < FIRST_OWN_OID));

/** Types from here on are people's own: rows, domains, enums. */
const FIRST_OWN_OID = 16_384;

function operation(fields: Node, env: Environment, trace: Trace): Value {
  const right = evaluate(fields['rexpr'], env, trace);
  const left = evaluate(fields['lexpr'], env, trace);
  const value = derived([left, right]);
  const name = texts(fields['name']).at(-1) ?? '';
  const kind = String(fields['kind']);
  if (trace.catalogue.isCustomOperator(name)) return { ...failing(value, trace), unknown: true };
  if (kind === 'AEXPR_NULLIF') return nullIf(fields, left, right, env, trace);
  if (isPattern(kind, name) && (left.nullTells === true || !isPlainPattern(fields['rexpr'], kind)))
    failing(value, trace);
  // The rest of a list, a range or a row is compared only where what comes before it says so.
  const sides = [fields['lexpr'], fields['rexpr']];
  const hasParts = sides.some((side) => Array.isArray(side) || partsOf.has(opened(side)?.[0] ?? ''));
  if (hasParts && !isQuiet(sides, trace)) failing(value, trace);
  const joins = name === '||' && [...value.sources].some(({ isArray, typeOid }) => isArray || typeOid === JSONB);
  // A number that is no OID fails beside one.
  const isNumbered = left.typeOid === OID || right.typeOid === OID;
  const total = (kind !== 'AEXPR_OP' || totalOperators.has(name)) && !joins && !isNumbered;
  const made = total ? value : failing(value, trace);
  return pickers.has(name) ? { ...made, nullTells: true } : made;
}

const OID = 26;
const partsOf = new Set(['RowExpr', 'A_ArrayExpr', 'List']);

/** The first, or NULL where both are equal. */
function nullIf(fields: Node, left: Value, right: Value, env: Environment, trace: Trace): Value {
  if (right.sources.size > 0 && !isSimple(fields['lexpr'], env, trace)) failing(derived([left, right]), trace);
  return { ...derived([left, right]), nullTells: true };
}

function cast(fields: Node, env: Environment, trace: Trace): Value {
  const value = derived([evaluate(fields['arg'], env, trace)]);
  const type = (fields['typeName'] ?? {}) as Node;
  const [name = '', schema] = texts(type['names']).reverse();
  if (trace.catalogue.isCustomCast(name)) return { ...failing(value, trace), unknown: true };
  const toArray = list(type['arrayBounds']).length > 0;
  const isJson = (name === 'json' || name === 'jsonb') && value.exact && value.typeOid === JSONB;
  const isOwn = schema === 'pg_catalog' || (schema === undefined && !trace.catalogue.isCustomType(name));
  const made = (totalCasts.has(name) || isJson) && isOwn && !toArray ? value : failing(value, trace);
  return name === 'oid' || name.startsWith('reg') ? { ...made, typeOid: OID } : made;
}

function call(fields: Node, env: Environment, trace: Trace): Value {
  const names = texts(fields['funcname']);
  const [name = '', schema] = [...names].reverse();
  const args = list(fields['args']).map((arg) => evaluate(arg, env, trace));
  const orders = list(fields['agg_order']).map((order) => evaluate(opened(order)?.[1]['node'], env, trace));
  const conditions = [...orders, evaluate(fields['agg_filter'], env, trace), ...windowOf(fields['over'], env, trace)];
  for (const condition of conditions) trace.observe(condition);
  if (fields['agg_distinct'] === true) for (const arg of args) trace.observe(arg);
  const value = derived(args);
  // A setting is told to the client: only what the client wrote itself may become one.
  const isSetting = name === 'set_config' && value.sources.size === 0 && !value.unknown;
  if (opaqueFunctions.test(name) && !isSetting) {
    trace.hide(`${name}() reads more than its arguments`);
    return { ...value, unknown: true };
  }
  const kind = trace.catalogue.functionKind(schema, name);
  if (name === 'count' && kind === 'pure' && fields['agg_distinct'] !== true && args.every(tellsNoNull)) return plain;
  const known =
    isSetting ||
    kind === 'pure' ||
    (isHarmless(name) && !trace.catalogue.isCustomFunction(name) && (schema === undefined || schema === 'pg_catalog'));
  for (const arg of known ? telling(name, args) : args) failing(arg, trace);
  if (!known) return { ...value, unknown: true };
  return seekers.has(name) ? { ...value, nullTells: true } : value;
}

/** What a window's partitions, order and frame depend on. */
export function windowOf(over: unknown, env: Environment, trace: Trace): Value[] {
  if (typeof over !== 'object' || over === null) return [];
  const window = (opened(over)?.[1] ?? over) as Node;
  const orders = list(window['orderClause']).map((order) => opened(order)?.[1]['node']);
  const all = [...list(window['partitionClause']), ...orders, window['startOffset'], window['endOffset']];
  return all.map((one) => evaluate(one, env, trace));
}

function sublink(fields: Node, env: Environment, trace: Trace): Value {
  const rows = queryFields(fields['subselect'], env, trace);
  const test = evaluate(fields['testexpr'], env, trace);
  const kind = String(fields['subLinkType']);
  if (kind === 'EXISTS_SUBLINK') return plain;
  // The search for a match ends at the first: what comes behind it is not evaluated.
  if (test.sources.size > 0) trace.observe(test);
  // More than one row is an error: how many there are is decided by conditions, and those are noted where they stand.
  if (kind === 'ARRAY_SUBLINK') for (const row of rows ?? []) fitting(row, trace);
  return derived([test, ...(rows ?? [unknown])]);
}
