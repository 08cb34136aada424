import type { Selectable } from 'kysely';
import { type Database, guarded } from './database.ts';
import type { Tables } from './schema.ts';

type Concern = 'expiring' | 'expired' | 'unused';

interface Secret {
  readonly id: string;
  readonly hash: string;
  readonly service: string;
  readonly label: string | undefined;
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly revokedAt: number | undefined;
  readonly usedAt: number | undefined;
  readonly usedFrom: string | undefined;
  readonly warned: Concern | undefined;
}

/** The hashes of service accounts' secrets, and what became of them. */
export class ServiceSecretStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  add({ id, hash, service, label, issuedAt, expiresAt }: Secret): Promise<void> {
    const times = { issued_at: issuedAt, expires_at: expiresAt, revoked_at: null };
    const unused = { used_at: null, used_from: null, warned: null };
    return guarded(async () => {
      await this.#database
        .insertInto('service_secrets')
        .values({ id, hash, service, label: label ?? null, ...times, ...unused })
        .execute();
    });
  }

  byHash(hash: string): Promise<Secret | undefined> {
    return this.#one('hash', hash);
  }

  byId(id: string): Promise<Secret | undefined> {
    return this.#one('id', id);
  }

  list(service?: string): Promise<readonly Secret[]> {
    return guarded(async () => {
      const all = this.#database.selectFrom('service_secrets').selectAll().orderBy('issued_at', 'desc').orderBy('id');
      const found = service === undefined ? all : all.where('service', '=', service);
      return (await found.execute()).map(secretOf);
    });
  }

  revoke(id: string, at: number): Promise<boolean> {
    return guarded(async () => {
      const update = this.#database.updateTable('service_secrets').set({ revoked_at: at });
      const { numUpdatedRows } = await update.where('id', '=', id).where('revoked_at', 'is', null).executeTakeFirst();
      return numUpdatedRows > 0n;
    });
  }

  noteUse(id: string, at: number, from: string): Promise<void> {
    return this.#set(id, { used_at: at, used_from: from, warned: null });
  }

  noteWarning(id: string, of: Concern): Promise<void> {
    return this.#set(id, { warned: of });
  }

  sweep(before: number): Promise<void> {
    return guarded(async () => {
      await this.#database.deleteFrom('service_secrets').where('expires_at', '<', before).execute();
      await this.#database.deleteFrom('service_secrets').where('revoked_at', '<', before).execute();
    });
  }

  #set(id: string, values: Partial<Tables['service_secrets']>): Promise<void> {
    return guarded(async () => {
      await this.#database.updateTable('service_secrets').set(values).where('id', '=', id).execute();
    });
  }

  #one(column: 'id' | 'hash', value: string): Promise<Secret | undefined> {
    return guarded(async () => {
      const all = this.#database.selectFrom('service_secrets').selectAll();
      const row = await all.where(column, '=', value).executeTakeFirst();
      return row && secretOf(row);
    });
  }
}

const secretOf = (row: Selectable<Tables['service_secrets']>): Secret => ({
  id: row.id,
  hash: row.hash,
  service: row.service,
  label: row.label ?? undefined,
  issuedAt: Number(row.issued_at),
  expiresAt: Number(row.expires_at),
  revokedAt: row.revoked_at === null ? undefined : Number(row.revoked_at),
  usedAt: row.used_at === null ? undefined : Number(row.used_at),
  usedFrom: row.used_from ?? undefined,
  warned: (row.warned as Concern | null) ?? undefined,
});
