import type { Relation } from '@sallyport/shared/access/action.ts';
import type { Node } from './analysis.ts';
import { restricts } from './condition.ts';
import { type Effect, functionEffect, settingEffect, statementEffect } from './effects.ts';
import { isInner, isStatement } from './node-types.ts';

/** Names of the CTEs that are seen from a place, innermost first. */
interface Scope {
  readonly names: ReadonlySet<string>;
  readonly outer: Scope | undefined;
}

interface Step {
  readonly value: unknown;
  readonly type: string | undefined;
  readonly scope: Scope | undefined;
  /** Inside of an EXPLAIN that does not execute: relations and functions count, statements do not. */
  readonly quiet: boolean;
  readonly depth: number;
}

/** Fields that hold the relation that a statement changes. */
const targets = new Set(['relation', 'relations', 'view', 'sequence', 'table', 'viewName']);
/** Statements whose relation is only read, or only by what their own handler says. */
const readers = new Set(['SelectStmt', 'CopyStmt', 'LockStmt', 'VacuumStmt', 'GrantStmt']);
/** Statements whose effect is said by their details alone. */
const detailed = new Set(['CreateTableAsStmt', 'GrantStmt', 'GrantRoleStmt']);
const droppable = /^OBJECT_(TABLE|VIEW|MATVIEW|FOREIGN_TABLE|SEQUENCE|INDEX)$/;

/** Syntax of newer servers that older ones take for calls of functions. */
const newSyntax: Readonly<Record<string, string>> = {
  JsonFuncExpr: 'json_value',
  JsonScalarExpr: 'json_scalar',
  JsonSerializeExpr: 'json_serialize',
  MergeSupportFunc: 'merge_action',
};

const isObject = (value: unknown): value is Node => typeof value === 'object' && value !== null;
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const stringOf = (value: unknown): string | undefined => {
  const text = isObject(value) && isObject(value['String']) ? (value['String']['sval'] ?? '') : undefined;
  return typeof text === 'string' ? text : undefined;
};

/** One statement's walk: collects effects, relations, functions. Keeps its own stack, so depth costs no call stack. */
export class Walk {
  readonly effects = new Set<Effect>();
  readonly tables = new Map<string, Relation>();
  readonly writes = new Map<string, Relation>();
  readonly functions = new Set<string>();
  readonly operators = new Set<string>();
  readonly types = new Set<string>();
  readonly fields = new Set<string>();
  hasWhere = true;
  depth = 0;
  readonly #open: Step[] = [];

  run(statement: Node): void {
    this.#push(statement, undefined, { scope: undefined, quiet: false, depth: 0 });
    for (let step = this.#open.pop(); step !== undefined; step = this.#open.pop()) this.#visit(step);
  }

  #push(value: unknown, type: string | undefined, from: { scope: Scope | undefined; quiet: boolean; depth: number }) {
    if (!isObject(value)) return;
    this.#open.push({ value, type, scope: from.scope, quiet: from.quiet, depth: from.depth + 1 });
  }

  #visit(step: Step): void {
    if (step.depth > this.depth) this.depth = step.depth;
    const { value } = step;
    if (Array.isArray(value)) {
      for (let i = value.length - 1; i >= 0; i -= 1) this.#push(value[i], undefined, step);
      return;
    }
    const node = value as Node;
    const type = step.type ?? wrapper(node);
    const body = step.type === undefined && type !== undefined ? (node[type] as Node) : node;
    if (Array.isArray(body['names']) && 'typemod' in body) this.#last(body['names'], this.types);
    if (type === undefined) this.#children(body, undefined, step);
    else this.#node(type, body, step);
  }

  #node(type: string, node: Node, step: Step): void {
    if (type === 'RangeVar') return this.#relation(node, step.scope);
    let at = step;
    if (isStatement(type)) at = this.#statement(type, node, step);
    else if (type === 'FuncCall') this.#call(node);
    else if (Object.hasOwn(newSyntax, type)) this.functions.add(newSyntax[type] ?? '');
    else if (type === 'A_Expr') this.#last(node['name'], this.operators);
    else if (type === 'SubLink') this.#last(node['operName'], this.operators);
    else if (type === 'SortBy') this.#last(node['useOp'], this.operators);
    else if (type === 'ColumnRef' && list(node['fields']).length > 1) this.#last(node['fields'], this.fields);
    else if (type === 'A_Indirection') for (const one of list(node['indirection'])) this.#last([one], this.fields);
    else if (!isInner(type)) this.effects.add('unknown');
    this.#children(node, type, at);
  }

  #statement(type: string, node: Node, step: Step): Step {
    const scope = this.#scopeOf(node, step);
    if (type === 'ExplainStmt') {
      const analyses = list(node['options']).some(isAnalyze);
      if (!analyses && !step.quiet) this.effects.add('explain');
      return { ...step, scope, quiet: step.quiet || !analyses };
    }
    if (step.quiet) return { ...step, scope };
    if (type === 'VariableSetStmt') this.#setting(node);
    else if (!detailed.has(type)) this.effects.add(statementEffect(type));
    this.#details(type, node, scope);
    return { ...step, scope };
  }

  #details(type: string, node: Node, scope: Scope | undefined): void {
    if (node['intoClause'] !== undefined || node['into'] !== undefined) this.#into(node['intoClause'] ?? node['into']);
    if (!readers.has(type)) for (const field of targets) this.#target(node[field]);
    switch (type) {
      case 'SelectStmt':
        if (node['lockingClause'] !== undefined) this.effects.add('lock');
        if (touches(node['fromClause'], scope)) this.#where(node);
        return;
      case 'UpdateStmt':
        if (/^pg_settings$/i.test(String((node['relation'] as Node | undefined)?.['relname']))) {
          this.effects.add('set-role').add('set-lexer'); // an update of this view sets a parameter
        }
        return this.#where(node);
      case 'DeleteStmt':
        return this.#where(node);
      case 'InsertStmt':
        if ((node['onConflictClause'] as Node | undefined)?.['action'] === 'ONCONFLICT_UPDATE')
          this.effects.add('update');
        return;
      case 'MergeStmt':
        return this.#merge(node);
      case 'TruncateStmt':
        this.hasWhere = false;
        return;
      case 'CopyStmt':
        return this.#copy(node);
      case 'DropStmt':
        return this.#drop(node);
      case 'GrantStmt':
      case 'GrantRoleStmt':
        this.effects.add(node['is_grant'] === true ? 'grant' : 'revoke');
        return;
      case 'CreateRoleStmt':
      case 'AlterRoleStmt':
      case 'AlterRoleSetStmt':
        this.effects.add('grant');
        return;
    }
  }

  #where(node: Node): void {
    if (!restricts(node['whereClause'])) this.hasWhere = false;
  }

  #into(into: unknown): void {
    this.effects.add('create');
    if (isObject(into)) this.#target(into['rel']);
  }

  #merge(node: Node): void {
    this.hasWhere = false;
    for (const clause of list(node['mergeWhenClauses'])) {
      const command = ((clause as Node)['MergeWhenClause'] as Node | undefined)?.['commandType'];
      if (command === 'CMD_DELETE') this.effects.add('delete');
      else if (command === 'CMD_UPDATE') this.effects.add('update');
      else if (command === 'CMD_INSERT') this.effects.add('insert');
    }
  }

  #copy(node: Node): void {
    const from = node['is_from'] === true;
    this.effects.add(from ? 'insert' : 'select');
    if (node['is_program'] === true) this.effects.add('copy-program');
    else if (node['filename'] !== undefined) this.effects.add(from ? 'read-file' : 'write-file');
    if (from) this.#target(node['relation']);
    else if (node['relation'] !== undefined) this.hasWhere = false;
  }

  #drop(node: Node): void {
    if (!droppable.test(String(node['removeType']))) return;
    for (const object of list(node['objects'])) {
      const names = list(((object as Node)['List'] as Node | undefined)?.['items']).map(stringOf);
      const name = names.at(-1);
      const schema = names.at(-2);
      if (name !== undefined) this.#add(relation(schema, name), true);
    }
  }

  #setting(node: Node): void {
    const kind = node['kind'];
    if (kind === 'VAR_SET_MULTI') this.effects.add('transaction');
    else if (kind === 'VAR_RESET_ALL') this.effects.add('set');
    else this.effects.add(settingEffect(String(node['name']), constant(list(node['args'])[0])));
  }

  #call(node: Node): void {
    const names = list(node['funcname']).map((part) => (stringOf(part) ?? '').toLowerCase());
    this.functions.add(names.join('.'));
    const name = names.at(-1) ?? '';
    if (name !== 'set_config') {
      const effect = functionEffect(name);
      if (effect !== undefined) this.effects.add(effect);
      return;
    }
    const [setting, value] = list(node['args']).map(constant);
    // A name that is only known when it runs, or named arguments in another order, could be any parameter.
    if (setting === undefined) this.effects.add('set-role').add('set-lexer');
    else this.effects.add(settingEffect(setting, value));
  }

  /** The last name of a qualified one. */
  #last(names: unknown, into: Set<string>): void {
    const name = stringOf(list(names).at(-1));
    if (name !== undefined) into.add(name.toLowerCase());
  }

  #relation(node: Node, scope: Scope | undefined): void {
    const name = String(node['relname'] ?? '');
    const schema = node['schemaname'];
    if (typeof schema === 'string') this.#add(relation(schema, name), false);
    else if (!inScope(scope, name)) this.#add(relation(undefined, name), false);
  }

  #target(value: unknown): void {
    for (const item of Array.isArray(value) ? value : [value]) {
      if (!isObject(item)) continue;
      const node = (item['RangeVar'] ?? item) as Node;
      const schema = node['schemaname'];
      if (typeof node['relname'] !== 'string') continue;
      this.#add(relation(typeof schema === 'string' ? schema : undefined, node['relname']), true);
    }
  }

  #add(relation: Relation, written: boolean): void {
    const key = JSON.stringify([relation.schema, relation.name]);
    if (!this.tables.has(key)) this.tables.set(key, relation);
    if (written) this.writes.set(key, relation);
  }

  /** Opens the scope of a WITH, and sends each CTE's query on its way with what it may see. */
  #scopeOf(node: Node, step: Step): Scope | undefined {
    const clause = node['withClause'];
    if (!isObject(clause)) return step.scope;
    const ctes = list(clause['ctes']).map((cte) => ((cte as Node)['CommonTableExpr'] ?? {}) as Node);
    const recursive = clause['recursive'] === true;
    const all = { names: new Set(ctes.map((cte) => String(cte['ctename']))), outer: step.scope };
    let seen = step.scope;
    for (const cte of ctes) {
      this.#push(cte['ctequery'], undefined, { ...step, scope: recursive ? all : seen });
      seen = { names: new Set([String(cte['ctename'])]), outer: seen };
    }
    return all;
  }

  #children(node: Node, type: string | undefined, at: Step): void {
    for (const key in node) {
      const value = node[key];
      if (!isObject(value) || (key === 'withClause' && type !== undefined && isStatement(type))) continue;
      // What a statement changes was taken by name: a CTE of that name does not hide it.
      if (type !== undefined && isStatement(type) && !readers.has(type) && targets.has(key) && 'relname' in value) {
        if (at.quiet) this.#relation(value, undefined);
        continue;
      }
      this.#push(value, fieldType(type, key, value), at);
    }
  }
}

/** Fields whose object is not wrapped in its type's name. */
function fieldType(parent: string | undefined, key: string, value: Node): string | undefined {
  if ('relname' in value && key !== 'RangeVar') return 'RangeVar';
  if (parent === 'SelectStmt' && (key === 'larg' || key === 'rarg')) return 'SelectStmt';
  if (parent === 'CallStmt' && key === 'funccall') return 'FuncCall';
  return undefined;
}

function wrapper(node: Node): string | undefined {
  for (const key in node) return /^[A-Z]/.test(key) && isObject(node[key]) ? key : undefined;
  return undefined;
}

const relation = (schema: string | undefined, name: string): Relation =>
  schema === undefined ? { name } : { schema, name };

function inScope(scope: Scope | undefined, name: string): boolean {
  for (let at = scope; at !== undefined; at = at.outer) if (at.names.has(name)) return true;
  return false;
}

/** Whether a FROM names a relation itself, not only through subqueries, which are judged on their own. */
function touches(from: unknown, scope: Scope | undefined): boolean {
  const open: unknown[] = [...list(from)];
  while (open.length > 0) {
    const item = open.pop();
    if (!isObject(item)) continue;
    const range = item['RangeVar'] as Node | undefined;
    if (range !== undefined && (range['schemaname'] !== undefined || !inScope(scope, String(range['relname']))))
      return true;
    const join = item['JoinExpr'] as Node | undefined;
    if (join !== undefined) open.push(join['larg'], join['rarg']);
    const sample = item['RangeTableSample'] as Node | undefined;
    if (sample !== undefined) open.push(sample['relation']);
  }
  return false;
}

function isAnalyze(option: unknown): boolean {
  const element = isObject(option) ? (option['DefElem'] as Node | undefined) : undefined;
  if (element?.['defname'] !== 'analyze') return false;
  const argument = element['arg'];
  if (!isObject(argument)) return true;
  const word = stringOf(argument)?.toLowerCase();
  const number = argument['Integer'] as Node | undefined;
  if (number !== undefined) return (number['ival'] ?? 0) !== 0;
  return word !== 'off' && word !== 'false';
}

/** A literal's text; undefined for an expression or NULL. */
function constant(value: unknown): string | undefined {
  let node = isObject(value) ? value : undefined;
  while (isObject(node?.['TypeCast'])) node = (node['TypeCast'] as Node)['arg'] as Node | undefined;
  const literal = node?.['A_Const'];
  if (!isObject(literal)) return undefined;
  if (isObject(literal['sval'])) return String(literal['sval']['sval'] ?? '');
  if (isObject(literal['ival'])) return String(literal['ival']['ival'] ?? 0);
  if (isObject(literal['boolval'])) return literal['boolval']['boolval'] === true ? 'true' : 'false';
  return undefined;
}
