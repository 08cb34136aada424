import { type Database, guarded } from './database.ts';

interface Agent {
  readonly name: string;
  /** Ed25519, DER SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  readonly labels: Readonly<Record<string, string>>;
}

/** Agents that enrolled, and the hashes of invitations. */
export class AgentStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  addJoinToken({ hash, name, expiresAt }: { hash: string; name: string; expiresAt: Date }): Promise<void> {
    return guarded(async () => {
      await this.#database.deleteFrom('join_tokens').where('expires_at', '<', Date.now()).execute();
      await this.#database.insertInto('join_tokens').values({ hash, name, expires_at: expiresAt.getTime() }).execute();
    });
  }

  /** The token is taken and the agent kept, both or neither. Of several with one token, one gets it: whose deletion finds it. */
  enrol(hash: string, now: Date, agent: Omit<Agent, 'name'>): Promise<{ readonly name: string } | undefined> {
    return guarded(() =>
      this.#database.transaction().execute(async (transaction) => {
        const removal = transaction
          .deleteFrom('join_tokens')
          .where('hash', '=', hash)
          .returning(['name', 'expires_at']);
        const row = await removal.executeTakeFirst();
        if (row === undefined || Number(row.expires_at) <= now.getTime()) return undefined;
        await putAgent(transaction, { name: row.name, ...agent });
        return { name: row.name };
      }),
    );
  }

  agent(name: string): Promise<Agent | undefined> {
    return guarded(async () => {
      const row = await this.#database.selectFrom('agents').selectAll().where('name', '=', name).executeTakeFirst();
      return row && agentOf(row);
    });
  }

  /** By name. */
  agents(): Promise<readonly Agent[]> {
    return guarded(async () => {
      return (await this.#database.selectFrom('agents').selectAll().orderBy('name').execute()).map(agentOf);
    });
  }

  /** False where there is none. */
  removeAgent(name: string): Promise<boolean> {
    return guarded(async () => {
      const { numDeletedRows } = await this.#database.deleteFrom('agents').where('name', '=', name).executeTakeFirst();
      return numDeletedRows > 0n;
    });
  }
}

async function putAgent(database: Database, { name, publicKey, labels }: Agent): Promise<void> {
  const values = { public_key: Buffer.from(publicKey).toString('base64'), labels: JSON.stringify(labels) };
  await database
    .insertInto('agents')
    .values({ name, ...values })
    .onConflict((conflict) => conflict.column('name').doUpdateSet(values))
    .execute();
}

const agentOf = (row: { name: string; public_key: string; labels: string }): Agent => ({
  name: row.name,
  publicKey: Buffer.from(row.public_key, 'base64'),
  labels: JSON.parse(row.labels) as Record<string, string>,
});
