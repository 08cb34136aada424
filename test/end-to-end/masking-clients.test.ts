import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, beforeEach, describe, it } from 'node:test';
import { promisify } from 'node:util';
import {
  bind,
  close,
  copyData,
  copyDone,
  describe as describeNamed,
  execute,
  flush,
  functionCall,
  parse,
  query,
  sync,
} from '@sallyport/shared/wire/postgres/frontend.ts';
import pg from 'pg';
import postgres from 'postgres';
import { psql } from '../harness/psql.ts';
import { errorOf, type Message, rowsOf, WireClient } from '../harness/wire-client.ts';
import { canaryMasks, canarySchema, found, foundBelow, Tap } from './canary.ts';
import { Fixture, inDatabase } from './fixture.ts';

const run = promisify(execFile);
/** The texts of all rows' values. */
const texts = (messages: readonly Message[]): string =>
  messages
    .filter(({ type }) => type === 'D')
    .map(({ body }) => body.toString('latin1'))
    .join('\n');
const letters = (messages: readonly Message[]): string => messages.map(({ type }) => type).join('');

describe('clients under masks', () => {
  let all: Fixture;
  let tap: Tap;
  let client: WireClient;
  before(async () => {
    all = await Fixture.start();
    await inDatabase(all.database, canarySchema);
    await all.stack.apply(canaryMasks);
    tap = await Tap.start(all.stack.ports.postgres);
  });
  beforeEach(async () => {
    client?.end();
    client = await WireClient.open({ port: tap.port, database: 'shop', password: all.tokens.alice });
  });
  after(async () => {
    client?.end();
    await tap.stop();
    await all.stop();
  });
  const script = (sql: string) =>
    psql(`host=127.0.0.1 port=${tap.port} dbname=shop user=anybody sslmode=disable`, sql, {
      password: all.tokens.alice,
    });

  describe('see no protected value', () => {
    it('psql, with several statements at once', async () => {
      const { out, err } = await script(
        "select 1 \\; update people set name = name where id = 1 \\; select upper(t) from people where id = 1 \\; select 'end';",
      );
      assert.equal(err, '');
      assert.match(out, /1\nUPDATE 1\n\[redacted\]\nend/);
      tap.assertClean();
    });

    it('psql, with \\copy, \\gdesc, \\watch, FETCH_COUNT', async () => {
      const { out, err } = await script(
        '\\copy (select id, t from people where id < 3) to stdout\nselect t from people \\gdesc\n\\set FETCH_COUNT 1\nselect t from people;',
      );
      assert.equal(err, '');
      assert.match(out, /^1\t\[redacted\]$/m);
      tap.assertClean();
    });

    it('node-postgres: named, again, by rows, as text', async () => {
      const person = new pg.Client({
        host: '127.0.0.1',
        port: tap.port,
        user: 'a',
        password: all.tokens.alice,
        database: 'shop',
      });
      await person.connect();
      for (let i = 0; i < 3; i++) {
        const { rows } = await person.query({
          name: 'mine',
          text: 'select t, i, upper(t) as u from people where id = $1',
          values: [1],
        });
        assert.deepEqual(rows, [{ t: '[redacted]', i: null, u: '[redacted]' }]);
      }
      const limited = { text: 'select t from people where id = 1', rows: 1 } as unknown as pg.QueryConfig;
      assert.equal((await person.query(limited)).rows[0].t, '[redacted]');
      await person.end();
      tap.assertClean();
    });

    it('postgres.js: prepared once, executed without Describe, pipelined, as a cursor', async () => {
      const sql = postgres({
        host: '127.0.0.1',
        port: tap.port,
        user: 'a',
        password: all.tokens.alice,
        database: 'shop',
        max: 1,
      });
      for (const id of [1, 2, 1]) assert.equal((await sql`select t, name from people where id = ${id}`).length, 1);
      const both = await Promise.all(
        [1, 2, 1].map((id) => sql`select upper(t) as loud, ${id}::int as id from people where id = 1`),
      );
      for (const [row] of both) assert.equal(row?.['loud'], '[redacted]');
      for await (const [row] of sql`select t from people where id = 1`.cursor(1))
        assert.equal(row?.['t'], '[redacted]');
      await sql.end();
      tap.assertClean();
    });

    it('a portal that is suspended and resumed, in either format', async () => {
      for (const format of [0, 1] as const) {
        const bound = bind({ portal: 'p', resultFormats: [format] });
        await client.ask(query('begin'));
        const answer = await client.ask(
          parse('', 'select t, i, u, jb from people'),
          bound,
          execute('p', 1),
          execute('p', 1),
          execute('p', 5),
          sync(),
        );
        assert.match(letters(answer), /^12DsDsD?C/);
        await client.ask(query('rollback'));
      }
      tap.assertClean();
    });

    it('cursors, by name and moved about', async () => {
      const answer = await client.ask(
        query(
          'begin; declare c scroll cursor for select upper(t), i from people; fetch 1 from c; fetch all from c; fetch backward 2 from c; close c; commit',
        ),
      );
      assert.equal(errorOf(answer), undefined);
      assert.ok(rowsOf(answer) >= 3);
      tap.assertClean();
    });

    it('a cursor’s name that means another cursor by now', async () => {
      await client.ask(query('begin; declare c cursor for select 1, 2'));
      await client.ask(query('close c; declare c cursor for select upper(t), reverse(t) from people'));
      await client.ask(query('fetch all from c'));
      await client.ask(query('rollback'));
      tap.assertClean();
    });

    it('PREPARE and EXECUTE, by SQL and crosswise', async () => {
      const answer = await client.ask(query('prepare s as select upper(t) from people; execute s'));
      assert.match(texts(answer), /\[redacted\]/);
      await client.ask(query("deallocate s; prepare s as select upper('plain')"));
      await client.ask(query('deallocate s; prepare s as select reverse(t) from people'));
      await client.ask(query('execute s'));
      await client.ask(parse('s2', 'select upper(t) from people'), sync());
      await client.ask(query('execute s2'));
      await client.ask(bind({ statement: 's' }), execute(), sync());
      tap.assertClean();
    });

    it('a pipeline of different plans, errors between, one Sync or several', async () => {
      const one = (sql: string, format: 0 | 1 = 0) => [parse('', sql), bind({ resultFormats: [format] }), execute()];
      const answer = await client.ask(
        ...one("select upper('plain')"),
        ...one('select upper(t) from people'),
        ...one('update people set name = name where id = 2'),
        ...one('select upper(name) from people'),
        ...one('select reverse(t) from people', 1),
        sync(),
      );
      assert.match(texts(answer), /PLAIN.*ANNA/s);
      assert.equal(rowsOf(answer), 10);
      client.send(
        ...one('select 1/0'),
        ...one("select upper('a')"),
        sync(),
        ...one('select upper(t) from people'),
        sync(),
        ...one('select no_such_column'),
        ...one("select 'b'"),
        sync(),
        ...one('select reverse(t) from people'),
        sync(),
      );
      await client.ready(4);
      tap.assertClean();
    });

    for (const [name, ahead] of [
      ['a query behind an error that awaits Sync', [parse('', 'select no_such'), query("select upper('x')"), sync()]],
      ['a Sync that a copy swallows', [query('copy orders from stdin'), sync(), copyDone()]],
      ['a copy that ends before it starts', [query('copy orders from stdin'), copyDone()]],
      ['a copy that fails under its Sync', [query('copy orders from stdin'), copyData(Buffer.from('bad\n')), sync()]],
    ] as const) {
      it(`${name}: what follows is never shown by another’s plan`, async () => {
        client.send(...ahead);
        for (let i = 0; i < 3; i++) {
          client.send(query("select upper('x')"), query('select upper(t) from people'), query("select reverse('x')"));
        }
        client.send(sync(), query('select 1'));
        await client.until('E');
        await Promise.race([client.ready(99), new Promise((late) => setTimeout(late, 300).unref())]);
        tap.assertClean();
      });
    }

    it('a Describe that is flushed, a name closed and given anew', async () => {
      client.send(parse('n', "select upper('x')"), describeNamed('statement', 'n'), flush());
      await client.until('T');
      await client.ask(
        close('statement', 'n'),
        parse('n', 'select upper(t) from people'),
        bind({ statement: 'n' }),
        execute(),
        sync(),
      );
      await client.ask(bind({ statement: 'n', resultFormats: [1] }), describeNamed('portal'), execute(), sync());
      tap.assertClean();
    });

    it('a portal or statement that nobody bound, and a function called by its number', async () => {
      assert.match(errorOf(await client.ask(execute('never'), sync())) ?? '', /^42501 /);
      assert.match(errorOf(await client.ask(bind({ statement: 'never' }), execute(), sync())) ?? '', /^42501 /);
      assert.match(errorOf(await client.ask(functionCall(871, [Buffer.from('x')]))) ?? '', /^42501 /);
    });

    it('COPY out in every format', async () => {
      for (const how of ['', '(format csv, header)', '(format binary)', "(format csv, delimiter ';', null 'none')"]) {
        const answer = await client.ask(query(`copy (select id, t, i, u, jb, raw from people) to stdout ${how}`));
        assert.equal(errorOf(answer), undefined, how);
        assert.ok(
          answer.some(({ type }) => type === 'd'),
          how,
        );
        await client.ask(parse('', `copy people to stdout ${how}`), bind({}), execute(), sync());
      }
      tap.assertClean();
    });

    it('a detector’s find, in rows, in long ones, in copies', async () => {
      const answer = await client.ask(query('select note from notes'));
      assert.match(texts(answer), /pay with \[redacted\] today/);
      assert.match(
        texts(await client.ask(parse('', 'select note from notes'), bind({ resultFormats: [1] }), execute(), sync())),
        /lorem/,
      );
      await client.ask(query('copy notes to stdout'));
      tap.assertClean();
    });
  });

  describe('come under what changes while they live', () => {
    it('a view that is redefined between two executions of one statement', async () => {
      await inDatabase(
        all.database,
        'create view moving as select id, name as x from people; grant select on moving to app',
      );
      await client.ask(parse('m', 'select upper(x) from moving'), sync());
      await client.ask(bind({ statement: 'm' }), execute(), sync());
      await client.ask(
        query('begin; create or replace view app_moving as select upper(name) as x from people; commit'),
      );
      await client.ask(parse('a', 'select x from app_moving'), bind({ statement: 'a' }), execute(), sync());
      await client.ask(query('create or replace view app_moving as select upper(t) as x from people'));
      await client.ask(bind({ statement: 'a' }), execute(), sync());
      await client.ask(query('select x from app_moving'));
      tap.assertClean();
    });

    it('definitions that are made and read in one transaction', async () => {
      await client.ask(query('begin'));
      await client.ask(query('create view inside as select upper(t) as x from people'));
      await client.ask(query('select x from inside'));
      await client.ask(query('alter table people rename column t to tt'));
      await client.ask(query('select upper(tt) from people'));
      await client.ask(query('rollback'));
      await client.ask(
        query('begin; create view inside as select upper(t) as x from people; select x from inside; rollback'),
      );
      tap.assertClean();
    });

    it('another search_path', async () => {
      await inDatabase(
        all.database,
        "create schema other; create table other.people (id int, t text); insert into other.people values (1, 'harmless'); grant usage on schema other to app; grant all on other.people to app",
      );
      await client.ask(parse('s', 'select upper(t) from people'), sync());
      await client.ask(query('set search_path = other'));
      await client.ask(bind({ statement: 's' }), execute(), sync());
      await client.ask(query('select upper(t) from people'));
      await client.ask(query('set search_path = public'));
      await client.ask(bind({ statement: 's' }), execute(), sync());
      await client.ask(
        query('select upper(t) from people; set search_path = other, public; select reverse(t) from people'),
      );
      await inDatabase(all.database, 'drop schema other cascade');
      tap.assertClean();
    });

    it('a mask that is added, and one that is taken away, end the session with the reason', async () => {
      await client.ask(parse('late', 'select note from orders where id = $1'), sync());
      await all.stack.apply(
        'kind: Mask\nname: later\nspec: { connections: { names: [shop] }, columns: [public.orders.note] }',
      );
      const told = await client.ask(bind({ statement: 'late', parameters: [Buffer.from('1')] }), execute(), sync());
      assert.match(errorOf(told) ?? '', /^57P01 the masks on shop that apply to you have changed; connect again/);
      const again = await WireClient.open({ port: tap.port, database: 'shop', password: all.tokens.alice });
      assert.match(texts(await again.ask(query('select note from orders where id = 1'))), /\[redacted\]/);
      await all.stack.cli(['delete', 'Mask', 'later']);
      await again.until('E');
      again.end();
    });

    it('a change of a mask that does not concern a session leaves it alone', async () => {
      await all.stack.apply(
        'kind: Mask\nname: elsewhere\nspec: { connections: { names: [nowhere] }, columns: [public.orders.note] }',
      );
      assert.equal(rowsOf(await client.ask(query('select 1'))), 1);
    });
  });

  describe('work as ever', () => {
    for (const command of [
      '\\d',
      '\\dt',
      '\\dt+',
      '\\d users',
      '\\d+ people',
      '\\dn',
      '\\df',
      '\\dv',
      '\\du',
      '\\l',
      '\\dT',
      '\\di',
      '\\dp',
      '\\sv people_view',
    ]) {
      it(`psql ${command}`, async () => {
        const { out, err } = await script(command);
        assert.equal(err, '');
        assert.doesNotMatch(out, /\[redacted\]/);
      });
    }

    it('pg_dump --schema-only', async () => {
      const { stdout } = await run(
        'pg_dump',
        ['--schema-only', '-h', '127.0.0.1', '-p', String(tap.port), '-U', 'a', '-t', 'orders', 'shop'],
        {
          env: { PATH: process.env['PATH'], PGPASSWORD: all.tokens.alice, PGSSLMODE: 'disable' },
        },
      );
      assert.match(stdout, /CREATE TABLE public\.orders/);
    });

    it('transactions, savepoints, prepared inserts, COPY FROM', async () => {
      const person = new pg.Client({
        host: '127.0.0.1',
        port: tap.port,
        user: 'a',
        password: all.tokens.alice,
        database: 'shop',
      });
      await person.connect();
      await person.query('begin');
      await person.query('savepoint s');
      await assert.rejects(person.query('select 1/0'), { code: '22012' });
      await person.query('rollback to savepoint s');
      await person.query('insert into orders (id, user_id, amount, note) values ($1, $2, $3, $4)', [
        2000,
        1,
        '9.99',
        'new',
      ]);
      await person.query('insert into users (id, name, email) values ($1, $2, $3)', [77, 'Gil', 'gil@example.org']);
      const { rows } = await person.query(
        'select u.name, o.amount from users u join orders o on o.user_id = u.id where o.id = $1',
        [2000],
      );
      assert.deepEqual(rows, [{ name: 'Anna', amount: '9.99' }]);
      const updated = await person.query('update users set email = $1 where id = $2 returning id, email', [
        'x@example.org',
        77,
      ]);
      assert.deepEqual(updated.rows, [{ id: 77, email: '[redacted]' }]);
      await person.query('rollback');
      await person.end();
      const { out, err } = await script(
        'begin;\ncopy orders (id, note) from stdin;\n3000\tcopied\n\\.\nselect note from orders where id = 3000;\nrollback;',
      );
      assert.equal(err, '');
      assert.match(out, /copied/);
      await client.ask(query('begin'));
      client.send(parse('', 'copy orders (id, note) from stdin'), bind({}), execute(), sync());
      await client.until('G');
      const copied = await client.ask(copyData(Buffer.from('3001\tx\n')), copyDone(), sync());
      assert.match(letters(copied), /CZ$/);
      await client.ask(query('rollback'));
    });
  });

  it('leave no protected value in what is written down', () => {
    assert.deepEqual(foundBelow(all.stack.dataFolder), []);
    assert.deepEqual(foundBelow(`${all.stack.folder}/agent`), []);
    assert.deepEqual(found(Buffer.from(all.stack.log.join('\n'))), []);
  });
});
