import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { startPostgres, type TestPostgres } from '../harness/postgres.ts';
import { psql } from '../harness/psql.ts';
import { Stack } from '../harness/stack.ts';
import { inDatabase } from './fixture.ts';

const vaultToken = 'hvs.canary-of-the-vault-token';

/** As much of Vault's HTTP API as a database engine at `database/` and a KV engine, version 2, at `secret/` need. */
class Vault {
  readonly server: Server;
  readonly revoked: string[] = [];
  issued = 0;

  constructor(database: TestPostgres) {
    this.server = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      const say = (status: number, answer: object): void =>
        void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
      if (request.headers['x-vault-token'] !== vaultToken) return say(403, { errors: ['permission denied'] });
      const path = (request.url ?? '').replace('/v1/', '');
      if (path.startsWith('sys/internal/ui/mounts/secret')) {
        return say(200, { data: { path: 'secret/', type: 'kv', options: { version: '2' } } });
      }
      if (path.startsWith('sys/internal/ui/mounts/'))
        return say(200, { data: { path: 'database/', type: 'database' } });
      if (path === 'auth/token/lookup-self') return say(200, { data: { ttl: 3600, renewable: false } });
      if (path === 'secret/data/shop')
        return say(200, { data: { data: { password: 'static-of-vault' }, metadata: {} } });
      if (path === 'database/creds/app') {
        this.issued += 1;
        const username = `v-app-${this.issued}`;
        await inDatabase(database, `create role "${username}" login password 'issued-${this.issued}' in role app`);
        const lease = { lease_id: `database/creds/app/${username}`, lease_duration: 3600, renewable: true };
        return say(200, { ...lease, data: { username, password: `issued-${this.issued}` } });
      }
      if (path === 'sys/leases/revoke') {
        const id = String((JSON.parse(body) as { lease_id: string }).lease_id);
        this.revoked.push(id);
        await inDatabase(database, `drop role "${id.split('/').at(-1)}"`);
        return response.writeHead(204).end();
      }
      return say(404, { errors: [] });
    });
  }

  async start(): Promise<string> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }
}

const connection = (port: number, name: string, credential: string): string => `
kind: Connection
name: ${name}
spec:
  protocol: postgres
  agent: test-agent
  target: { host: 127.0.0.1, port: ${port}, database: postgres, tls: disable }
  credential: ${credential}
`;

describe('credentials from Vault', () => {
  let database: TestPostgres;
  let vault: Vault;
  let stack: Stack;
  let token: string;
  before(async () => {
    database = await startPostgres();
    await inDatabase(
      database,
      `create role app; create role fixed login password 'static-of-vault'; grant app to fixed; create table things (id int); grant select on things to app`,
    );
    vault = new Vault(database);
    stack = await Stack.start({ secrets: { VAULT_ADDR: await vault.start(), VAULT_TOKEN: vaultToken } });
    await stack.apply(
      [
        connection(database.port, 'issued', '{ password: "vault:database/creds/app" }'),
        connection(database.port, 'static', '{ username: fixed, password: "vault:secret/shop#password" }'),
        connection(database.port, 'missing', '{ password: "vault:database/creds/nobody" }'),
        'kind: User\nname: alice\nspec: { groups: [engineering] }',
        'kind: Rule\nname: all\nspec: { who: { groups: [engineering] }, then: allow }',
      ].join('\n---\n'),
    );
    token = await stack.token('alice');
  });
  after(async () => {
    await stack?.stop();
    vault?.server.close();
    vault?.server.closeAllConnections();
    await database?.stop();
  });
  const run = (name: string, sql: string) => psql(stack.conninfo(name), sql, { password: token });

  it('a session gets a login of its own, which is revoked when it ends', async () => {
    const { out, err } = await run('issued', 'select session_user; select count(*) from things');
    assert.deepEqual([out.trim(), err], ['v-app-1\n0', '']);
    let events = '';
    for (const until = Date.now() + 10_000; Date.now() < until && !events.includes('lease.revoked'); ) {
      ({ out: events } = await stack.cli(['audit', 'tail', '--type', 'lease.', '-o', 'json']));
    }
    assert.match(events, /"type":"lease.issued".*"source":"vault".*v-app-1/);
    assert.match(events, /lease.revoked/);
    assert.deepEqual(vault.revoked, ['database/creds/app/v-app-1']);
  });

  it('a stored secret is read at each session’s start', async () => {
    assert.equal((await run('static', 'select session_user')).out.trim(), 'fixed');
  });

  it('what is not there is said, by source and path', async () => {
    const { err } = await run('missing', 'select 1');
    assert.match(err, /The credential vault:database\/creds\/nobody could not be resolved: .*no secret at that path/);
  });

  it('no secret is in the log, in errors or in events', async () => {
    const { out } = await stack.cli(['audit', 'tail', '--last', '1000', '-o', 'json']);
    for (const secret of [vaultToken, 'static-of-vault', 'issued-1']) {
      assert.ok(!`${stack.log.join('\n')}${out}`.includes(secret), secret);
    }
  });

  it('a connection without a username needs a source that brings one', async () => {
    await assert.rejects(stack.apply(connection(1, 'wrong', '{ password: "env:X" }')), /username.*is missing/s);
  });
});
