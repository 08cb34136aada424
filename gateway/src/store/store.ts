import { sql } from 'kysely';
import { AccessGrantStore } from './access-grants.ts';
import { AccessRequestStore } from './access-requests.ts';
import { AgentStore } from './agents.ts';
import { ApprovalStore } from './approvals.ts';
import { type Database, guarded, openDatabase } from './database.ts';
import { DirectoryStore } from './directory.ts';
import { GrantStore } from './grants.ts';
import { IdentityStore } from './identity.ts';
import { migrate } from './migrations.ts';
import { ResourceStore } from './resources.ts';
import type { Keyring } from './sealing/keyring.ts';
import { ServiceSecretStore } from './service-secrets.ts';
import { SessionStore } from './sessions.ts';
import { SshKeyStore } from './ssh-keys.ts';

/** What a gateway remembers beside its journal and recordings: one file in the data folder. */
export class Store {
  readonly identity: IdentityStore;
  // biome-ignore lint/suspicious/noExplicitAny: whoever uses it says what an approval is; it is kept as it comes
  readonly approvals: ApprovalStore<any>;
  // biome-ignore lint/suspicious/noExplicitAny: whoever uses it says what a grant is; it is kept as it comes
  readonly accessGrants: AccessGrantStore<any>;
  // biome-ignore lint/suspicious/noExplicitAny: whoever uses it says what a request is; it is kept as it comes
  readonly accessRequests: AccessRequestStore<any>;
  readonly sessions: SessionStore;
  readonly agents: AgentStore;
  readonly resources: ResourceStore;
  readonly directory: DirectoryStore;
  readonly sshKeys: SshKeyStore;
  readonly serviceSecrets: ServiceSecretStore;
  readonly #database: Database;

  private constructor(database: Database) {
    this.#database = database;
    this.identity = new IdentityStore(database);
    this.approvals = new ApprovalStore(database);
    this.accessGrants = new AccessGrantStore(database);
    this.accessRequests = new AccessRequestStore(database);
    this.sessions = new SessionStore(database);
    this.agents = new AgentStore(database);
    this.resources = new ResourceStore(database);
    this.directory = new DirectoryStore(database);
    this.sshKeys = new SshKeyStore(database);
    this.serviceSecrets = new ServiceSecretStore(database);
  }

  /** Opens the store of a data folder, makes it where there is none, and brings it up to date. @throws Unavailable */
  static async open(dataDir: string): Promise<Store> {
    const database = openDatabase(dataDir);
    await guarded(() => migrate(database));
    return new Store(database);
  }

  /** What the keyring seals. */
  grants<Kind extends string, Body>(keyring: Keyring): GrantStore<Kind, Body> {
    return new GrantStore(this.#database, keyring);
  }

  /** Forgets records of what was over before `before`: sessions, approvals, access for a time. */
  async sweepRecords(before: number): Promise<void> {
    await this.sessions.sweep(before);
    await this.approvals.sweep(before);
    await this.accessGrants.sweep(before);
  }

  /** Leaves nothing of what was overwritten on the disk: neither in free pages nor in the log of writes. */
  scrub(): Promise<void> {
    return guarded(async () => {
      await sql`vacuum`.execute(this.#database);
      await sql`pragma wal_checkpoint(truncate)`.execute(this.#database);
    });
  }

  /** @throws Unavailable where it does not answer */
  async ping(): Promise<void> {
    await guarded(() => sql`select 1`.execute(this.#database));
  }

  async close(): Promise<void> {
    await this.#database.destroy();
  }
}
