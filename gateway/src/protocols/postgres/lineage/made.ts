import type { Node, Statement } from '../sql/analysis.ts';
import type { Catalogue } from './catalogue.ts';
import { lineageOf, type Scope, type StatementLineage } from './lineage.ts';
import { list, opened, text, texts } from './trace.ts';

export interface MadeTable {
  readonly name: string;
  readonly columns: readonly string[];
}

/**
 * The table or view that a statement makes with columns of its own. Not one that takes part in another: of that one it
 * would get rows. `lineage` is the statement's; what copies protected values is refused and makes nothing.
 */
export function madeBy({ stmt }: Statement, inner: StatementLineage | undefined): MadeTable | undefined {
  const [kind, fields] = opened(stmt) ?? [];
  if (fields === undefined) return undefined;
  if (kind === 'CreateStmt') {
    const elements = list(fields['tableElts']).map((one) => opened(one));
    const takesPart = ['inhRelations', 'partbound', 'ofTypename'].some((part) => fields[part] !== undefined);
    if (takesPart || elements.some((one) => one?.[0] === 'TableLikeClause')) return undefined;
    const columns = elements.flatMap((one) => (one?.[0] === 'ColumnDef' ? [String(one[1]['colname'] ?? '')] : []));
    return { name: nameOf(fields['relation']), columns };
  }
  if (kind === 'CreateTableAsStmt') {
    const into = (fields['into'] ?? {}) as { rel?: unknown; colNames?: unknown };
    return named(nameOf(into.rel), texts(into.colNames), inner);
  }
  if (kind === 'ViewStmt') return named(nameOf(fields['view']), list(fields['aliases']).map(text), inner);
  const into = kind === 'SelectStmt' ? (fields['intoClause'] as { rel?: unknown } | undefined) : undefined;
  return into === undefined ? undefined : named(nameOf(into.rel), [], inner);
}

/** The columns of the query that a table or view is made from. */
export function madeFrom(statement: Statement, catalogue: Catalogue, scope: Scope): StatementLineage | undefined {
  const [kind, fields] = opened(statement.stmt) ?? [];
  if (fields === undefined) return undefined;
  if (kind === 'SelectStmt') {
    const { intoClause, ...query } = fields;
    return intoClause === undefined
      ? undefined
      : lineageOf({ ...statement, stmt: { SelectStmt: query } }, catalogue, scope);
  }
  const query = kind === 'CreateTableAsStmt' || kind === 'ViewStmt' ? (fields['query'] as Node | undefined) : undefined;
  return query === undefined ? undefined : lineageOf({ ...statement, stmt: query }, catalogue, scope);
}

/** Tables and views that a statement drops, by their last names. */
export function droppedBy({ stmt }: Statement): readonly string[] {
  const [kind, fields] = opened(stmt) ?? [];
  if (kind !== 'DropStmt') return [];
  return list(fields?.['objects']).map((one) => texts(opened(one)?.[1]['items']).at(-1) ?? '');
}

function named(name: string, aliases: readonly string[], inner: StatementLineage | undefined): MadeTable | undefined {
  const outputs = inner?.outputs;
  if (outputs === undefined || outputs.some((output) => output.unknown)) return undefined;
  return { name, columns: outputs.map((output, i) => aliases[i] ?? output.name) };
}

const nameOf = (relation: unknown): string => String(((relation ?? {}) as { relname?: string }).relname ?? '');
