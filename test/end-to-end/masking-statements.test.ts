import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  bind,
  describe as describeNamed,
  execute,
  parse,
  query,
  sync,
} from '@sallyport/shared/wire/postgres/frontend.ts';
import { errorOf, rowsOf, WireClient } from '../harness/wire-client.ts';
import { canaryMasks, canarySchema, found, foundBelow, Tap } from './canary.ts';
import { Fixture, inDatabase } from './fixture.ts';

/** What comes of a statement: rows without the values, a refusal, or either as long as nothing is told. */
type Outcome = 'rows' | 'refused' | 'done' | 'silent';

const cases: readonly (readonly [sql: string, outcome: Outcome])[] = [
  ['select * from people', 'rows'],
  ['select people from people', 'rows'],
  ['select p.*, 1 from people p', 'rows'],
  ['table people', 'rows'],
  ['select t, v, i, b, n, d, u from people where id = 1', 'rows'],
  ['select j, jb, a, dom, e, raw from people where id = 1', 'rows'],
  ['select row_to_json(p) from people p', 'rows'],
  ['select to_jsonb(p) from people p', 'rows'],
  ['select array_agg(t) from people', 'rows'],
  ['select string_agg(t, chr(44)) from people', 'rows'],
  ['select json_agg(p) from people p', 'rows'],
  ["select 'x' || t || 'y' from people", 'rows'],
  ['select upper(t), reverse(t), md5(t), substr(t, 2) from people', 'rows'],
  ["select encode(t::bytea, 'hex'), encode(t::bytea, 'base64') from people", 'refused'],
  ['select t::varchar, i::bigint, n::text, d::text, u::text, j::jsonb from people', 'silent'],
  ['select i + 0, b, n * 1, d + 0 from people', 'silent'],
  ["select j ->> 'k', jb -> 'k', a[2] from people", 'rows'],
  ['select (p).t from people p', 'rows'],
  ['select x.t from (select * from people) x', 'rows'],
  ['with x as (select t as y from people) select y from x', 'rows'],
  ['with recursive x(y) as (select t from people union all select y from x where false) select y from x', 'rows'],
  ['select (select t from people where id = 1)', 'rows'],
  ['select array(select t from people)', 'rows'],
  ['select t from people union all select name from people', 'rows'],
  ['values ((select t from people where id = 1), 1)', 'rows'],
  ['select l.t from orders o, lateral (select t from people where id = o.id) l', 'rows'],
  ['select coalesce(t, name), case when true then t end, nullif(t, name) from people', 'silent'],
  ['select greatest(t, name) from people', 'silent'],
  ['select min(t), max(i), sum(b), avg(n), count(*) from people', 'silent'],
  ['select first_value(t) over () from people', 'rows'],
  ['select unnest(a) from people', 'silent'],
  ['select jsonb_each_text(jb) from people', 'silent'],
  ['select x.* from people, jsonb_array_elements_text(jb -> $$k$$) x', 'silent'],
  ['select * from people_view', 'rows'],
  ['select reach, i from people_view', 'rows'],
  ['select * from people_loud', 'rows'],
  ['select * from staff', 'rows'],
  ['select t from only people', 'rows'],
  ['select * from events', 'rows'],
  ['select * from events_low', 'rows'],
  ['select secret from events_low', 'rows'],
  ['update people set name = name where id = 1 returning *', 'rows'],
  ['update people set name = name where id = 1 returning upper(t)', 'rows'],
  [
    "insert into people (id, name, t) values (50, 'n', 'mine') on conflict (id) do update set name = 'n' returning t",
    'rows',
  ],
  ['delete from people where id = 2 returning t', 'rows'],
  [
    'merge into orders o using people p on p.id = o.id when matched then update set note = o.note returning p.t',
    'silent',
  ],
  ['select * into stolen from people', 'refused'],
  ['create table stolen as select t from people', 'refused'],
  ['create view stolen as select t as x from people', 'silent'],
  ['create materialized view stolen2 as select t as x from people', 'refused'],
  ['insert into orders (id, note) select 1000 + id, t from people', 'refused'],
  ['update orders set note = t from people where people.id = orders.id', 'refused'],
  ["select id from people where t like 'k%'", 'refused'],
  ['select id from people order by t', 'refused'],
  ['select count(*) from people group by t', 'refused'],
  ['select distinct t from people', 'refused'],
  ['select name from people having max(t) > $$a$$', 'refused'],
  ['select o.id from orders o join people p on p.i = o.id', 'refused'],
  ['select id from people where (select t from people where id = 1) > $$a$$', 'refused'],
  ["select id from people_view where reach like 'k%'", 'refused'],
  ['select row_number() over (order by t) from people', 'refused'],
  ['select id from people limit (select length(t) from people where id = 1)', 'refused'],
  ['do $$ begin raise notice $a$x$a$; end $$', 'refused'],
  ['explain select t from people', 'silent'],
  ['explain (analyze, verbose) select t from people', 'silent'],
  ["explain select id from people where t = 'x'", 'refused'],
  ['select t::int from people where id = 1', 'silent'],
  ['select 1 / (i - i) from people', 'silent'],
  ['select (t || $$x$$)::regclass from people', 'silent'],
  ["select query_to_xml('select t from people', true, false, '')", 'refused'],
  ["select table_to_xml('people', true, false, '')", 'refused'],
  ["select most_common_vals from pg_stats where tablename = 'people'", 'silent'],
  ["select histogram_bounds::text from pg_stats where tablename = 'people'", 'silent'],
  ['select * from pg_statistic', 'silent'],
  ['select lo_from_bytea(0, t::bytea) from people', 'silent'],
  ["select set_config('application_name', t, false) from people where id = 1", 'silent'],
  ["select pg_notify('pokes', t) from people where id = 1", 'silent'],
  ["insert into poke values ('notice')", 'done'],
  ["insert into poke values ('raise')", 'silent'],
  ["insert into poke values ('notify')", 'silent'],
  ["insert into poke values ('unique')", 'silent'],
  ["insert into poke values ('syntax')", 'silent'],
  ["insert into poke values ('column')", 'silent'],
  ["insert into poke values ('setting')", 'silent'],
  ['select part, hashed, gone from treated', 'rows'],
  ['select upper(part), upper(hashed), upper(gone) from treated', 'rows'],
  ['select secret from big', 'rows'],
  ['select * from big', 'rows'],
  ['select length(filler), secret || filler from big', 'rows'],
  ['select note from notes', 'rows'],
  ['select notes, upper(note), array[note] from notes', 'rows'],
  ['select note::bytea, note::json is null from notes where id = 3', 'silent'],
  ["select encode(note::bytea, 'escape') from notes where id = 1", 'rows'],
  ['copy people to stdout', 'silent'],
  ['copy (select t, i from people) to stdout (format csv, header)', 'silent'],
  ['copy (select t, i, b, u, d, n, j, jb, raw from people) to stdout (format binary)', 'silent'],
  ['copy (select secret from big) to stdout', 'silent'],
  ['copy notes to stdout', 'silent'],
];

describe('no statement tells a protected value', () => {
  let all: Fixture;
  let tap: Tap;
  before(async () => {
    all = await Fixture.start();
    await inDatabase(all.database, canarySchema);
    await inDatabase(all.database, 'analyze people');
    await all.stack.apply(canaryMasks);
    tap = await Tap.start(all.stack.ports.postgres);
  });
  after(async () => {
    await tap.stop();
    await all.stop();
  });

  const ways = {
    'a simple query': (sql: string) => [query(sql)],
    'the extended query, as text': (sql: string) => [
      parse('', sql),
      bind({}),
      describeNamed('portal'),
      execute(),
      sync(),
    ],
    'the extended query, binary and never described': (sql: string) => [
      parse('', sql),
      bind({ resultFormats: [1] }),
      execute(),
      sync(),
    ],
  } as const;

  for (const [way, messages] of Object.entries(ways)) {
    describe(`by ${way}`, () => {
      let client: WireClient;
      before(async () => {
        client = await WireClient.open({ port: tap.port, database: 'shop', password: all.tokens.alice });
        await client.ask(query('listen pokes'));
      });
      after(() => client.end());
      for (const [sql, outcome] of cases) {
        it(`${sql} → ${outcome}`, async () => {
          if (client.closed)
            client = await WireClient.open({ port: tap.port, database: 'shop', password: all.tokens.alice });
          await client.ask(query('begin'));
          const answer = await client.ask(...messages(sql));
          const rolledBack = await client.ask(query('rollback'));
          tap.assertClean();
          const error = errorOf(answer);
          if (outcome === 'refused') assert.match(error ?? 'no error', /^42501 .*(masks?|protected|canaries)/);
          if (outcome === 'rows') {
            assert.equal(error, undefined);
            assert.ok(rowsOf(answer) > 0, 'no row came');
          }
          if (outcome === 'done') assert.equal(error, undefined);
          assert.ok(!client.closed, `the session ended: ${error ?? errorOf(rolledBack)}`);
        });
      }
    });
  }

  it('nothing of it was written down', () => {
    assert.deepEqual(foundBelow(all.stack.dataFolder), [], 'a protected value was written down');
    assert.deepEqual(found(Buffer.from(all.stack.log.join('\n'))), []);
  });

  // From here on the recordings hold values: they are of what the person saw.
  it('the canaries do come to whom the masks except, so that this test can fail', async () => {
    const client = await WireClient.open({ port: tap.port, database: 'shop', password: all.tokens.dana });
    await client.ask(...ways['a simple query']('select * from people'));
    const names = new Set(found(tap.take()).map((what) => what.split(' as ')[0]));
    for (const name of [
      'text',
      'varchar',
      'int',
      'bigint',
      'numeric',
      'date',
      'uuid',
      'json',
      'jsonb',
      'bytea',
      'enum',
    ])
      assert.ok(names.has(name), name);
    await client.ask(...ways['the extended query, binary and never described']('select i, b, n, d, u from people'));
    const binary = found(tap.take());
    for (const name of ['int', 'bigint', 'numeric', 'date', 'uuid'])
      assert.ok(
        binary.some((what) => what.startsWith(name)),
        name,
      );
    client.end();
  });

  it('partial shows the last four, hash a hash, null nothing', async () => {
    const { out } = await all.psql('alice', 'select part, hashed, gone is null, gone from treated');
    assert.match(out, /^\*+mple\|[0-9a-f]{16}\|/);
  });
});
