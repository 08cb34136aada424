/** What a tool sends, in order, in one session; the whole is taken back at its end. */
export interface OrdinaryTool {
  readonly name: string;
  readonly statements: readonly OrdinaryStatement[];
  /** Startup parameters that it sends. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A text alone is sent as a simple and as an extended query; one with parameters as an extended one. */
export type OrdinaryStatement = string | { readonly sql: string; readonly parameters: readonly (string | null)[] };

export const sqlOf = (statement: OrdinaryStatement): string =>
  typeof statement === 'string' ? statement : statement.sql;

export const parametersOf = (statement: OrdinaryStatement): readonly (string | null)[] =>
  typeof statement === 'string' ? [] : statement.parameters;
