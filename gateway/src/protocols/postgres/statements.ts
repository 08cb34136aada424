import type { Action } from '@sallyport/shared/access/action.ts';
import { Inquiry } from '@sallyport/shared/wire/postgres/inquiry.ts';
import type { Backing } from '../protocol.ts';
import type { Veiling } from './answers.ts';
import { copyOptions } from './copy-options.ts';
import { weigh } from './exposure.ts';
import type { Catalogue } from './lineage/catalogue.ts';
import { innerStatement, lineageOf, type Scope, type StatementLineage } from './lineage/lineage.ts';
import { droppedBy, madeBy, madeFrom } from './lineage/made.ts';
import { estimateRows } from './planner.ts';
import type { StatementMatter, StatementReader } from './requests.ts';
import type { Routines } from './routines.ts';
import type { Analysis, Statement } from './sql/analysis.ts';
import { type Effect, sorted } from './sql/effects.ts';
import type { SqlReader } from './sql/reader.ts';
import type { Surveyed } from './survey.ts';

/** Statements and cursors that a session may name by SQL; beyond it their names mean nothing known. */
const MAX_NAMES = 10_000;

/** Effects that may change what names and views mean. */
const defining = new Set(['create', 'alter', 'drop', 'do', 'call', 'refresh', 'unknown']);

/** What a text asks is the same in every session without masks, so it is kept beside the text's analysis. */
const matters = new WeakMap<Analysis, StatementMatter>();

/** What is known of the target; undefined where nobody asks. */
export interface Known {
  /** For masks. */
  readonly catalogue: Surveyed<Catalogue> | undefined;
  /** For rules that judge by effects. */
  readonly routines: Surveyed<Routines> | undefined;
}

/** Reads one session's statements: what they do, and under a veil what they show. */
export class SessionStatements implements StatementReader {
  readonly veiling: Veiling | undefined;
  readonly #sql: SqlReader;
  readonly #backing: Backing;
  readonly #surveyed: Surveyed<Catalogue> | undefined;
  readonly #routines: Surveyed<Routines> | undefined;
  readonly #onDefinition: () => void;
  readonly #settings: Readonly<Record<string, string>>;
  /** What PREPARE gave a name, whatever became of it: a name used again stands for all of them. */
  readonly #prepared = new Map<string, Statement[]>();
  readonly #cursors = new Map<string, Statement[]>();
  /** Columns of tables that this session made under the veil: nothing protected is in them. */
  readonly #made = new Map<string, readonly string[]>();
  /** By the analysis; of the catalogue's revision it was made with. */
  #seen = new WeakMap<Analysis, StatementMatter>();
  #seenRevision = -1;
  /** What a text asks, with the functions of this database; by the analysis. */
  #plain = new WeakMap<Analysis, StatementMatter>();
  #plainRevision = -1;
  #inquiry: Promise<Inquiry> | undefined;

  constructor(
    sql: SqlReader,
    backing: Backing,
    settings: Readonly<Record<string, string>>,
    { catalogue: surveyed, routines }: Known,
    onDefinition: () => void,
  ) {
    this.#onDefinition = onDefinition;
    this.#sql = sql;
    this.#backing = backing;
    this.#settings = settings;
    this.#surveyed = surveyed;
    this.#routines = routines;
    const { veil } = backing;
    this.veiling =
      veil === undefined || surveyed === undefined
        ? undefined
        : {
            veil,
            get catalogue() {
              return surveyed.current;
            },
          };
  }

  read(text: string): StatementMatter | Promise<StatementMatter> {
    const analysis = this.#sql.read(text);
    return analysis instanceof Promise
      ? analysis.then((later) => this.#matter(text, later))
      : this.#matter(text, analysis);
  }

  #matter(text: string, analysis: Analysis): StatementMatter | Promise<StatementMatter> {
    const routines = this.#routines;
    if (routines?.isOld === true) return routines.renew().then(() => this.#judged(text, analysis));
    return this.#judged(text, analysis);
  }

  #judged(text: string, analysis: Analysis): StatementMatter | Promise<StatementMatter> {
    const names = this.#names(analysis);
    if (analysis.action.effects.some((effect) => defining.has(effect))) this.#onDefinition();
    const plain = names ? this.#resolved(text, analysis) : this.#plainly(text, analysis);
    const veiled = this.veiling === undefined ? plain : this.#veiled(plain, analysis, names);
    if (!this.#backing.estimates) return veiled;
    return this.#estimated(text, analysis, veiled);
  }

  /** Notes what the text names; true where it says or uses a name, so that it means something in this session only. */
  #names(analysis: Analysis): boolean {
    let naming = false;
    for (const statement of analysis.statements) {
      const { tag, prepares, executes } = statement;
      if (prepares !== undefined) note(this.#prepared, prepares, statement);
      if (tag === 'DeclareCursorStmt') note(this.#cursors, cursorName(statement), statement);
      naming ||= prepares !== undefined || executes !== undefined || tag === 'DeclareCursorStmt' || tag === 'FetchStmt';
    }
    return naming;
  }

  /** As every session reads it, but for what the functions of this database do. */
  #plainly(text: string, analysis: Analysis): StatementMatter {
    const matter = matterOf(text, analysis);
    const routines = this.#routines;
    if (routines === undefined) return matter;
    if (routines.revision !== this.#plainRevision) {
      this.#plain = new WeakMap();
      this.#plainRevision = routines.revision;
    }
    const known = this.#plain.get(analysis);
    if (known !== undefined) return known;
    const { action } = matter;
    const made = this.#calls(analysis.statements) ? { action: withEffects(action, ['call']), basis: {} } : matter;
    this.#plain.set(analysis, made);
    return made;
  }

  /** Whether statements run functions that may do anything. */
  #calls(statements: readonly Statement[]): boolean {
    const routines = this.#routines?.current;
    return routines !== undefined && statements.some((one) => routines.calls(one, this.#backing.isHarmlessFunction));
  }

  /** What is refused gives nothing a name. */
  #unname({ statements }: Analysis): void {
    for (const statement of statements) {
      if (statement.prepares !== undefined) drop(this.#prepared, statement.prepares, statement);
      if (statement.tag === 'DeclareCursorStmt') drop(this.#cursors, cursorName(statement), statement);
    }
  }

  /** EXECUTE does what was prepared under its name. */
  #resolved(text: string, analysis: Analysis): StatementMatter {
    const { action } = this.#plainly(text, analysis);
    const executed = analysis.statements.flatMap(({ executes }) =>
      executes === undefined ? [] : (this.#prepared.get(executes) ?? []),
    );
    if (executed.length === 0) return { action, basis: {} };
    const known = analysis.statements.every(({ executes }) => executes === undefined || this.#prepared.has(executes));
    const own = action.effects.filter((effect) => !known || effect !== 'execute');
    const inner = executed.flatMap(({ effects }) => effects.filter((effect) => effect !== 'prepare'));
    const called = this.#calls(executed) ? ['call'] : [];
    const effects = sorted([...own, ...inner, ...called] as Effect[]);
    const merged: Action = {
      ...action,
      effects,
      verb: effects[0] ?? 'unknown',
      tables: [...(action.tables ?? []), ...executed.flatMap(({ tables }) => tables)],
      hasWhere: (action.hasWhere ?? true) && executed.every(({ hasWhere }) => hasWhere),
      hasLimit: executed.every(({ hasLimit }) => hasLimit),
    };
    return { action: merged, basis: {} };
  }

  #veiled(plain: StatementMatter, analysis: Analysis, names: boolean): StatementMatter | Promise<StatementMatter> {
    const surveyed = this.#surveyed as Surveyed<Catalogue>;
    if (surveyed.isOld) return surveyed.renew().then(() => this.#seeThrough(plain, analysis, names));
    return this.#seeThrough(plain, analysis, names);
  }

  #seeThrough(plain: StatementMatter, analysis: Analysis, names: boolean): StatementMatter | Promise<StatementMatter> {
    const surveyed = this.#surveyed as Surveyed<Catalogue>;
    if (surveyed.revision !== this.#seenRevision) {
      this.#seen = new WeakMap();
      this.#seenRevision = surveyed.revision;
    }
    const known = names ? undefined : this.#seen.get(analysis);
    if (known !== undefined) return known;
    const lineages = this.#lineages(analysis);
    if (lineages.some(({ stale }) => stale) && surveyed.mayRenew) {
      return surveyed.renew().then(() => this.#weighed(plain, analysis, this.#lineages(analysis)));
    }
    return this.#weighed(plain, analysis, lineages);
  }

  #weighed(plain: StatementMatter, analysis: Analysis, lineages: readonly StatementLineage[]): StatementMatter {
    const { veil } = this.veiling as Veiling;
    const { exposure, results } = weigh(lineages, analysis.statements.map(copyOptions), veil);
    const matter: StatementMatter = { action: plain.action, basis: plain.basis, exposure, results };
    if (exposure.reveals !== undefined) this.#unname(analysis);
    else if (this.#makes(analysis)) return matter;
    this.#seen.set(analysis, matter);
    return matter;
  }

  /** Notes tables that a permitted text makes and drops; true where there are any: names may stand for others then. */
  #makes(analysis: Analysis): boolean {
    const { current } = this.#surveyed as Surveyed<Catalogue>;
    let changes = false;
    for (const statement of analysis.statements) {
      for (const name of droppedBy(statement)) changes = this.#made.delete(name) || changes;
      const made = madeBy(statement, madeFrom(statement, current, this.#scope(0)));
      if (made === undefined || this.#made.size >= MAX_NAMES) continue;
      this.#made.set(made.name, made.columns);
      changes = true;
    }
    if (changes) this.#seen = new WeakMap();
    return changes;
  }

  #lineages(analysis: Analysis): StatementLineage[] {
    const { current: catalogue } = this.#surveyed as Surveyed<Catalogue>;
    if (analysis.unreadable !== undefined) return [unreadable(analysis.unreadable)];
    return analysis.statements.map((statement) => lineageOf(statement, catalogue, this.#scope(0)));
  }

  /** Names that stand for several things stand for all of them. `depth`: an EXECUTE may execute what executes. */
  #scope(depth: number): Scope {
    const named = (names: ReadonlyMap<string, readonly Statement[]>, name: string): StatementLineage | undefined => {
      const statements = names.get(name);
      if (statements === undefined || depth > 8) return undefined;
      const { current: catalogue } = this.#surveyed as Surveyed<Catalogue>;
      return statements.map((one) => lineageOf(innerStatement(one), catalogue, this.#scope(depth + 1))).reduce(either);
    };
    return {
      searchPath: undefined,
      prepared: (name) => named(this.#prepared, name),
      cursor: (name) => named(this.#cursors, name),
      made: (name) => this.#made.get(name),
    };
  }

  async #estimated(
    text: string,
    analysis: Analysis,
    matter: StatementMatter | Promise<StatementMatter>,
  ): Promise<StatementMatter> {
    const known = await matter;
    const inquiry = await this.#ask().catch(() => undefined);
    if (inquiry === undefined) return known;
    const estimatedRows = await estimateRows(inquiry, text, analysis, this.#settings['search_path']);
    if (estimatedRows === undefined) return known;
    return { ...known, action: { ...known.action, estimatedRows } };
  }

  /** One inquiry a session, opened when it is first needed. */
  async #ask(): Promise<Inquiry> {
    const open = await this.#inquiry?.catch(() => undefined);
    if (open !== undefined && !open.closed) return open;
    const { side, signal } = this.#backing;
    this.#inquiry = side({ ...this.#settings, application_name: 'sallyport' }, signal).then((stream) => {
      const inquiry = new Inquiry(stream);
      signal.addEventListener('abort', () => inquiry.close(), { once: true });
      return inquiry;
    });
    return this.#inquiry;
  }
}

function withEffects(action: Action, more: readonly Effect[]): Action {
  const effects = sorted([...action.effects, ...more] as Effect[]);
  return { ...action, effects, verb: effects[0] ?? 'unknown' };
}

function matterOf(text: string, analysis: Analysis): StatementMatter {
  const known = matters.get(analysis);
  if (known !== undefined) return known;
  const { verb, effects, tables, hasWhere, hasLimit } = analysis.action;
  const action: Action = { kind: 'postgres.query', verb, effects, text, tables, hasWhere, hasLimit };
  const matter = { action, basis: analysis };
  matters.set(analysis, matter);
  return matter;
}

function note(names: Map<string, Statement[]>, name: string, statement: Statement): void {
  const known = names.get(name) ?? [];
  if (names.size >= MAX_NAMES || known.length >= MAX_NAMES) return;
  known.push(statement);
  names.set(name, known);
}

function drop(names: Map<string, Statement[]>, name: string, statement: Statement): void {
  const known = names.get(name);
  if (known?.at(-1) !== statement) return;
  known.pop();
  if (known.length === 0) names.delete(name);
}

function cursorName({ stmt }: Statement): string {
  const declare = stmt?.['DeclareCursorStmt'] as { portalname?: string } | undefined;
  return declare?.portalname ?? '';
}

/** What may be either of two: rows of nobody knows which. */
function either(one: StatementLineage, other: StatementLineage): StatementLineage {
  const outputs =
    one.outputs !== undefined && other.outputs !== undefined && one.outputs.length === other.outputs.length
      ? one.outputs.map((output, i) => {
          const twin = other.outputs?.[i] ?? output;
          return {
            ...output,
            sources: [...output.sources, ...twin.sources],
            exact: output.exact && twin.exact,
            unknown: output.unknown || twin.unknown,
            typeOid: output.typeOid === twin.typeOid ? output.typeOid : undefined,
          };
        })
      : undefined;
  return {
    ...one,
    returnsRows: one.returnsRows || other.returnsRows,
    outputs,
    observed: [...one.observed, ...other.observed],
    copied: [...one.copied, ...other.copied],
    opaque: one.opaque ?? other.opaque,
  };
}

const unreadable = (reason: string): StatementLineage => ({
  returnsRows: true,
  outputs: undefined,
  observed: [],
  copied: [],
  opaque: reason,
  stale: false,
});
