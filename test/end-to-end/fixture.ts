import pg from 'pg';
import { startPostgres, type TestPostgres } from '../harness/postgres.ts';
import { type PsqlResult, psql } from '../harness/psql.ts';
import { Stack, type StackOptions } from '../harness/stack.ts';

/** Values that nobody with a mask may ever see, in any form. */
export const canaries = {
  email: 'canary.anna@example.org',
  ssn: '536-90-4399',
  salary: 73_219_841,
} as const;

const schema = `
create role app login password 'target-secret-4711';
create table public.users (id int primary key, name text not null, email text unique, ssn varchar(11), salary int);
insert into users values (1, 'Anna', '${canaries.email}', '${canaries.ssn}', ${canaries.salary}),
  (2, 'Ben', 'ben@example.org', null, 52000), (3, 'Clara', null, '219-09-9999', 61000);
create table public.orders (id int primary key, user_id int references users, amount numeric(10,2), note text);
insert into orders select i, 1 + i % 3, i * 1.5, 'order ' || i from generate_series(1, 100) i;
create view public.contacts as select id, email as reach from users;
grant all on all tables in schema public to app;
grant create on schema public to app;
`;

const access = (port: number): string => `
kind: Connection
name: shop
spec:
  protocol: postgres
  agent: test-agent
  target: { host: 127.0.0.1, port: ${port}, database: postgres, tls: disable }
  credential: { username: app, password: "env:SHOP_PASSWORD" }
  labels: { env: prod }
---
kind: Connection
name: nowhere
spec:
  protocol: postgres
  agent: test-agent
  target: { host: 127.0.0.1, port: 9, database: postgres, tls: disable }
  credential: { username: app, password: "env:SHOP_PASSWORD" }
---
kind: Connection
name: orphan
spec:
  protocol: postgres
  agent: never-enrolled
  target: { host: 127.0.0.1, port: 9, database: postgres, tls: disable }
  credential: { username: app }
---
kind: User
name: alice
spec: { groups: [engineering] }
---
kind: User
name: dana
spec: { groups: [dba, approvers] }
---
kind: User
name: emil
spec: { groups: [engineering, approvers] }
---
kind: Rule
name: everything-first
spec: { who: { groups: [engineering, dba] }, then: allow }
---
kind: Rule
name: nothing-is-dropped
spec: { who: { any: true }, actions: [drop], then: deny, reason: tables are not dropped by hand }
---
kind: Rule
name: ask-before-truncate
spec:
  who: { groups: [engineering] }
  actions: [truncate]
  then: approve
  approvers: { groups: [dba], timeout: 30s }
---
kind: Rule
name: hurried
spec:
  who: { groups: [engineering] }
  when: action.text.contains("hurried")
  then: approve
  approvers: { groups: [dba], timeout: 1s }
---
kind: Mask
name: personal-data
spec:
  connections: { names: [shop] }
  columns: [public.users.email, public.users.ssn, public.users.salary]
  detect: [credit-card]
  except: { groups: [dba] }
`;

/** The whole product with a database behind it, for one test file. */
export class Fixture {
  readonly database: TestPostgres;
  readonly stack: Stack;
  readonly tokens: Readonly<Record<'alice' | 'dana' | 'emil', string>>;

  private constructor(database: TestPostgres, stack: Stack, tokens: Fixture['tokens']) {
    this.database = database;
    this.stack = stack;
    this.tokens = tokens;
  }

  static async start(options: StackOptions = {}): Promise<Fixture> {
    const database = await startPostgres();
    try {
      await inDatabase(database, schema);
      const stack = await Stack.start({ secrets: { SHOP_PASSWORD: 'target-secret-4711' }, ...options });
      await stack.apply(access(database.port));
      const [alice, dana, emil] = [await stack.token('alice'), await stack.token('dana'), await stack.token('emil')];
      return new Fixture(database, stack, { alice, dana, emil });
    } catch (error) {
      await database.stop();
      throw error;
    }
  }

  /** Runs a script with psql as one of the users. */
  psql(who: 'alice' | 'dana' | 'emil', script: string, connection = 'shop', signal?: AbortSignal): Promise<PsqlResult> {
    const password = this.tokens[who];
    return psql(this.stack.conninfo(connection), script, { password, ...(signal === undefined ? {} : { signal }) });
  }

  /** A client of node-postgres, connected. */
  async client(who: 'alice' | 'dana' | 'emil', connection = 'shop'): Promise<pg.Client> {
    const client = new pg.Client({
      host: '127.0.0.1',
      port: this.stack.ports.postgres,
      user: who,
      password: this.tokens[who],
      database: connection,
    });
    await client.connect();
    return client;
  }

  /** The first approval that waits; asked for until there is one. */
  async pendingApproval(): Promise<string> {
    for (const until = Date.now() + 10_000; Date.now() < until; ) {
      const { approvals = [] } = await this.stack.call<{ approvals?: { id: string }[] }>(
        'ApprovalService/ListApprovals',
        {
          state: 'APPROVAL_STATE_PENDING',
        },
      );
      const [first] = approvals;
      if (first !== undefined) return first.id;
    }
    throw new Error('nothing waits for approval');
  }

  async stop(): Promise<void> {
    await this.stack.stop();
    await this.database.stop();
  }
}

export async function inDatabase(database: TestPostgres, sql: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ host: '127.0.0.1', port: database.port, user: 'postgres', database: 'postgres' });
  await client.connect();
  try {
    return await client.query(sql);
  } finally {
    await client.end();
  }
}
