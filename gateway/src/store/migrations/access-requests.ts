import type { Kysely } from 'kysely';

/** What a request for access needs to go on after a restart, beside its approval. */
export async function addAccessRequests({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createTable('access_requests')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('body', 'text', (column) => column.notNull())
    .execute();
}
