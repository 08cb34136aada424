import type { HttpFacts } from './http.ts';

/** A relation that an action reads or changes. `schema` is absent where the statement did not name one. */
export interface Relation {
  readonly schema?: string;
  readonly name: string;
}

/** What is asked, in words that rules can judge. Everything here is told to the audit stream: no secret, no result. */
export interface Action {
  /** The event's type in the field's words: `session.open`, `postgres.query`, `postgres.execute`, `ssh.exec`, … */
  readonly kind: string;
  /**
   * The most consequential effect, lower case: `select`, `insert`, `update`, `delete`, `merge`, `truncate`, `create`,
   * `alter`, `drop`, `grant`, `copy`, `call`, `do`, `set`, `transaction`, …; `unknown` where it could not be read.
   */
  readonly verb: string;
  /** Every effect that the action has, `verb` among them. */
  readonly effects: readonly string[];
  /** The statement or command as it was sent. */
  readonly text?: string;
  readonly tables?: readonly Relation[];
  readonly hasWhere?: boolean;
  readonly hasLimit?: boolean;
  /** Bind parameters as text; undefined is SQL NULL. */
  readonly parameters?: readonly (string | undefined)[];
  /** Files that it names, as a server would where nothing is a link. */
  readonly paths?: readonly string[];
  /** Whether a terminal was asked for: what is typed there is read as advice only. */
  readonly pty?: boolean;
  /** The planner's estimate; filled in only where a rule asks for it. */
  readonly estimatedRows?: number;
  /** Of a request over HTTP. */
  readonly http?: HttpFacts;
}
