import { type Kysely, sql } from 'kysely';

/** Tokens that were made of others, and who acted for whom in a session. */
export async function addDelegation({ schema }: Kysely<unknown>): Promise<void> {
  await schema.alterTable('tokens').addColumn('parents', 'text').execute();
  // Few tokens are made of others: ending one must not look at all there are.
  const made = schema.createIndex('tokens_made_of_others').on('tokens').column('issued_at');
  await made.where(sql.ref('parents'), 'is not', null).execute();
  await schema.alterTable('sessions').addColumn('actor', 'text').execute();
}
