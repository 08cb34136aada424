import { type Database, guarded } from './database.ts';
import type { Tables } from './schema.ts';
import { isSealed, type Keyring } from './sealing/keyring.ts';

/** Something that somebody holds the secret of; `hash` is all that is kept of it. */
interface Grant<Kind extends string, Body> {
  readonly kind: Kind;
  readonly hash: string;
  readonly family: string;
  readonly owner: string | undefined;
  readonly sid: string | undefined;
  readonly body: Body;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** Grants with their bodies sealed: some hold refresh tokens of identity providers. */
export class GrantStore<Kind extends string, Body> {
  readonly #database: Database;
  readonly #keyring: Keyring;

  constructor(database: Database, keyring: Keyring) {
    this.#database = database;
    this.#keyring = keyring;
  }

  put({ kind, hash, family, owner, sid, body, expiresAt }: Grant<Kind, Body>): Promise<void> {
    const text = JSON.stringify(body);
    const row = {
      kind,
      hash,
      family,
      owner: owner ?? null,
      sid: sid ?? null,
      body: body === null ? text : this.#keyring.seal(text, ['grant', kind, hash]),
      expires_at: expiresAt,
    };
    return guarded(async () => {
      await this.#database.insertInto('grants').values(row).execute();
    });
  }

  find(kind: Kind, hash: string): Promise<Grant<Kind, Body> | undefined> {
    return guarded(async () => {
      const row = await this.#database
        .selectFrom('grants')
        .selectAll()
        .where('kind', '=', kind)
        .where('hash', '=', hash)
        .executeTakeFirst();
      return row && this.#grantOf(row);
    });
  }

  take(kind: Kind, hash: string): Promise<Grant<Kind, Body> | undefined> {
    return guarded(async () => {
      const row = await this.#database
        .deleteFrom('grants')
        .where('kind', '=', kind)
        .where('hash', '=', hash)
        .returningAll()
        .executeTakeFirst();
      return row && this.#grantOf(row);
    });
  }

  family(family: string): Promise<readonly Grant<Kind, Body>[]> {
    return guarded(async () => {
      const rows = await this.#database.selectFrom('grants').selectAll().where('family', '=', family).execute();
      return rows.map((row) => this.#grantOf(row));
    });
  }

  removeFamily(family: string): Promise<void> {
    return guarded(async () => {
      await this.#database.deleteFrom('grants').where('family', '=', family).where('kind', '<>', 'spent').execute();
    });
  }

  familiesOf(
    match: { readonly owner: string } | { readonly sid: string; readonly ownerPrefix: string },
  ): Promise<readonly string[]> {
    return guarded(async () => {
      const all = this.#database.selectFrom('grants').select('family').where('kind', '=', 'browser');
      const found =
        'sid' in match
          ? all
              .where('sid', '=', match.sid)
              .where((one) =>
                one(one.fn('substr', ['owner', one.val(1), one.val(match.ownerPrefix.length)]), '=', match.ownerPrefix),
              )
          : all.where('owner', '=', match.owner);
      return (await found.execute()).map(({ family }) => family);
    });
  }

  count(kind: Kind): Promise<number> {
    return guarded(async () => {
      const row = await this.#database
        .selectFrom('grants')
        .select((one) => one.fn.countAll().as('count'))
        .where('kind', '=', kind)
        .executeTakeFirst();
      return Number(row?.count ?? 0);
    });
  }

  sweep(at: number): Promise<void> {
    return guarded(async () => {
      await this.#database.deleteFrom('grants').where('expires_at', '<', at).execute();
    });
  }

  #grantOf({ kind, hash, family, owner, sid, body, expires_at }: Tables['grants']): Grant<Kind, Body> {
    const text = isSealed(body) ? this.#keyring.open(body, ['grant', kind, hash]) : body;
    return {
      kind: kind as Kind,
      hash,
      family,
      owner: owner ?? undefined,
      sid: sid ?? undefined,
      body: JSON.parse(text),
      expiresAt: Number(expires_at),
    };
  }
}
