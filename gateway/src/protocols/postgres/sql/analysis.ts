import type { Relation } from '@sallyport/shared/access/action.ts';

/** A node of the syntax tree as libpg_query's JSON has it: `{ SelectStmt: { … } }`, or a bare field's object. */
export type Node = { readonly [field: string]: unknown };

/** What a text asks, in the words of an Action. */
export interface Reading {
  /** The most consequential effect, by the order in effects.ts; `unknown` where the text could not be read. */
  readonly verb: string;
  /** Most consequential first. */
  readonly effects: readonly string[];
  /** Every relation that is read or written; names of CTEs are not relations. */
  readonly tables: readonly Relation[];
  /** Those of `tables` that are changed, made or dropped. */
  readonly writes: readonly Relation[];
  /**
   * Every SELECT, UPDATE and DELETE that touches a table has a WHERE of its own that restricts: one without a column,
   * `true`, `1=1` and `id = id` count as none. MERGE, TRUNCATE and COPY of a table have none. True where no table is.
   */
  readonly hasWhere: boolean;
  /** There is a SELECT and each one at the top level has a LIMIT that is not ALL. */
  readonly hasLimit: boolean;
}

export interface Statement extends Reading {
  /** The node's type: `SelectStmt`, `CopyStmt`, … */
  readonly tag: string;
  /** Absent where the tree is too deep or too large to keep: its lineage is then unknown. */
  readonly stmt: Node | undefined;
  /** Where the statement lies in the text: UTF-8 bytes, as the parser counts; a length of 0 means up to the end. */
  readonly locationBytes: number;
  readonly lengthBytes: number;
  /** Called functions, lower case, with their schema where one was written. */
  readonly functions: readonly string[];
  /** Names of operators, of types that are cast to, and of fields that are picked; lower case, without a schema. */
  readonly operators: readonly string[];
  readonly types: readonly string[];
  readonly fields: readonly string[];
  /** The prepared statement's name where this is PREPARE or EXECUTE. */
  readonly prepares?: string;
  readonly executes?: string;
}

export interface Analysis {
  readonly action: Reading;
  readonly statements: readonly Statement[];
  /** Why the text could not be read; the verb is `unknown` then. For a person. */
  readonly unreadable?: string;
}

/** The analysis of a text that nobody could read. */
export function unreadable(reason: string): Analysis {
  const action: Reading = {
    verb: 'unknown',
    effects: ['unknown'],
    tables: [],
    writes: [],
    hasWhere: false,
    hasLimit: false,
  };
  return { action, statements: [], unreadable: reason };
}
