import { type Database, guarded } from './database.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export interface StoredResource {
  readonly kind: string;
  readonly name: string;
  readonly spec: { readonly [key: string]: Json };
  /** Who keeps it up to date, where that is not a person. */
  readonly source: string | undefined;
  /** Milliseconds since the epoch. */
  readonly updatedAt: number;
}

/** A resource on its way in. */
export type PutResource = Pick<StoredResource, 'kind' | 'name' | 'spec'> & {
  readonly source?: string;
  readonly at: number;
};

/** Somebody who is changed together with the resource of the same name. */
interface PutUser {
  readonly name: string;
  readonly groups: readonly string[];
  readonly passwordHash: string | undefined;
}

/** What happens together or not at all. */
export interface ResourceChange {
  readonly put: readonly PutResource[];
  readonly remove: readonly { readonly kind: string; readonly name: string }[];
  readonly users: readonly PutUser[];
}

/** What may be reached and by whom, as it was applied. */
export class ResourceStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** All or none. */
  put(resources: readonly PutResource[]): Promise<void> {
    return this.change({ put: resources, remove: [], users: [] });
  }

  /** All or none; a removed User goes with its resource. */
  change({ put, remove, users }: ResourceChange): Promise<void> {
    return guarded(() =>
      this.#database.transaction().execute(async (transaction) => {
        for (const user of users) await putUser(transaction, user);
        for (const one of put) await putResource(transaction, one);
        for (const { kind, name } of remove) {
          await transaction.deleteFrom('resources').where('kind', '=', kind).where('name', '=', name).execute();
          if (kind === 'User') await transaction.deleteFrom('users').where('name', '=', name).execute();
        }
        await grow(transaction);
      }),
    );
  }

  /** The same resource with its spec in another form, unless somebody changed it meanwhile: nobody has to look again. */
  respec(kind: string, name: string, was: StoredResource['spec'], spec: StoredResource['spec']): Promise<void> {
    return guarded(async () => {
      await this.#database
        .updateTable('resources')
        .set({ spec: JSON.stringify(spec) })
        .where('kind', '=', kind)
        .where('name', '=', name)
        .where('spec', '=', JSON.stringify(was))
        .execute();
    });
  }

  /** False where there is none. */
  remove(kind: string, name: string): Promise<boolean> {
    return guarded(() =>
      this.#database.transaction().execute(async (transaction) => {
        const removal = transaction.deleteFrom('resources').where('kind', '=', kind).where('name', '=', name);
        const { numDeletedRows } = await removal.executeTakeFirst();
        await grow(transaction);
        return numDeletedRows > 0n;
      }),
    );
  }

  /** By kind, then name. */
  list(kind?: string): Promise<readonly StoredResource[]> {
    return guarded(async () => {
      let query = this.#database.selectFrom('resources').selectAll().orderBy('kind').orderBy('name');
      if (kind !== undefined) query = query.where('kind', '=', kind);
      return (await query.execute()).map(resourceOf);
    });
  }

  get(kind: string, name: string): Promise<StoredResource | undefined> {
    return guarded(async () => {
      const query = this.#database
        .selectFrom('resources')
        .selectAll()
        .where('kind', '=', kind)
        .where('name', '=', name);
      const row = await query.executeTakeFirst();
      return row && resourceOf(row);
    });
  }

  /** Grows with each change. */
  revision(): Promise<number> {
    return guarded(async () => {
      const query = this.#database.selectFrom('revisions').select('value').where('name', '=', 'resources');
      return Number((await query.executeTakeFirst())?.value ?? 0);
    });
  }
}

async function putUser(database: Database, { name, groups, passwordHash }: PutUser): Promise<void> {
  const values = { groups: JSON.stringify(groups), password_hash: passwordHash ?? null };
  await database
    .insertInto('users')
    .values({ name, ...values })
    .onConflict((conflict) => conflict.column('name').doUpdateSet(values))
    .execute();
}

async function putResource(database: Database, { kind, name, spec, source, at }: PutResource): Promise<void> {
  const values = { spec: JSON.stringify(spec), source: source ?? null, updated_at: at };
  await database
    .insertInto('resources')
    .values({ kind, name, ...values })
    .onConflict((conflict) => conflict.columns(['kind', 'name']).doUpdateSet(values))
    .execute();
}

async function grow(database: Database): Promise<void> {
  await database
    .insertInto('revisions')
    .values({ name: 'resources', value: 1 })
    .onConflict((conflict) => conflict.column('name').doUpdateSet((set) => ({ value: set('revisions.value', '+', 1) })))
    .execute();
}

function resourceOf(row: {
  kind: string;
  name: string;
  spec: string;
  source: string | null;
  updated_at: number;
}): StoredResource {
  const { kind, name, source } = row;
  const spec = JSON.parse(row.spec) as StoredResource['spec'];
  return { kind, name, spec, source: source ?? undefined, updatedAt: Number(row.updated_at) };
}
