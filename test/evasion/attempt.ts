import type { WireClient } from '../harness/wire-client.ts';

/** How a statement is sent where an attempt does not say it itself. */
export const ways = ['query', 'text', 'binary', 'undescribed', 'cursor', 'copy'] as const;
export type Way = (typeof ways)[number];

/**
 * What must come of an attempt; whatever it is, no canary may come, and both worlds must answer with the same bytes.
 * - `refused`: an error 42501 that names a mask or a rule.
 * - `answered`: no error; where it selects, rows with the protected values replaced.
 * - `silent`: anything, as long as it tells nothing. For what PostgreSQL itself refuses, or where both are right.
 */
export type Expectation = 'refused' | 'answered' | 'silent';

/** What goes beyond statements: raw messages, several connections, a cancel. */
export type Scene = (client: WireClient, open: Open) => Promise<void>;
/** A further connection to the same world as the same person; ended with the attempt. */
export interface Open {
  (settings?: Readonly<Record<string, string>>): Promise<WireClient>;
  /** Connected, nothing sent; for startups of its own. */
  bare(): WireClient;
  /** What a bare one logs in with. */
  readonly login: { readonly database: string; readonly password: string };
}

export interface Attempt {
  /** Said where it fails; its first statement where absent. */
  readonly title?: string;
  /** Statements, one after the other, in one session. The last one is sent in each of `ways`, the others as simple queries. */
  readonly steps?: readonly string[];
  readonly scene?: Scene;
  readonly expect?: Expectation;
  /** Default: query, text, binary. `cursor` and `copy` wrap the last statement: it must be a plain SELECT or VALUES. */
  readonly ways?: readonly Way[];
  /** It runs as it is; otherwise each run is between BEGIN and ROLLBACK. */
  readonly bare?: true;
  /** Run directly in the target's database after a `bare` attempt. */
  readonly restore?: string;
  /** Startup parameters of its connection. */
  readonly settings?: Readonly<Record<string, string>>;
  /** What the worlds' answers differ in by nature (clock, random numbers, positions in the log): they are not compared. */
  readonly varies?: string;
}

/**
 * One class of attempts. `vault`: a superuser's connection behind masks; nothing protected may be told. `ledger`: a
 * superuser's connection without masks, where rules refuse effects; nothing may be changed. See worlds.ts for both.
 */
export interface AttemptClass {
  readonly name: string;
  readonly against: 'vault' | 'ledger';
  /** A text alone is `{ steps: [text] }`. */
  readonly attempts: readonly (string | Attempt)[];
}

/** Every text with the same expectation. */
export const expecting = (expect: Expectation, texts: readonly string[], rest: Partial<Attempt> = {}): Attempt[] =>
  texts.map((text) => ({ ...rest, steps: [text], expect }));
