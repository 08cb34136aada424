import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { Unavailable } from '@sallyport/shared/errors/errors.ts';
import { Kysely, SqliteDialect } from 'kysely';
import type { Tables } from './schema.ts';

export type Database = Kysely<Tables>;

/** Statements that are kept prepared. */
const MAX_PREPARED = 200;

/** What kysely's SQLite dialect asks of a driver, over Node's own. */
class NodeSqlite {
  readonly #database: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  close(): void {
    this.#prepared.clear();
    this.#database.close();
  }

  prepare(sql: string) {
    const statement = this.#statement(sql);
    const values = (parameters: readonly unknown[]) => parameters as SQLInputValue[];
    return {
      reader: statement.columns().length > 0,
      all: (parameters: readonly unknown[]) => statement.all(...values(parameters)),
      run: (parameters: readonly unknown[]) => statement.run(...values(parameters)),
      iterate: (parameters: readonly unknown[]) =>
        statement.iterate(...values(parameters)) as IterableIterator<unknown>,
    };
  }

  #statement(sql: string): StatementSync {
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    if (this.#prepared.size >= MAX_PREPARED) this.#prepared.delete(this.#prepared.keys().next().value ?? '');
    this.#prepared.set(sql, statement);
    return statement;
  }
}

/** Opens the database file of a data folder; what is committed is on the disk. @throws Unavailable ERR_STORE_UNAVAILABLE */
export function openDatabase(dataDir: string): Database {
  const file = join(dataDir, 'store.sqlite');
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    const database = new DatabaseSync(file);
    chmodSync(file, 0o600);
    database.exec(
      'pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on; pragma secure_delete = on; pragma busy_timeout = 5000',
    );
    return new Kysely<Tables>({ dialect: new SqliteDialect({ database: new NodeSqlite(database) as never }) });
  } catch (error) {
    throw unavailable(error);
  }
}

/** Runs a piece of work with the database. @throws Unavailable ERR_STORE_UNAVAILABLE instead of the driver's error */
export async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof Unavailable ? error : unavailable(error);
  }
}

function unavailable(cause: unknown): Unavailable {
  const why = cause instanceof Error ? cause.message : String(cause);
  const message = `the store cannot be used: ${why}; check the data folder's disk and permissions`;
  return new Unavailable('store', 'ERR_STORE_UNAVAILABLE', message, { cause });
}
