import type { Principal } from '@sallyport/shared/access/principal.ts';
import type { Selectable } from 'kysely';
import { type Database, guarded } from './database.ts';
import type { Tables } from './schema.ts';

interface Key {
  readonly id: string;
  readonly principal: Principal;
  readonly name: string;
  readonly type: string;
  readonly blob: string;
  readonly fingerprint: string;
  readonly addedAt: number;
  readonly addedFrom: string;
  readonly lastUsedAt: number | undefined;
  readonly lastUsedFrom: string | undefined;
}

/** Public keys that people registered. */
export class SshKeyStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** False where the key is registered already. */
  addKey({ id, principal, name, type, blob, fingerprint, addedAt, addedFrom }: Key): Promise<boolean> {
    return guarded(async () => {
      const { numInsertedOrUpdatedRows } = await this.#database
        .insertInto('ssh_keys')
        .values({
          ...{ id, name, type, blob, fingerprint },
          principal_id: principal.id,
          principal: JSON.stringify(principal),
          added_at: addedAt,
          added_from: addedFrom,
          last_used_at: null,
          last_used_from: null,
        })
        .onConflict((conflict) => conflict.column('fingerprint').doNothing())
        .executeTakeFirst();
      return (numInsertedOrUpdatedRows ?? 0n) > 0n;
    });
  }

  key(id: string): Promise<Key | undefined> {
    return this.#key('id', id);
  }

  keyByFingerprint(fingerprint: string): Promise<Key | undefined> {
    return this.#key('fingerprint', fingerprint);
  }

  keys(principalId?: string): Promise<readonly Key[]> {
    return guarded(async () => {
      let query = this.#database.selectFrom('ssh_keys').selectAll().orderBy('added_at', 'desc').orderBy('id');
      if (principalId !== undefined) query = query.where('principal_id', '=', principalId);
      return (await query.execute()).map(keyOf);
    });
  }

  removeKey(id: string): Promise<boolean> {
    return guarded(async () => {
      const { numDeletedRows } = await this.#database.deleteFrom('ssh_keys').where('id', '=', id).executeTakeFirst();
      return numDeletedRows > 0n;
    });
  }

  usedKey(id: string, at: number, address: string): Promise<void> {
    return guarded(async () => {
      const update = this.#database.updateTable('ssh_keys').set({ last_used_at: at, last_used_from: address });
      await update.where('id', '=', id).execute();
    });
  }

  #key(column: 'id' | 'fingerprint', value: string): Promise<Key | undefined> {
    return guarded(async () => {
      const row = await this.#database.selectFrom('ssh_keys').selectAll().where(column, '=', value).executeTakeFirst();
      return row && keyOf(row);
    });
  }
}

const keyOf = (row: Selectable<Tables['ssh_keys']>): Key => ({
  id: row.id,
  principal: JSON.parse(row.principal) as Principal,
  name: row.name,
  type: row.type,
  blob: row.blob,
  fingerprint: row.fingerprint,
  addedAt: Number(row.added_at),
  addedFrom: row.added_from,
  lastUsedAt: row.last_used_at === null ? undefined : Number(row.last_used_at),
  lastUsedFrom: row.last_used_from ?? undefined,
});
