import { type Database, guarded } from './database.ts';

/** As much of a grant as finding it again needs; all of it is kept. */
interface Kept {
  readonly id: string;
  readonly principal: { readonly id: string };
  readonly state: string;
  readonly startsAt: number;
  readonly isBreakGlass: boolean;
  readonly review?: object;
}

/** Access for a time, each grant as one document. */
export class AccessGrantStore<Grant extends Kept> {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  putGrant(grant: Grant): Promise<void> {
    const { id, principal, state, startsAt, isBreakGlass, review } = grant;
    const values = {
      principal_id: principal.id,
      state,
      needs_review: isBreakGlass && review === undefined ? 1 : 0,
      starts_at: startsAt,
      body: JSON.stringify(grant),
    };
    return guarded(async () => {
      await this.#database
        .insertInto('access_grants')
        .values({ id, ...values })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
        .execute();
    });
  }

  grant(id: string): Promise<Grant | undefined> {
    return guarded(async () => {
      const row = await this.#database
        .selectFrom('access_grants')
        .select('body')
        .where('id', '=', id)
        .executeTakeFirst();
      return row && (JSON.parse(row.body) as Grant);
    });
  }

  /** Forgets what began before `before`, is over, and has been reviewed where it must be. */
  sweep(before: number): Promise<void> {
    return guarded(async () => {
      const removal = this.#database.deleteFrom('access_grants').where('starts_at', '<', before);
      await removal.where('state', '<>', 'active').where('needs_review', '=', 0).execute();
    });
  }

  /** Newest first. */
  grants(filter: {
    readonly active?: boolean;
    readonly unreviewed?: boolean;
    readonly principal?: string;
    readonly limit: number;
  }): Promise<readonly Grant[]> {
    const { active, unreviewed, principal, limit } = filter;
    return guarded(async () => {
      let query = this.#database.selectFrom('access_grants').select('body');
      if (active === true) query = query.where('state', '=', 'active');
      if (unreviewed === true) query = query.where('needs_review', '=', 1);
      if (principal !== undefined) query = query.where('principal_id', '=', principal);
      const rows = await query.orderBy('starts_at', 'desc').orderBy('id').limit(limit).execute();
      return rows.map(({ body }) => JSON.parse(body) as Grant);
    });
  }
}
