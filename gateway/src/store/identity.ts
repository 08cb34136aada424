import type { Principal } from '@sallyport/shared/access/principal.ts';
import type { Selectable } from 'kysely';
import { type Database, guarded } from './database.ts';
import type { Tables } from './schema.ts';

interface User {
  readonly name: string;
  readonly groups: readonly string[];
  readonly passwordHash: string | undefined;
}

interface Token {
  readonly id: string;
  readonly hash: string;
  readonly principal: Principal;
  readonly connection: string | undefined;
  readonly label: string | undefined;
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly revokedAt: number | undefined;
  readonly parents?: readonly string[];
  readonly sources?: readonly (readonly string[])[];
}

/** Users and the hashes of tokens. */
export class IdentityStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  user(name: string): Promise<User | undefined> {
    return guarded(async () => {
      const row = await this.#database.selectFrom('users').selectAll().where('name', '=', name).executeTakeFirst();
      return row && userOf(row);
    });
  }

  users(): Promise<readonly User[]> {
    return guarded(async () => {
      const rows = await this.#database.selectFrom('users').selectAll().orderBy('name').execute();
      return rows.map(userOf);
    });
  }

  putUser({ name, groups, passwordHash }: User): Promise<void> {
    const values = { groups: JSON.stringify(groups), password_hash: passwordHash ?? null };
    return guarded(async () => {
      await this.#database
        .insertInto('users')
        .values({ name, ...values })
        .onConflict((conflict) => conflict.column('name').doUpdateSet(values))
        .execute();
    });
  }

  removeUser(name: string): Promise<boolean> {
    return guarded(async () => {
      const { numDeletedRows } = await this.#database.deleteFrom('users').where('name', '=', name).executeTakeFirst();
      return numDeletedRows > 0n;
    });
  }

  addToken(token: Token): Promise<void> {
    const { id, hash, principal, connection, label, issuedAt, expiresAt, revokedAt, parents, sources } = token;
    return guarded(async () => {
      await this.#database
        .insertInto('tokens')
        .values({
          id,
          hash,
          principal_id: principal.id,
          principal: JSON.stringify(principal),
          connection: connection ?? null,
          label: label ?? null,
          issued_at: issuedAt,
          expires_at: expiresAt,
          revoked_at: revokedAt ?? null,
          sources: sources === undefined ? null : JSON.stringify(sources),
          parents: parents === undefined ? null : JSON.stringify(parents),
        })
        .execute();
    });
  }

  tokenByHash(hash: string): Promise<Token | undefined> {
    return this.#token('hash', hash);
  }

  token(id: string): Promise<Token | undefined> {
    return this.#token('id', id);
  }

  tokens(principalId?: string): Promise<readonly Token[]> {
    return guarded(async () => {
      let query = this.#database.selectFrom('tokens').selectAll().orderBy('issued_at', 'desc').orderBy('id');
      if (principalId !== undefined) query = query.where('principal_id', '=', principalId);
      return (await query.execute()).map(tokenOf);
    });
  }

  livingTokens(principalPrefix: string, at: number): Promise<readonly Token[]> {
    return guarded(async () => {
      const query = this.#database.selectFrom('tokens').selectAll().where('revoked_at', 'is', null);
      // `like` has marks of its own, and case is not its matter everywhere: what it lets through is looked at again.
      const pattern = `${principalPrefix.replace(/[%_].*$/s, '')}%`;
      const rows = await query.where('expires_at', '>', at).where('principal_id', 'like', pattern).execute();
      return rows.map(tokenOf).filter(({ principal }) => principal.id.startsWith(principalPrefix));
    });
  }

  tokensMadeOf(id: string): Promise<readonly Token[]> {
    return guarded(async () => {
      const rows = await this.#database
        .selectFrom('tokens')
        .selectAll()
        .where('parents', 'is not', null)
        .where('parents', 'like', `%${JSON.stringify(id).replace(/[%_]/g, '_')}%`)
        .execute();
      return rows.map(tokenOf).filter(({ parents = [] }) => parents.includes(id));
    });
  }

  revokeToken(id: string, at: number): Promise<boolean> {
    return guarded(async () => {
      const update = this.#database.updateTable('tokens').set({ revoked_at: at });
      const { numUpdatedRows } = await update.where('id', '=', id).where('revoked_at', 'is', null).executeTakeFirst();
      return numUpdatedRows > 0n;
    });
  }

  sweepTokens(before: number): Promise<void> {
    return guarded(async () => {
      await this.#database.deleteFrom('tokens').where('expires_at', '<', before).execute();
    });
  }

  #token(column: 'id' | 'hash', value: string): Promise<Token | undefined> {
    return guarded(async () => {
      const row = await this.#database.selectFrom('tokens').selectAll().where(column, '=', value).executeTakeFirst();
      return row && tokenOf(row);
    });
  }
}

const userOf = (row: Selectable<Tables['users']>): User => ({
  name: row.name,
  groups: JSON.parse(row.groups) as string[],
  passwordHash: row.password_hash ?? undefined,
});

const tokenOf = (row: Selectable<Tables['tokens']>): Token => ({
  id: row.id,
  hash: row.hash,
  principal: JSON.parse(row.principal) as Principal,
  connection: row.connection ?? undefined,
  label: row.label ?? undefined,
  issuedAt: Number(row.issued_at),
  expiresAt: Number(row.expires_at),
  revokedAt: row.revoked_at === null ? undefined : Number(row.revoked_at),
  ...(row.parents === null ? {} : { parents: JSON.parse(row.parents) as string[] }),
  ...(row.sources === null ? {} : { sources: JSON.parse(row.sources) as string[][] }),
});
