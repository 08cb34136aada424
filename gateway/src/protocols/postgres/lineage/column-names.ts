import type { Node } from '../sql/analysis.ts';
import { list, opened, text, texts } from './trace.ts';

/** The name that PostgreSQL gives to a column without an alias. */
export function nameOf(node: unknown): string {
  return named(node) ?? '?column?';
}

function named(node: unknown): string | undefined {
  const [kind, fields] = opened(node) ?? [];
  if (fields === undefined) return undefined;
  switch (kind) {
    case 'ColumnRef':
      return list(fields['fields'])
        .map(text)
        .filter((one) => one !== '')
        .at(-1);
    case 'A_Indirection':
      return (
        list(fields['indirection'])
          .map(text)
          .filter((one) => one !== '')
          .at(-1) ?? named(fields['arg'])
      );
    case 'FuncCall':
      return texts(fields['funcname']).at(-1);
    case 'A_Expr':
      return fields['kind'] === 'AEXPR_NULLIF' ? 'nullif' : undefined;
    case 'TypeCast':
      return named(fields['arg']) ?? texts((fields['typeName'] as Node | undefined)?.['names']).at(-1);
    case 'CollateClause':
      return named(fields['arg']);
    case 'CaseExpr':
      return named(fields['defresult']) ?? 'case';
    case 'SubLink':
      return sublinkName(fields);
    case 'SQLValueFunction':
      return String(fields['op'] ?? '')
        .replace(/^SVFOP_|_N$/g, '')
        .toLowerCase();
    default:
      return fixedNames[kind ?? ''];
  }
}

function sublinkName(fields: Node): string | undefined {
  if (fields['subLinkType'] === 'EXISTS_SUBLINK') return 'exists';
  if (fields['subLinkType'] === 'ARRAY_SUBLINK') return 'array';
  const select = opened(fields['subselect'])?.[1];
  const [target] = list(select?.['targetList']);
  const inner = opened(target)?.[1];
  return inner === undefined ? undefined : ((inner['name'] as string | undefined) ?? named(inner['val']));
}

const fixedNames: Readonly<Record<string, string>> = {
  A_ArrayExpr: 'array',
  RowExpr: 'row',
  CoalesceExpr: 'coalesce',
  GroupingFunc: 'grouping',
  JsonObjectConstructor: 'json_object',
  JsonArrayConstructor: 'json_array',
  JsonScalarExpr: 'json_scalar',
  JsonSerializeExpr: 'json_serialize',
};
