import type { Kysely } from 'kysely';

/** Long-lived secrets of service accounts. */
export async function addServiceSecrets({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createTable('service_secrets')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('hash', 'text', (column) => column.notNull().unique())
    .addColumn('service', 'text', (column) => column.notNull())
    .addColumn('label', 'text')
    .addColumn('issued_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .addColumn('revoked_at', 'bigint')
    .addColumn('used_at', 'bigint')
    .addColumn('used_from', 'text')
    .addColumn('warned', 'text')
    .execute();
  const own = schema.createIndex('service_secrets_of_service').on('service_secrets');
  await own.columns(['service', 'issued_at']).execute();
}
