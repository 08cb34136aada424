import type { Node } from '../sql/analysis.ts';
import type { Environment } from './environment.ts';
import { evaluate } from './expressions.ts';
import { telling, textFunctions } from './functions.ts';
import { comparisons, isHarmlessPattern, isPattern, totalOperators } from './operators.ts';
import { list, opened, type Trace, texts } from './trace.ts';
import { plain } from './value.ts';

/** Types into which everything can be cast. */
export const totalCasts = new Set(['text', 'varchar', 'bpchar', 'name']);

/** What decides whether the rest is evaluated: the WHENs of a CASE, all but the last of AND, OR and COALESCE. */
export const conditionsOf = (fields: Node): readonly unknown[] =>
  fields['defresult'] === undefined && fields['arg'] === undefined && !isCase(fields)
    ? list(fields['args']).slice(0, -1)
    : [fields['arg'], ...list(fields['args']).map((when) => opened(when)?.[1]['expr'])];

export const isCase = (fields: Node): boolean => list(fields['args']).some((one) => opened(one)?.[0] === 'CaseWhen');

/** What a CASE may give. */
export const resultsOf = (fields: Node): readonly unknown[] => [
  ...list(fields['args']).map((when) => opened(when)?.[1]['result']),
  fields['defresult'],
];

/** Texts, whole numbers and truth values: types that every other of them, and what is done with them, can take. */
const simpleTypes = new Set([16, 18, 19, 21, 23, 25, 1042, 1043]);
const simpleNames = new Set(['text', 'varchar', 'bpchar', 'int4', 'int2', 'bool']);

/** Whether an expression is of a type that nothing which is done with it can choke on. */
export function isSimple(node: unknown, env: Environment, trace: Trace): boolean {
  const [kind, fields] = opened(node) ?? [];
  if (kind === undefined || fields === undefined) return true;
  switch (kind) {
    case 'A_Const':
      return fields['fval'] === undefined;
    case 'ColumnRef':
      return simpleTypes.has(evaluate(node, env, trace).typeOid ?? 0);
    case 'BoolExpr':
    case 'NullTest':
    case 'BooleanTest':
      return true;
    case 'TypeCast': {
      const name = texts((fields['typeName'] as Node | undefined)?.['names']).at(-1) ?? '';
      const isArray = list((fields['typeName'] as Node | undefined)?.['arrayBounds']).length > 0;
      return simpleNames.has(name) && !isArray;
    }
    case 'A_Expr':
      return fields['kind'] !== 'AEXPR_OP' || comparisons.has(texts(fields['name']).at(-1) ?? '')
        ? fields['kind'] !== 'AEXPR_NULLIF'
        : texts(fields['name']).at(-1) === '||' &&
            [fields['lexpr'], fields['rexpr']].every((one) => isSimple(one, env, trace));
    case 'FuncCall':
      return (
        textFunctions.has(texts(fields['funcname']).at(-1) ?? '') &&
        list(fields['args']).every((one) => isSimple(one, env, trace))
      );
    case 'CaseExpr':
      return resultsOf(fields).every((one) => isSimple(one, env, trace));
    case 'CoalesceExpr':
      return list(fields['args']).every((one) => isSimple(one, env, trace));
    default:
      return false;
  }
}

const quietKinds = new Set([
  ...[
    'A_Const',
    'ParamRef',
    'ColumnRef',
    'NullTest',
    'BooleanTest',
    'CoalesceExpr',
    'MinMaxExpr',
    'CaseExpr',
    'CaseWhen',
  ],
  ...[
    'BoolExpr',
    'String',
    'Integer',
    'Float',
    'Boolean',
    'List',
    'SQLValueFunction',
    'RowExpr',
    'A_ArrayExpr',
    'CollateClause',
  ],
]);

/** Whether an expression neither fails nor does anything, whatever the rows hold. */
export function isQuiet(node: unknown, trace: Trace): boolean {
  if (Array.isArray(node)) return node.every((one) => isQuiet(one, trace));
  if (typeof node !== 'object' || node === null) return true;
  const [kind, fields] = opened(node) ?? [];
  if (kind === undefined || fields === undefined) return Object.values(node).every((one) => isQuiet(one, trace));
  const below = (): boolean => Object.values(fields).every((one) => isQuiet(one, trace));
  switch (kind) {
    case 'A_Expr': {
      const name = texts(fields['name']).at(-1) ?? '';
      const known = fields['kind'] !== 'AEXPR_OP' || totalOperators.has(name);
      if (isPattern(String(fields['kind']), name) && !isHarmlessPattern(fields['rexpr'])) return false;
      return known && !trace.catalogue.isCustomOperator(name) && below();
    }
    case 'TypeCast': {
      const names = texts((fields['typeName'] as Node | undefined)?.['names']);
      const name = names.at(-1) ?? '';
      const isLiteral = opened(fields['arg'])?.[0] === 'A_Const';
      return (
        !trace.catalogue.isCustomCast(name) &&
        !trace.catalogue.isCustomType(name) &&
        (isLiteral || totalCasts.has(name)) &&
        isQuiet(fields['arg'], trace)
      );
    }
    case 'FuncCall': {
      const [name = '', schema] = [...texts(fields['funcname'])].reverse();
      return (
        telling(name, [plain]).length === 0 &&
        trace.catalogue.functionKind(schema, name) === 'pure' &&
        isQuiet(fields['args'], trace)
      );
    }
    default:
      return quietKinds.has(kind) && below();
  }
}
