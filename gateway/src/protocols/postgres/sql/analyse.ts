import type { Relation } from '@sallyport/shared/access/action.ts';
import type { Analysis, Node, Reading, Statement } from './analysis.ts';
import { type Effect, sorted } from './effects.ts';
import type { Parsed, RawStatement } from './parser.ts';
import { Walk } from './walk.ts';

/** Trees deeper than this are not handed on: whoever walks them by recursion would run out of stack. Levels. */
const MAX_KEPT_DEPTH = 1_500;
/** Trees larger than this are not handed on. UTF-16 units of their JSON. */
const MAX_KEPT_JSON = 4 * 1024 * 1024;

/** Reads what parsed statements do. Never throws for a tree that the parser made, however deep. */
export function analyse(parsed: Parsed): Analysis {
  const statements = parsed.statements.map((raw) => readStatement(raw, parsed.jsonLength <= MAX_KEPT_JSON));
  return { action: union(statements), statements };
}

function readStatement(raw: RawStatement, keep: boolean): Statement {
  const tag = Object.keys(raw.stmt)[0] ?? 'none';
  const walk = new Walk();
  walk.run(raw.stmt);
  const effects = sorted(walk.effects);
  const top = innermost(raw.stmt);
  return {
    tag,
    stmt: keep && walk.depth <= MAX_KEPT_DEPTH ? raw.stmt : undefined,
    locationBytes: raw.stmt_location ?? 0,
    lengthBytes: raw.stmt_len ?? 0,
    verb: effects[0] ?? 'unknown',
    effects,
    tables: [...walk.tables.values()],
    writes: [...walk.writes.values()],
    hasWhere: walk.hasWhere,
    hasLimit: isLimited(top),
    functions: [...walk.functions],
    operators: [...walk.operators],
    types: [...walk.types],
    fields: [...walk.fields],
    ...named(tag, raw.stmt[tag]),
  };
}

function named(tag: string, node: unknown): { prepares?: string; executes?: string } {
  const name = String((node as Node | undefined)?.['name'] ?? '');
  if (tag === 'PrepareStmt') return { prepares: name };
  return tag === 'ExecuteStmt' ? { executes: name } : {};
}

/** The query inside of EXPLAIN, PREPARE, DECLARE, COPY and CREATE TABLE AS. */
function innermost(stmt: Node): Node | undefined {
  const select = stmt['SelectStmt'] as Node | undefined;
  if (select !== undefined) return select;
  const node = Object.values(stmt)[0] as Node | undefined;
  const query = node?.['query'];
  return typeof query === 'object' && query !== null ? innermost(query as Node) : undefined;
}

function isLimited(select: Node | undefined): boolean {
  const count = select?.['limitCount'] as Node | undefined;
  if (count === undefined) return false;
  return (count['A_Const'] as Node | undefined)?.['isnull'] !== true;
}

function union(statements: readonly Statement[]): Reading {
  if (statements.length === 0) {
    return { verb: 'empty', effects: ['empty'], tables: [], writes: [], hasWhere: true, hasLimit: false };
  }
  const [only, second] = statements;
  if (only !== undefined && second === undefined) {
    const { verb, effects, tables, writes, hasWhere, hasLimit } = only;
    return { verb, effects, tables, writes, hasWhere, hasLimit };
  }
  const effects = sorted(statements.flatMap((statement) => statement.effects as Effect[]));
  const selects = statements.filter((statement) => statement.effects.includes('select'));
  return {
    verb: effects[0] ?? 'unknown',
    effects,
    tables: distinct(statements.flatMap((statement) => statement.tables)),
    writes: distinct(statements.flatMap((statement) => statement.writes)),
    hasWhere: statements.every((statement) => statement.hasWhere),
    hasLimit: selects.length > 0 && selects.every((statement) => statement.hasLimit),
  };
}

const distinct = (relations: readonly Relation[]): Relation[] => [
  ...new Map(relations.map((relation) => [JSON.stringify([relation.schema, relation.name]), relation])).values(),
];
