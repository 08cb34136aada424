import { type Kysely, sql } from 'kysely';
import type { Database } from './database.ts';
import { addAccessGrants } from './migrations/access-grants.ts';
import { addAccessRequests } from './migrations/access-requests.ts';
import { addDelegation } from './migrations/delegation.ts';
import { directoryTables } from './migrations/directory.ts';
import { grantTables } from './migrations/grants.ts';
import { addServiceSecrets } from './migrations/service-secrets.ts';
import { sshKeyTable } from './migrations/ssh-keys.ts';
import { addTokenSources } from './migrations/token-sources.ts';

type Step = (database: Kysely<unknown>) => Promise<void>;

/** Forward only, in order, each once. A step that has been released is never changed. */
const steps: readonly Step[] = [
  async (database) => {
    const { schema } = database;
    await schema
      .createTable('users')
      .addColumn('name', 'text', (column) => column.primaryKey())
      .addColumn('groups', 'text', (column) => column.notNull())
      .addColumn('password_hash', 'text')
      .execute();
    await schema
      .createTable('tokens')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('hash', 'text', (column) => column.notNull().unique())
      .addColumn('principal_id', 'text', (column) => column.notNull())
      .addColumn('principal', 'text', (column) => column.notNull())
      .addColumn('connection', 'text')
      .addColumn('label', 'text')
      .addColumn('issued_at', 'bigint', (column) => column.notNull())
      .addColumn('expires_at', 'bigint', (column) => column.notNull())
      .addColumn('revoked_at', 'bigint')
      .execute();
    await schema.createIndex('tokens_of_principal').on('tokens').columns(['principal_id', 'issued_at']).execute();
    await schema.createIndex('tokens_by_expiry').on('tokens').column('expires_at').execute();
    await schema
      .createTable('resources')
      .addColumn('kind', 'text', (column) => column.notNull())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('spec', 'text', (column) => column.notNull())
      .addColumn('source', 'text')
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('resources_key', ['kind', 'name'])
      .execute();
    await schema
      .createTable('revisions')
      .addColumn('name', 'text', (column) => column.primaryKey())
      .addColumn('value', 'bigint', (column) => column.notNull())
      .execute();
    await schema
      .createTable('agents')
      .addColumn('name', 'text', (column) => column.primaryKey())
      .addColumn('public_key', 'text', (column) => column.notNull())
      .addColumn('labels', 'text', (column) => column.notNull())
      .execute();
    await schema
      .createTable('join_tokens')
      .addColumn('hash', 'text', (column) => column.primaryKey())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('expires_at', 'bigint', (column) => column.notNull())
      .execute();
    await schema
      .createTable('sessions')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('connection', 'text', (column) => column.notNull())
      .addColumn('protocol', 'text', (column) => column.notNull())
      .addColumn('principal_id', 'text', (column) => column.notNull())
      .addColumn('principal_name', 'text', (column) => column.notNull())
      .addColumn('source_address', 'text', (column) => column.notNull())
      .addColumn('application', 'text')
      .addColumn('agent', 'text')
      .addColumn('started_at', 'bigint', (column) => column.notNull())
      .addColumn('ended_at', 'bigint')
      .addColumn('end_reason', 'text')
      .addColumn('statements', 'bigint', (column) => column.notNull())
      .addColumn('refused', 'bigint', (column) => column.notNull())
      .execute();
    await schema.createIndex('sessions_by_start').on('sessions').column('started_at').execute();
    await schema.createIndex('sessions_of_connection').on('sessions').columns(['connection', 'started_at']).execute();
    await schema.createIndex('sessions_of_principal').on('sessions').columns(['principal_id', 'started_at']).execute();
    await schema
      .createTable('approvals')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('requested_at', 'bigint', (column) => column.notNull())
      .addColumn('body', 'text', (column) => column.notNull())
      .execute();
    await schema.createIndex('approvals_by_state').on('approvals').columns(['state', 'requested_at']).execute();
  },
  directoryTables,
  grantTables,
  addAccessGrants,
  sshKeyTable,
  addDelegation,
  addTokenSources,
  addServiceSecrets,
  addAccessRequests,
];

/** Brings the schema to where this version needs it. @throws Error where a newer version has been here */
export async function migrate(database: Database): Promise<void> {
  const plain = database as unknown as Kysely<{ migrations: { step: number; applied_at: number } }>;
  await sql`create table if not exists migrations (step bigint primary key, applied_at bigint not null)`.execute(plain);
  await plain.transaction().execute(async (transaction) => {
    const done = (await transaction.selectFrom('migrations').select('step').execute()).length;
    if (done > steps.length) throw new Error('the data folder belongs to a newer version of Sallyport');
    for (let step = done; step < steps.length; step++) {
      await steps[step]?.(transaction as unknown as Kysely<unknown>);
      await transaction.insertInto('migrations').values({ step, applied_at: Date.now() }).execute();
    }
  });
}
