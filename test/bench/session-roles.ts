import { cpus } from 'node:os';
import pg from 'pg';
import { startPostgres } from '../harness/postgres.ts';
import { Stack } from '../harness/stack.ts';
import { quantile } from './statistics.ts';

/*
 * How long it takes from the first byte of a client to the first answer of its first statement: directly, through the
 * gateway, and with a role of the session's own. One session after the other, the kinds in turn. `node test/bench/session-roles.ts [COUNT]`
 */

const count = Number(process.argv[2] ?? 60);
const warmUp = 5;
const schema = `
create role app login;
create role issuer login createrole password 'issuer-secret';
create role owner nologin;
grant app to issuer with admin option;
grant owner to issuer;
create table users (id int primary key, name text, email text);
insert into users values (1, 'Anna', 'anna@example.org');
alter table users owner to owner;
grant select on users to app;
`;
const role = 'postgresRole: { username: issuer, password: "env:ISSUER_PASSWORD" }';
const connection = (port: number, name: string, credential: string, more = ''): string => `
kind: Connection
name: ${name}
spec:
  protocol: postgres
  agent: test-agent
  target: { host: 127.0.0.1, port: ${port}, database: postgres, tls: disable }
  credential: { username: app${credential} }${more}
---`;

interface Place {
  readonly port: number;
  readonly user: string;
  readonly password?: string;
  readonly database: string;
}

/** Milliseconds; the session is closed before the next one begins. */
async function once(place: Place): Promise<number> {
  const client = new pg.Client({ host: '127.0.0.1', ...place });
  const from = performance.now();
  await client.connect();
  await client.query('select 1');
  const took = performance.now() - from;
  await client.end();
  return took;
}

const database = await startPostgres();
const stack = await Stack.start({ secrets: { ISSUER_PASSWORD: 'issuer-secret' } });
try {
  const admin = new pg.Client({ host: '127.0.0.1', port: database.port, user: 'postgres', database: 'postgres' });
  await admin.connect();
  await admin.query(schema);
  const { rows } = await admin.query<{ server_version: string }>('show server_version');
  await admin.end();
  await stack.apply(`${connection(database.port, 'bare', '')}
${connection(database.port, 'own', `, ${role}`)}
${connection(database.port, 'walled', `, ${role}`, '\n  wall: { readOnly: true, columns: true }')}
kind: User
name: alice
spec: { groups: [engineering] }
---
kind: Rule
name: everything
spec: { who: { groups: [engineering] }, then: allow }
`);
  const password = await stack.token('alice');
  const through = (name: string): Place => ({ port: stack.ports.postgres, user: 'alice', password, database: name });
  const places: Readonly<Record<string, Place>> = {
    directly: { port: database.port, user: 'app', database: 'postgres' },
    'through the gateway': through('bare'),
    'with a role of its own': through('own'),
    'with a role, behind a wall': through('walled'),
  };
  const took = new Map<string, number[]>(Object.keys(places).map((name) => [name, []]));
  for (let round = -warmUp; round < count; round += 1) {
    for (const [name, place] of Object.entries(places)) {
      const ms = await once(place);
      if (round >= 0) took.get(name)?.push(ms);
    }
  }
  const lines = [...took].map(([name, all]) => {
    const [mid, late, most] = [0.5, 0.95, 1].map((q) => quantile(all, q).toFixed(1));
    return `| ${name} | ${mid} | ${late} | ${most} |`;
  });
  const machine = `${count} sessions each, PostgreSQL ${rows[0]?.server_version}, Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}`;
  process.stdout.write(`${machine}\n| | median, ms | p95 | slowest |\n|---|---|---|---|\n${lines.join('\n')}\n`);
} finally {
  await stack.stop();
  await database.stop();
}
