import type { Node, Statement } from '../sql/analysis.ts';
import { type Catalogue, type Column, familyOf } from './catalogue.ts';
import { inOrder, returnsRows } from './changes.ts';
import { empty, within } from './environment.ts';
import { evaluate } from './expressions.ts';
import { queryFields } from './queries.ts';
import { tableItem } from './sources.ts';
import { list, opened, Trace, text, texts } from './trace.ts';
import { type Field, unknown } from './value.ts';

export interface ColumnRef {
  readonly schema: string;
  readonly table: string;
  readonly column: string;
}

/** A column of a result and the stored values that it is made of. */
export interface OutputColumn {
  readonly name: string;
  readonly sources: readonly ColumnRef[];
  /** Its value is exactly one stored value. */
  readonly exact: boolean;
  /** It comes from where nobody can know. */
  readonly unknown: boolean;
  readonly typeOid: number | undefined;
}

export interface StatementLineage {
  readonly returnsRows: boolean;
  /** Undefined: the columns cannot be known. */
  readonly outputs: readonly OutputColumn[] | undefined;
  /** Stored values that decide which rows come, how many, in which order, or whether it fails. */
  readonly observed: readonly ColumnRef[];
  /** Stored values that are written elsewhere. */
  readonly copied: readonly ColumnRef[];
  /** Why the statement cannot be seen through. */
  readonly opaque: string | undefined;
  /** It names what the catalogue does not have: reading that again may help. */
  readonly stale: boolean;
  /** It reads tables of the session's own making, whose numbers the catalogue need not have. */
  readonly readsMade?: boolean;
}

/** What names stand for in a session. */
export interface Scope {
  /** Undefined: nobody knows; an unqualified name then stands for every relation of that name. */
  readonly searchPath: readonly string[] | undefined;
  prepared(name: string): StatementLineage | undefined;
  cursor(name: string): StatementLineage | undefined;
  /** Columns of a table that the session made of nothing protected. */
  made?(name: string): readonly string[] | undefined;
}

/** Statements that neither show nor move stored values, whatever they say. */
const harmless = new Set(
  `TransactionStmt VariableSetStmt DeallocateStmt ClosePortalStmt DiscardStmt ListenStmt UnlistenStmt NotifyStmt LockStmt
  ConstraintsSetStmt CheckPointStmt VacuumStmt TruncateStmt DropStmt CommentStmt GrantStmt GrantRoleStmt  CreateSeqStmt AlterSeqStmt RefreshMatViewStmt ReindexStmt CreateRoleStmt AlterRoleStmt
  AlterRoleSetStmt DropRoleStmt CreatedbStmt DropdbStmt LoadStmt CreateEnumStmt SecLabelStmt`.split(/\s+/),
);

/** What one statement shows, tells and moves of stored values. Never throws for a tree that the parser made. */
export function lineageOf(statement: Statement, catalogue: Catalogue, scope: Scope): StatementLineage {
  const trace = new Trace(catalogue, scope.searchPath, undefined, (name) => scope.made?.(name));
  const found = opened(statement.stmt);
  if (found === undefined) return opaque('it is too large to be seen through');
  if (borrowed.has(newTypeOf(found[1]))) trace.hide(`it makes a type ${newTypeOf(found[1])}, which PostgreSQL has`);
  const rows = rowsOf(found[0], found[1], scope, trace);
  if (!(rows instanceof Rows)) return rows;
  return {
    returnsRows: rows.returned,
    outputs: rows.fields?.map(outputOf),
    observed: references(trace.observed),
    copied: references(trace.copied),
    opaque: trace.opaque,
    stale: trace.stale,
    readsMade: trace.readsMade,
  };
}

/** Types of PostgreSQL's own that people cast to without naming their schema; a table makes a type of its name. */
const borrowed = new Set(['text', 'name', 'varchar', 'bpchar', 'json', 'jsonb', 'bool', 'int2', 'int4', 'int8', 'oid']);

/** The name of the type that a statement makes, if it makes one. */
function newTypeOf(fields: Node): string {
  const relation = (fields['relation'] ?? fields['view'] ?? (fields['into'] as Node | undefined)?.['rel']) as
    | Node
    | undefined;
  const into = ((fields['intoClause'] as Node | undefined)?.['rel'] as Node | undefined)?.['relname'];
  const named = texts(fields['typeName'] ?? fields['domainname'] ?? fields['typevar']).at(-1);
  return String(named ?? into ?? relation?.['relname'] ?? '');
}

/** The query that a PREPARE or DECLARE CURSOR is about; the statement itself where it is none. */
export function innerStatement(statement: Statement): Statement {
  const [kind, fields] = opened(statement.stmt) ?? [];
  const query =
    kind === 'PrepareStmt' || kind === 'DeclareCursorStmt' ? (fields?.['query'] as Node | undefined) : undefined;
  const tag = opened(query)?.[0];
  return query === undefined || tag === undefined ? statement : { ...statement, tag, stmt: query };
}

class Rows {
  readonly returned: boolean;
  readonly fields: readonly Field[] | undefined;

  constructor(returned: boolean, fields: readonly Field[] | undefined) {
    this.returned = returned;
    this.fields = fields;
  }
}

const noRows = new Rows(false, []);
const oneText = (name: string): Rows =>
  new Rows(true, [{ name, sources: new Set(), exact: false, unknown: false, typeOid: 25 }]);

function rowsOf(kind: string, fields: Node, scope: Scope, trace: Trace): Rows | StatementLineage {
  switch (kind) {
    case 'SelectStmt': {
      const made = queryFields({ SelectStmt: fields }, empty, trace);
      return fields['intoClause'] === undefined ? new Rows(true, made) : noRows;
    }
    case 'InsertStmt':
    case 'UpdateStmt':
    case 'DeleteStmt':
    case 'MergeStmt': {
      const made = queryFields({ [kind]: fields }, empty, trace);
      return returnsRows(fields) ? new Rows(true, made) : noRows;
    }
    case 'CopyStmt':
      return copy(fields, trace);
    case 'ExplainStmt':
      return explain(fields, scope, trace);
    case 'VariableShowStmt':
      return oneText(String(fields['name'] ?? ''));
    case 'PrepareStmt':
    case 'DeclareCursorStmt': {
      const inner = opened(fields['query']);
      if (inner !== undefined) rowsOf(inner[0], inner[1], scope, trace);
      return noRows;
    }
    case 'ExecuteStmt':
      // Parameters stand wherever the statement uses them: what they are computed from could show anywhere.
      for (const one of list(fields['params'])) {
        const value = evaluate(one, empty, trace);
        if (value.sources.size > 0 || value.unknown)
          trace.hide('a parameter of EXECUTE is computed from stored values');
      }
      if (trace.opaque !== undefined) return noRows;
      return (
        scope.prepared(String(fields['name'] ?? '')) ??
        opaque('it executes what was not prepared in view of the gateway')
      );
    case 'FetchStmt':
      if (fields['ismove'] === true) return noRows;
      return (
        scope.cursor(String(fields['portalname'] ?? '')) ??
        opaque('it fetches from a cursor that was not declared in view of the gateway')
      );
    case 'CreateTableAsStmt':
    case 'ViewStmt':
      return keep(fields, scope, trace);
    case 'CreateSchemaStmt':
      if (fields['schemaElts'] !== undefined) trace.hide('it makes things along with a schema: make them one by one');
      return noRows;
    case 'IndexStmt':
      return index(fields, trace);
    case 'CreateStmt':
      // Defaults and checks run when rows come: what they read is then read by nobody's leave.
      if (callsUnknown(fields, trace))
        trace.hide('a default or a check of the table calls what cannot be seen through');
      ties(fields, trace);
      return noRows;
    default:
      if (!harmless.has(kind)) trace.hide(`${spoken(kind)} can do more than can be seen`);
      return noRows;
  }
}

/** CREATE TABLE AS and CREATE VIEW: what they are made of gets another name. */
function keep(fields: Node, scope: Scope, trace: Trace): Rows | StatementLineage {
  const inner = opened(fields['query']);
  if (inner === undefined) return noRows;
  const rows = rowsOf(inner[0], inner[1], scope, trace);
  if (rows instanceof Rows) {
    for (const field of rows.fields ?? [unknown]) trace.copy(field);
    return noRows;
  }
  // What was prepared, executed into a table.
  const copied = [...rows.copied, ...(rows.outputs ?? []).flatMap(({ sources }) => sources)];
  const hidden = rows.outputs?.some((output) => output.unknown) ?? true;
  const reason = rows.opaque ?? (hidden ? 'it keeps values that come from where nobody can know' : undefined);
  return { ...rows, returnsRows: false, outputs: [], copied, opaque: reason };
}

/** What a new table is tied to: keys that it refers to are checked and copied, rows of a parent move into it. */
function ties(fields: Node, trace: Trace): void {
  for (const parent of list(fields['inhRelations'])) observeAll(opened(parent)?.[1], [], trace);
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) for (const one of node) visit(one);
    else if (typeof node === 'object' && node !== null) {
      const constraint = opened(node)?.[0] === 'Constraint' ? opened(node)?.[1] : undefined;
      const other = constraint?.['pktable'] as Node | undefined;
      if (other !== undefined) observeAll(other, list(constraint?.['pk_attrs']).map(text), trace);
      for (const one of Object.values(node)) visit(one);
    }
  };
  visit(fields['tableElts']);
  visit(fields['constraints']);
}

/** The named columns of a table; all where none is named. */
function observeAll(relation: Node | undefined, names: readonly string[], trace: Trace): void {
  const { fields = [unknown as Field], rest } = tableItem(relation ?? {}, empty, trace);
  for (const field of fields) if (names.length === 0 || names.includes(field.name)) trace.observe(field);
  if (rest !== undefined) trace.observe(rest);
}

/** Making an index fails where its expressions do, and a unique one where values are equal. */
function index(fields: Node, trace: Trace): Rows {
  const item = tableItem((fields['relation'] ?? {}) as Node, empty, trace);
  const env = within(empty, { items: [item], columns: inOrder(item) });
  for (const one of list(fields['indexParams'])) {
    const { name, expr } = (opened(one)?.[1] ?? {}) as { name?: string; expr?: Node };
    const value =
      expr === undefined ? (item.fields?.find((field) => field.name === name) ?? unknown) : evaluate(expr, env, trace);
    if (fields['unique'] === true || expr !== undefined) trace.observe(value);
  }
  trace.observe(evaluate(fields['whereClause'], env, trace));
  return noRows;
}

/** Whether anything that stands below calls a function that reads more than its arguments. */
function callsUnknown(node: unknown, trace: Trace): boolean {
  if (Array.isArray(node)) return node.some((one) => callsUnknown(one, trace));
  if (typeof node !== 'object' || node === null) return false;
  const [kind, fields] = opened(node) ?? [];
  if (kind === 'FuncCall') {
    const value = evaluate({ FuncCall: { ...fields, args: [] } }, empty, trace);
    if (value.unknown) return true;
  }
  return Object.values(node).some((one) => callsUnknown(one, trace));
}

function copy(fields: Node, trace: Trace): Rows {
  const relation = fields['relation'] as Node | undefined;
  if (fields['filename'] !== undefined)
    trace.hide('COPY with a file or a program reaches what lies beside the database');
  if (fields['is_from'] === true) {
    if (relation !== undefined) tableItem(relation, empty, trace);
    return noRows;
  }
  const table = relation && tableItem(relation, empty, trace);
  const all = table === undefined ? queryFields(fields['query'], empty, trace) : inOrder(table);
  const names = list(fields['attlist']).map(text);
  const made =
    names.length === 0 ? all : names.map((name) => all?.find((field) => field.name === name) ?? { ...unknown, name });
  if (fields['filename'] === undefined) return new Rows(true, made);
  for (const field of made ?? [unknown]) trace.copy(field);
  return noRows;
}

/** Row counts and estimates tell of the values that conditions compare. */
function explain(fields: Node, scope: Scope, trace: Trace): Rows | StatementLineage {
  const inner = opened(fields['query']);
  const rows = inner === undefined ? noRows : rowsOf(inner[0], inner[1], scope, trace);
  if (rows instanceof Rows) return oneText('QUERY PLAN');
  return { ...rows, returnsRows: true, outputs: oneText('QUERY PLAN').fields?.map(outputOf) };
}

const opaque = (reason: string): StatementLineage => ({
  returnsRows: true,
  outputs: undefined,
  observed: [],
  copied: [],
  opaque: reason,
  stale: false,
});

/** `CreateFunctionStmt` as `CREATE FUNCTION`. */
const spoken = (kind: string): string =>
  kind
    .replace(/Stmt$/, '')
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .toUpperCase();

const outputOf = ({ name, sources, exact, unknown: hidden, typeOid }: Field): OutputColumn => ({
  name,
  sources: references(sources),
  exact,
  unknown: hidden,
  typeOid,
});

/** With the same columns of parents, children and partitions: a mask may name any of them. */
function references(columns: ReadonlySet<Column>): ColumnRef[] {
  const all = new Set<Column>();
  for (const column of columns) for (const one of familyOf(column)) all.add(one);
  return [...all].map(({ relation, name }) => ({ schema: relation.schema, table: relation.name, column: name }));
}
