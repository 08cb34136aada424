import { type Database, guarded } from './database.ts';

/** Requests for access that wait, each as one document, by the id of its approval. */
export class AccessRequestStore<Kept> {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  putRequest(id: string, kept: Kept): Promise<void> {
    const body = JSON.stringify(kept);
    return guarded(async () => {
      await this.#database
        .insertInto('access_requests')
        .values({ id, body })
        .onConflict((conflict) => conflict.column('id').doUpdateSet({ body }))
        .execute();
    });
  }

  removeRequest(id: string): Promise<void> {
    return guarded(async () => {
      await this.#database.deleteFrom('access_requests').where('id', '=', id).execute();
    });
  }

  requests(): Promise<readonly { readonly id: string; readonly kept: Kept }[]> {
    return guarded(async () => {
      const rows = await this.#database.selectFrom('access_requests').selectAll().orderBy('id').execute();
      return rows.map(({ id, body }) => ({ id, kept: JSON.parse(body) as Kept }));
    });
  }
}
