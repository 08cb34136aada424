import type { Kysely } from 'kysely';

/** People and groups that directories provision by SCIM, and the tokens that they do it with. */
export async function directoryTables({ schema }: Kysely<unknown>): Promise<void> {
  for (const [table, name] of [
    ['directory_users', 'user_name'],
    ['directory_groups', 'display_name'],
  ] as const) {
    await schema
      .createTable(table)
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('provider', 'text', (column) => column.notNull())
      .addColumn(name, 'text', (column) => column.notNull())
      // Lower case, for names are compared so and databases differ in how they do it.
      .addColumn('name_key', 'text', (column) => column.notNull())
      .addColumn('external_id', 'text')
      .addColumn('active', 'integer', (column) => column.notNull())
      .addColumn('attributes', 'text', (column) => column.notNull())
      .addColumn('version', 'bigint', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .addUniqueConstraint(`${table}_by_name`, ['provider', 'name_key'])
      .execute();
    await schema.createIndex(`${table}_by_external_id`).on(table).columns(['provider', 'external_id']).execute();
  }
  await schema
    .createTable('directory_members')
    .addColumn('group_id', 'text', (column) => column.notNull())
    .addColumn('user_id', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('directory_members_key', ['group_id', 'user_id'])
    .execute();
  await schema.createIndex('directory_members_of_user').on('directory_members').column('user_id').execute();
  await schema
    .createTable('directory_tokens')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('hash', 'text', (column) => column.notNull().unique())
    .addColumn('provider', 'text', (column) => column.notNull())
    .addColumn('label', 'text')
    .addColumn('issued_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .addColumn('revoked_at', 'bigint')
    .execute();
}
