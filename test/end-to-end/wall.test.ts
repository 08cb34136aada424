import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startPostgres, type TestPostgres } from '../harness/postgres.ts';
import { type PsqlResult, psql } from '../harness/psql.ts';
import { Stack } from '../harness/stack.ts';
import { inDatabase } from './fixture.ts';

const issuerPassword = 'issuer-secret-2203';

const schema = `
create role owner nologin;
create role app login;
create role issuer login createrole password '${issuerPassword}';
grant app, owner to issuer with admin option;
alter role app set search_path to shop, "Odd, one", public;
alter role app set work_mem to '7MB';
create schema shop authorization owner;
create schema "Odd, one" authorization owner;
set role owner;
create table shop.users (id int primary key, name text not null, email text unique, shout text generated always as (upper(email)) stored);
insert into shop.users values (1, 'Anna', 'canary@example.org'), (2, 'Ben', 'ben@example.org');
create table shop.orders (id serial primary key, user_id int, note text);
insert into shop.orders (user_id, note) select 1, 'n' || i from generate_series(1, 5) i;
create view shop.contacts as select id, email as reach from shop.users;
create view shop.contact_count as select count(*) from shop.contacts;
create view shop.names as select id, name from shop.users;
create table shop.people (id int, email text) partition by range (id);
create table shop.people_1 partition of shop.people for values from (0) to (100);
insert into shop.people values (1, 'part@example.org');
create table shop.notes (id int, email text);
create table shop.own (who text, what text);
alter table shop.own enable row level security;
create policy mine on shop.own to app using (who = 'me');
create table "Odd, one".plain (id int);
create function shop.twice(int) returns int language sql as 'select 2 * $1';
revoke execute on function shop.twice from public;
create function shop.reveal() returns text language sql security definer as 'select min(email) from shop.users';
revoke execute on function shop.reveal from public;
grant usage on schema shop, "Odd, one" to app;
grant create on schema shop to app;
grant select, insert, update, delete, truncate, references, trigger on all tables in schema shop, "Odd, one" to app;
grant usage on all sequences in schema shop to app;
grant execute on all functions in schema shop to app;
reset role;
`;

const connection = (port: number, name: string, more: string): string => `
kind: Connection
name: ${name}
spec:
  protocol: postgres
  agent: test-agent
  target: { host: 127.0.0.1, port: ${port}, database: postgres, tls: disable }
  credential: { username: app, postgresRole: { username: issuer, password: "env:ISSUER_PASSWORD" } }
  ${more}
`;

const access = (port: number): string =>
  [
    connection(port, 'plain', ''),
    connection(port, 'walled', 'wall: {}'),
    connection(port, 'reading', 'wall: { readOnly: true, columns: false }'),
    connection(port, 'narrow', ''),
    connection(port, 'roleless', '').replace(
      ', postgresRole: { username: issuer, password: "env:ISSUER_PASSWORD" }',
      '',
    ),
    `
kind: User
name: alice
spec: { groups: [engineering] }`,
    `
kind: Rule
name: everything
spec: { who: { groups: [engineering] }, connections: { names: [plain, walled, reading] }, then: allow }`,
    `
kind: Rule
name: looking
spec: { who: { groups: [engineering] }, connections: { names: [narrow, roleless] }, then: allow, privileges: [select] }`,
    `
kind: Mask
name: addresses
spec: { connections: { names: [walled] }, columns: [shop.users.email, "shop.people_1.email", "public.later.ssn"] }`,
  ].join('\n---\n');

/** What the target itself says, with nobody of ours in between who could refuse. */
const denied = (relation: string): RegExp => new RegExp(`ERROR: {2}permission denied for (table|view) ${relation}`);

describe('a role for each session', () => {
  let database: TestPostgres;
  let stack: Stack;
  let token: string;
  before(async () => {
    database = await startPostgres();
    await inDatabase(database, schema);
    stack = await Stack.start({ secrets: { ISSUER_PASSWORD: issuerPassword } });
    await stack.apply(access(database.port));
    token = await stack.token('alice');
  });
  after(async () => {
    await stack.stop();
    await database.stop();
  });

  const run = (name: string, script: string): Promise<PsqlResult> =>
    psql(stack.conninfo(name), script, { password: token });
  const rolesNow = async (): Promise<string[]> => {
    const { rows } = await inDatabase(database, `select rolname from pg_roles where rolname like 'sallyport\\_s\\_%'`);
    return rows.map(({ rolname }) => rolname);
  };
  const event = async (type: string, session: string): Promise<{ data: Record<string, unknown> }> => {
    for (const until = Date.now() + 15_000; Date.now() < until; ) {
      const { out } = await stack.cli(['audit', 'tail', '--session', session, '--type', type, '-o', 'json']);
      const found = out
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line))
        .at(0);
      if (found !== undefined) return found;
    }
    throw new Error(`no ${type} of session ${session}`);
  };

  describe('without a wall', () => {
    it('it is the configured role in all but its login', async () => {
      const { out, err } = await run(
        'plain',
        `select current_user, session_user; show search_path; show work_mem; create table made (id int); insert into orders (note) values ('new'); select count(*) from own`,
      );
      assert.equal(err, '');
      assert.match(out, /app\|sallyport_s_[0-9a-f]{12}\nshop, "Odd, one", public\n7MB\n/);
      const { rows } = await inDatabase(database, `select tableowner from pg_tables where tablename = 'made'`);
      assert.deepEqual(rows, [{ tableowner: 'app' }]);
    });

    it('the role is gone when the session is, and both are told', async () => {
      const { out } = await run('plain', 'select session_user');
      const name = /sallyport_s_\w+/.exec(out)?.[0];
      const { sessions = [] } = await stack.call<{ sessions?: { id: string }[] }>('SessionService/ListSessions', {});
      const session = sessions[0]?.id ?? '';
      const issued = await event('lease.issued', session);
      assert.equal(issued.data['username'], name);
      assert.equal(issued.data['source'], 'postgres-role');
      await event('lease.revoked', session);
      assert.ok(!(await rolesNow()).includes(name ?? ''));
      assert.ok(!JSON.stringify(stack.log).includes(issuerPassword));
    });

    it('the overview lists it while it lives', async () => {
      const living = run('plain', `select pg_sleep(30)`);
      try {
        let out = '';
        for (const until = Date.now() + 10_000; Date.now() < until && !/sallyport_s_/.test(out); ) {
          ({ out } = await stack.cli(['leases']));
        }
        assert.match(out, /sallyport_s_\w+ +plain +postgres-role +test-agent/);
        // A login that ends the session from below ends the role too.
        const [name] = await rolesNow();
        await inDatabase(database, `select pg_terminate_backend(pid) from pg_stat_activity where usename = '${name}'`);
      } finally {
        await living;
      }
      for (const until = Date.now() + 10_000; Date.now() < until && (await rolesNow()).length > 0; );
      assert.deepEqual(await rolesNow(), []);
    });
  });

  describe('behind a wall', () => {
    for (const [what, sql, relation] of [
      ['a protected column', 'select email from shop.users', 'users'],
      ['all columns', 'select * from shop.users', 'users'],
      ['the whole row', 'select u from shop.users u', 'users'],
      ['a column generated from it', 'select shout from shop.users', 'users'],
      ['a filter', `select id from shop.users where email like 'c%'`, 'users'],
      ['a view of it', 'select * from shop.contacts', 'contacts'],
      ['a view of a view', 'select * from shop.contact_count', 'contact_count'],
      ['a partition', 'select email from shop.people_1', 'people_1'],
      ['its parent', 'select email from shop.people', 'people'],
      ['COPY', 'copy shop.users to stdout', 'users'],
      ['RETURNING', `insert into shop.users values (9, 'x', 'y') returning email`, 'users'],
      ['rows that a policy for the configured role would filter', 'select * from shop.own', 'own'],
    ] as const) {
      it(`${what} is the target's to refuse`, async () => {
        const session = await run('walled', sql);
        assert.doesNotMatch(session.out, /@example\.org/i);
        assert.match(session.err, /ERROR/);
        // The same, as the wall's role would ask it with nobody in between.
        const [wall] = (
          await inDatabase(
            database,
            `select rolname, shobj_description(oid, 'pg_authid') from pg_roles where rolname like 'sallyport\\_w\\_%'`,
          )
        ).rows;
        const direct = psql(
          `host=127.0.0.1 port=${database.port} dbname=postgres user=postgres`,
          `set role ${wall.rolname}; ${sql}`,
          { password: '' },
        );
        assert.match((await direct).err, denied(relation));
      });
    }

    it('what is not protected works as ever', async () => {
      const { out, err } = await run(
        'walled',
        `select id, name from shop.users order by id; select * from shop.names order by id; update shop.users set email = 'z@example.org' where id = 2;
         select id from shop.people; insert into orders (user_id, note) values (2, 'seq'); select count(*) > 5 from orders; select twice(4); select * from plain; select email from notes`,
      );
      assert.equal(err, '');
      assert.match(out, /1\|Anna\n2\|Ben\n1\|Anna\n2\|Ben\n/);
    });

    it('neither functions with their owner’s rights nor triggers nor references are given', async () => {
      const { err } = await run('walled', 'select shop.reveal()');
      assert.match(err, /permission denied for function reveal|ERROR/);
      const { rows } = await inDatabase(
        database,
        `select has_function_privilege(r.oid, 'shop.reveal()', 'EXECUTE') as definer, has_function_privilege(r.oid, 'shop.twice(int)', 'EXECUTE') as other,
          has_table_privilege(r.oid, 'shop.orders', 'TRIGGER, REFERENCES') as more from pg_roles r where rolname like 'sallyport\\_w\\_%'`,
      );
      assert.deepEqual(rows[0], { definer: false, other: true, more: false });
    });

    it('a column that appears later under a protected name is not readable', async () => {
      await inDatabase(
        database,
        'set role owner; create table shop.users2 (id int); grant select on shop.users2 to app',
      );
      const { rows } = await inDatabase(
        database,
        `alter table shop.users add column extra text; select has_column_privilege(r.oid, 'shop.users', 'extra', 'SELECT') as may from pg_roles r where rolname like 'sallyport\\_w\\_%'`,
      ).then((result) => (Array.isArray(result) ? result[1] : result));
      assert.equal(rows[0].may, false);
    });
  });

  it('read-only is the target’s word, whatever the session sets', async () => {
    const { out, err } = await run(
      'reading',
      `show default_transaction_read_only; set default_transaction_read_only = off; select count(*) > 0 from orders; delete from orders; create table shop.t (id int)`,
    );
    assert.match(out, /^on\n/);
    assert.match(out, /\nt\n/);
    assert.match(err, denied('orders'));
    assert.match(err, /permission denied for schema shop/);
  });

  it('a rule’s privileges are all that the role has', async () => {
    const { out, err } = await run(
      'narrow',
      `select count(*) > 0 from orders; insert into orders (note) values ('no'); truncate orders`,
    );
    assert.match(out, /^t\n/);
    assert.equal(err.match(/permission denied for table orders/g)?.length, 2);
    const refused = await run('roleless', 'select 1');
    assert.match(
      refused.err,
      /rule looking names privileges, and the connection roleless has no credential\.postgresRole/,
    );
  });

  it('rights that everybody has make no wall, and the owner is told what to do', async () => {
    await inDatabase(database, 'grant select on shop.contacts to public');
    try {
      // Another wall than the one that stands: it has to be built anew.
      await stack.apply(`kind: Mask\nname: more\nspec: { connections: { names: [walled] }, columns: [shop.notes.id] }`);
      const { err } = await run('walled', 'select 1');
      assert.match(
        err,
        /PUBLIC has SELECT on table "shop"\."contacts".*REVOKE SELECT on table "shop"\."contacts" FROM PUBLIC/s,
      );
    } finally {
      await inDatabase(database, 'revoke select on shop.contacts from public');
      await stack.call('ResourceService/DeleteResource', { kind: 'Mask', name: 'more' });
    }
  });

  it('an issuing role that may not grant something is told which', async () => {
    await inDatabase(database, 'create table shop.foreign_owned (id int); grant select on shop.foreign_owned to app');
    try {
      await stack.apply(
        `kind: Mask\nname: more\nspec: { connections: { names: [walled] }, columns: [shop.notes.email] }`,
      );
      const { err } = await run('walled', 'select 1');
      assert.match(
        err,
        /wall of this connection cannot be built by issuer.*foreign_owned.*member of the role that owns it/s,
      );
    } finally {
      await inDatabase(database, 'drop table shop.foreign_owned');
      await stack.call('ResourceService/DeleteResource', { kind: 'Mask', name: 'more' });
    }
  });

  it('an issuing role that cannot make roles is told what it lacks', async () => {
    await inDatabase(database, 'alter role issuer nocreaterole');
    try {
      const { err } = await run('plain', 'select 1');
      assert.match(err, /No role can be made for this session by issuer .*permission denied.*CREATEROLE/);
    } finally {
      await inDatabase(database, 'alter role issuer createrole');
    }
  });

  it('many sessions at once share one wall', async () => {
    const all = await Promise.all(
      Array.from({ length: 12 }, () => run('walled', 'select id, name from shop.users where id = 1')),
    );
    for (const { out, err } of all) assert.deepEqual([out.trim(), err], ['1|Anna', '']);
  });

  it('a server that crashes in the middle of sessions keeps none of their roles when it is back', async () => {
    const living = [run('plain', 'select pg_sleep(30)'), run('walled', 'select pg_sleep(30)')];
    const asleep = `select count(*)::int as n from pg_stat_activity where query = 'select pg_sleep(30)' and state = 'active' and wait_event = 'PgSleep'`;
    while ((await inDatabase(database, asleep)).rows[0].n < 2);
    await database.crash();
    for (const one of living) assert.notEqual((await one).status, 0);
    while ((await rolesNow()).some((name) => name.startsWith('sallyport_s_')));
    assert.equal((await run('plain', 'select 1')).err, '');
  });

  it('what a crash left behind is swept by the next agent', async () => {
    const living = run('plain', 'select pg_sleep(30)');
    while ((await rolesNow()).length === 0);
    await stack.kill('agent');
    await living;
    const [left = ''] = await rolesNow();
    assert.match(left, /^sallyport_s_/);
    // As if a minute had gone by.
    await inDatabase(
      database,
      `do $$ declare r record; begin for r in select rolname, shobj_description(oid, 'pg_authid')::jsonb as note from pg_roles where rolname like 'sallyport\\_s\\_%' loop
        execute format('comment on role %I is %L', r.rolname, jsonb_set(r.note, '{at}', '"2026-01-01T00:00:00Z"')); end loop; end $$`,
    );
    await inDatabase(
      database,
      `select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = '${left}'`,
    );
    await stack.startAgent(['--name', 'test-agent']);
    assert.equal((await run('plain', 'select 1')).err, '');
    assert.ok(!(await rolesNow()).includes(left));
  });
});
