import type { Selectable } from 'kysely';
import { type Database, guarded } from './database.ts';
import { DirectoryTokens } from './directory-tokens.ts';
import type { Tables } from './schema.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

interface Provisioned {
  readonly id: string;
  readonly provider: string;
  readonly externalId: string | undefined;
  readonly version: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

interface User extends Provisioned {
  readonly userName: string;
  readonly active: boolean;
  readonly attributes: { readonly [name: string]: Json };
}

interface Group extends Provisioned {
  readonly displayName: string;
}

interface Named {
  readonly id: string;
  readonly name: string;
}

interface Page {
  /** Ids greater than this. */
  readonly after: string;
  readonly limit: number;
}

/** Rows that one statement names; SQLite's own limit on parameters is far above. */
const BATCH = 500;

const keyOf = (name: string): string => name.toLowerCase();

/** People and groups of directories, and who is in which. */
export class DirectoryStore extends DirectoryTokens {
  readonly #database: Database;

  constructor(database: Database) {
    super(database);
    this.#database = database;
  }

  user(provider: string, id: string): Promise<User | undefined> {
    return guarded(async () => {
      const query = this.#database.selectFrom('directory_users').selectAll().where('provider', '=', provider);
      const row = await query.where('id', '=', id).executeTakeFirst();
      return row && userOf(row);
    });
  }

  /** At most two. */
  usersBy(
    provider: string,
    key: { readonly userName: string } | { readonly externalId: string },
  ): Promise<readonly User[]> {
    return guarded(async () => {
      const query = this.#database.selectFrom('directory_users').selectAll().where('provider', '=', provider).limit(2);
      const found =
        'userName' in key
          ? query.where('name_key', '=', keyOf(key.userName))
          : query.where('external_id', '=', key.externalId);
      return (await found.execute()).map(userOf);
    });
  }

  users(provider: string, { after, limit }: Page): Promise<readonly User[]> {
    return guarded(async () => {
      const query = this.#database.selectFrom('directory_users').selectAll().where('provider', '=', provider);
      return (await query.where('id', '>', after).orderBy('id').limit(limit).execute()).map(userOf);
    });
  }

  countUsers(provider: string): Promise<number> {
    return this.#count('directory_users', provider);
  }

  putUser(user: User): Promise<void> {
    const { userName, active, attributes } = user;
    const values = {
      ...valuesOf(user, userName),
      user_name: userName,
      active: active ? 1 : 0,
      attributes: JSON.stringify(attributes),
    };
    return guarded(async () => {
      await this.#database
        .insertInto('directory_users')
        .values({ id: user.id, ...values })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
        .execute();
    });
  }

  removeUser(provider: string, id: string): Promise<void> {
    return guarded(() =>
      this.#database.transaction().execute(async (transaction) => {
        const removal = transaction.deleteFrom('directory_users').where('provider', '=', provider);
        const { numDeletedRows } = await removal.where('id', '=', id).executeTakeFirst();
        if (numDeletedRows > 0n) await transaction.deleteFrom('directory_members').where('user_id', '=', id).execute();
      }),
    );
  }

  group(provider: string, id: string): Promise<Group | undefined> {
    return guarded(async () => {
      const query = this.#database.selectFrom('directory_groups').selectAll().where('provider', '=', provider);
      const row = await query.where('id', '=', id).executeTakeFirst();
      return row && groupOf(row);
    });
  }

  groupBy(provider: string, displayName: string): Promise<Group | undefined> {
    return guarded(async () => {
      const query = this.#database.selectFrom('directory_groups').selectAll().where('provider', '=', provider);
      const row = await query.where('name_key', '=', keyOf(displayName)).executeTakeFirst();
      return row && groupOf(row);
    });
  }

  groups(provider: string, { after, limit }: Page): Promise<readonly Group[]> {
    return guarded(async () => {
      const query = this.#database.selectFrom('directory_groups').selectAll().where('provider', '=', provider);
      return (await query.where('id', '>', after).orderBy('id').limit(limit).execute()).map(groupOf);
    });
  }

  countGroups(provider: string): Promise<number> {
    return this.#count('directory_groups', provider);
  }

  /** The group and the changes of its members, or neither. */
  putGroup(
    group: Group,
    { added, removed }: { readonly added: readonly string[]; readonly removed: readonly string[] } = {
      added: [],
      removed: [],
    },
  ): Promise<void> {
    const { id, displayName } = group;
    const values = { ...valuesOf(group, displayName), display_name: displayName, active: 1, attributes: '{}' };
    return guarded(() =>
      this.#database.transaction().execute(async (transaction) => {
        await transaction
          .insertInto('directory_groups')
          .values({ id, ...values })
          .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
          .execute();
        for (const some of batches(removed)) {
          const removal = transaction.deleteFrom('directory_members').where('group_id', '=', id);
          await removal.where('user_id', 'in', some).execute();
        }
        for (const some of batches(added)) {
          await transaction
            .insertInto('directory_members')
            .values(some.map((user_id) => ({ group_id: id, user_id })))
            .onConflict((conflict) => conflict.doNothing())
            .execute();
        }
      }),
    );
  }

  removeGroup(provider: string, id: string): Promise<void> {
    return guarded(() =>
      this.#database.transaction().execute(async (transaction) => {
        const removal = transaction.deleteFrom('directory_groups').where('provider', '=', provider);
        const { numDeletedRows } = await removal.where('id', '=', id).executeTakeFirst();
        if (numDeletedRows > 0n) await transaction.deleteFrom('directory_members').where('group_id', '=', id).execute();
      }),
    );
  }

  members(groupId: string): Promise<readonly Named[]> {
    return guarded(() =>
      this.#database
        .selectFrom('directory_members')
        .innerJoin('directory_users', 'directory_users.id', 'directory_members.user_id')
        .select(['directory_users.id as id', 'directory_users.user_name as name'])
        .where('directory_members.group_id', '=', groupId)
        .orderBy('directory_users.id')
        .execute(),
    );
  }

  groupsOf(userId: string): Promise<readonly Named[]> {
    return guarded(() =>
      this.#database
        .selectFrom('directory_members')
        .innerJoin('directory_groups', 'directory_groups.id', 'directory_members.group_id')
        .select(['directory_groups.id as id', 'directory_groups.display_name as name'])
        .where('directory_members.user_id', '=', userId)
        .orderBy('directory_groups.name_key')
        .execute(),
    );
  }

  knownUsers(provider: string, ids: readonly string[]): Promise<ReadonlySet<string>> {
    return guarded(async () => {
      const known = new Set<string>();
      for (const some of batches(ids)) {
        const query = this.#database.selectFrom('directory_users').select('id').where('provider', '=', provider);
        for (const { id } of await query.where('id', 'in', some).execute()) known.add(id);
      }
      return known;
    });
  }

  #count(table: 'directory_users' | 'directory_groups', provider: string): Promise<number> {
    return guarded(async () => {
      const query = this.#database.selectFrom(table).select((of) => of.fn.countAll().as('n'));
      return Number((await query.where('provider', '=', provider).executeTakeFirst())?.n ?? 0);
    });
  }
}

function* batches(ids: readonly string[]): Generator<readonly string[]> {
  for (let at = 0; at < ids.length; at += BATCH) yield ids.slice(at, at + BATCH);
}

function valuesOf({ provider, externalId, version, createdAt, updatedAt }: Provisioned, name: string) {
  return {
    provider,
    name_key: keyOf(name),
    external_id: externalId ?? null,
    version,
    created_at: createdAt,
    updated_at: updatedAt,
  };
}

type Row = Selectable<Tables['directory_users'] | Tables['directory_groups']>;

const provisionedOf = ({ id, provider, external_id, version, created_at, updated_at }: Row): Provisioned => ({
  id,
  provider,
  externalId: external_id ?? undefined,
  version: Number(version),
  createdAt: Number(created_at),
  updatedAt: Number(updated_at),
});

const userOf = (row: Selectable<Tables['directory_users']>): User => ({
  ...provisionedOf(row),
  userName: row.user_name,
  active: Number(row.active) === 1,
  attributes: JSON.parse(row.attributes) as User['attributes'],
});

const groupOf = (row: Selectable<Tables['directory_groups']>): Group => ({
  ...provisionedOf(row),
  displayName: row.display_name,
});
