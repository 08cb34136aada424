import type { Kysely } from 'kysely';

/** Signed-in browsers, and the codes and refresh tokens that came of them. */
export async function grantTables({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createTable('grants')
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('hash', 'text', (column) => column.notNull())
    .addColumn('family', 'text', (column) => column.notNull())
    .addColumn('owner', 'text')
    .addColumn('sid', 'text')
    .addColumn('body', 'text', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('grants_key', ['kind', 'hash'])
    .execute();
  await schema.createIndex('grants_of_family').on('grants').column('family').execute();
  await schema.createIndex('grants_of_owner').on('grants').column('owner').execute();
  await schema.createIndex('grants_by_expiry').on('grants').column('expires_at').execute();
}
