import type { Kysely } from 'kysely';

/** Access for a time: each grant as one document, with what finding it needs. */
export async function addAccessGrants({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createTable('access_grants')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('principal_id', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('needs_review', 'integer', (column) => column.notNull())
    .addColumn('starts_at', 'bigint', (column) => column.notNull())
    .addColumn('body', 'text', (column) => column.notNull())
    .execute();
  await schema.createIndex('access_grants_by_state').on('access_grants').columns(['state', 'starts_at']).execute();
  const own = schema.createIndex('access_grants_of_principal').on('access_grants');
  await own.columns(['principal_id', 'starts_at']).execute();
}
