import type { Kysely } from 'kysely';

/** Public keys that people registered. A key is one person's only. */
export async function sshKeyTable({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createTable('ssh_keys')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('principal_id', 'text', (column) => column.notNull())
    .addColumn('principal', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('type', 'text', (column) => column.notNull())
    .addColumn('blob', 'text', (column) => column.notNull())
    .addColumn('fingerprint', 'text', (column) => column.notNull().unique())
    .addColumn('added_at', 'bigint', (column) => column.notNull())
    .addColumn('added_from', 'text', (column) => column.notNull())
    .addColumn('last_used_at', 'bigint')
    .addColumn('last_used_from', 'text')
    .execute();
  await schema.createIndex('ssh_keys_of_principal').on('ssh_keys').columns(['principal_id', 'added_at']).execute();
}
