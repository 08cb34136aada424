import type { Kysely } from 'kysely';

/** The addresses that a token is bound to. */
export async function addTokenSources({ schema }: Kysely<unknown>): Promise<void> {
  await schema.alterTable('tokens').addColumn('sources', 'text').execute();
}
