import type { Selectable } from 'kysely';
import { type Database, guarded } from './database.ts';
import type { Tables } from './schema.ts';

interface Token {
  readonly id: string;
  readonly hash: string;
  readonly provider: string;
  readonly label: string | undefined;
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly revokedAt: number | undefined;
}

/** Hashes of the tokens that directories provision with. */
export class DirectoryTokens {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  addToken({ id, hash, provider, label, issuedAt, expiresAt, revokedAt }: Token): Promise<void> {
    const times = { issued_at: issuedAt, expires_at: expiresAt, revoked_at: revokedAt ?? null };
    return guarded(async () => {
      await this.#database
        .insertInto('directory_tokens')
        .values({ id, hash, provider, label: label ?? null, ...times })
        .execute();
    });
  }

  tokenByHash(hash: string): Promise<Token | undefined> {
    return guarded(async () => {
      const query = this.#database.selectFrom('directory_tokens').selectAll().where('hash', '=', hash);
      const row = await query.executeTakeFirst();
      return row && tokenOf(row);
    });
  }

  /** Newest first. */
  tokens(): Promise<readonly Token[]> {
    return guarded(async () => {
      const query = this.#database.selectFrom('directory_tokens').selectAll();
      return (await query.orderBy('issued_at', 'desc').orderBy('id').execute()).map(tokenOf);
    });
  }

  revokeToken(id: string, at: number): Promise<boolean> {
    return guarded(async () => {
      const update = this.#database.updateTable('directory_tokens').set({ revoked_at: at });
      const { numUpdatedRows } = await update.where('id', '=', id).where('revoked_at', 'is', null).executeTakeFirst();
      return numUpdatedRows > 0n;
    });
  }
}

const tokenOf = (row: Selectable<Tables['directory_tokens']>): Token => ({
  id: row.id,
  hash: row.hash,
  provider: row.provider,
  label: row.label ?? undefined,
  issuedAt: Number(row.issued_at),
  expiresAt: Number(row.expires_at),
  revokedAt: row.revoked_at === null ? undefined : Number(row.revoked_at),
});
