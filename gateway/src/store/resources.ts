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

/** What may be reached and by whom, as it was applied. */
export class ResourceStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** All or none. */
  put(resources: readonly PutResource[]): Promise<void> {
    return guarded(() =>
      this.#database.transaction().execute(async (transaction) => {
        for (const { kind, name, spec, source, at } of resources) {
          const values = { spec: JSON.stringify(spec), source: source ?? null, updated_at: at };
          await transaction
            .insertInto('resources')
            .values({ kind, name, ...values })
            .onConflict((conflict) => conflict.columns(['kind', 'name']).doUpdateSet(values))
            .execute();
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
