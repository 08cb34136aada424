import type { Kysely } from 'kysely';

/** Tokens that were made of others, and who acted for whom in a session. */
export async function addDelegation({ schema }: Kysely<unknown>): Promise<void> {
  await schema.alterTable('tokens').addColumn('parents', 'text').execute();
  await schema.alterTable('sessions').addColumn('actor', 'text').execute();
}
