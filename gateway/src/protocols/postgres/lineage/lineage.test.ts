import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Statement } from '../sql/analysis.ts';
import { SqlReader } from '../sql/reader.ts';
import { Catalogue } from './catalogue.ts';
import { innerStatement, lineageOf, type StatementLineage } from './lineage.ts';

/** users (id, name, ssn, salary), orders (id, user_id, note), a view over users, and a partition of it. */
const rows = {
  relations: [
    ['1', 'public', 'users', 'p', null, 'f'],
    ['2', 'public', 'orders', 'r', null, 'f'],
    ['3', 'public', 'people', 'v', 'select id, ssn as secret, upper(name) as loud from users', 'f'],
    ['4', 'public', 'users_2026', 'r', null, 'f'],
    ['9', 'pg_catalog', 'pg_class', 'r', null, 'f'],
    ['10', 'pg_catalog', 'pg_stats', 'v', null, 'f'],
  ],
  columns: [
    ...['1', '4'].flatMap((oid) => [
      [oid, '1', 'id', '23', null],
      [oid, '2', 'name', '25', null],
      [oid, '3', 'ssn', '25', null],
      [oid, '4', 'salary', '23', null],
    ]),
    ['2', '1', 'id', '23', null],
    ['2', '2', 'user_id', '23', null],
    ['2', '3', 'note', '25', null],
    ['3', '1', 'id', '23', null],
    ['3', '2', 'secret', '25', null],
    ['3', '3', 'loud', '25', null],
    ['9', '1', 'oid', '26', null],
    ['9', '2', 'relname', '19', null],
    ['10', '1', 'most_common_vals', '2277', null],
  ],
  inheritance: [['4', '1']],
  functions: [
    ...['lower', 'upper', 'count', 'min', 'concat', 'row_to_json', 'unnest', 'array_agg', 'generate_series', 'sum'],
    ...['set_config', 'pg_read_file', 'length', 'left'],
  ]
    .map((name): (string | null)[] => ['t', name, 't'])
    .concat([['f', 'leak', 'f']]),
} as Readonly<Record<string, readonly (readonly (string | null)[])[]>>;

describe('lineage', () => {
  const sql = new SqlReader();
  let catalogue: Catalogue;
  const parse = (text: string): Statement | undefined => {
    const analysis = sql.read(text);
    assert.ok(!(analysis instanceof Promise));
    return analysis.statements[0];
  };

  before(async () => {
    await sql.start();
    catalogue = Catalogue.from(rows, parse);
  });
  after(() => sql.stop());

  function lineage(text: string): StatementLineage {
    const statement = parse(text);
    assert.ok(statement, text);
    const cursor = parse('declare c cursor for select ssn from users');
    return lineageOf(statement, catalogue, {
      searchPath: undefined,
      prepared: () => undefined,
      cursor: (name) => (name === 'c' && cursor ? lineageOf(innerStatement(cursor), catalogue, noNames) : undefined),
    });
  }
  const noNames = { searchPath: undefined, prepared: () => undefined, cursor: () => undefined };

  /** `name:source,source` of each output, `=` before those that are exact, `?` where nobody knows; sources of the table itself. */
  const shown = ({ outputs }: StatementLineage): string =>
    outputs === undefined
      ? 'unknown'
      : outputs
          .map(({ name, sources, exact, unknown }) => {
            const own = sources
              .filter(({ table }) => table !== 'users_2026')
              .map(({ table, column }) => `${table}.${column}`);
            return `${name}:${exact ? '=' : ''}${[...new Set(own)].sort().join(',')}${unknown ? '?' : ''}`;
          })
          .join(' ');

  for (const [text, expected] of [
    ['select id, ssn from users', 'id:=users.id ssn:=users.ssn'],
    ['select u.ssn as x from users u', 'x:=users.ssn'],
    ['select * from orders', 'id:=orders.id user_id:=orders.user_id note:=orders.note'],
    ['select upper(ssn) || name from users', '?column?:users.name,users.ssn'],
    ['select x from (select ssn as x from users) t', 'x:=users.ssn'],
    ['with t (y) as (select ssn from users) select y from t', 'y:=users.ssn'],
    ['with recursive t (y) as (select ssn from users union all select y from t) select y from t', 'y:=users.ssn'],
    ['select ssn from users union all select note from orders', 'ssn:=orders.note,users.ssn'],
    ['select u from users u', 'u:users.id,users.name,users.salary,users.ssn'],
    ['select row_to_json(u) from users u', 'row_to_json:users.id,users.name,users.salary,users.ssn'],
    ['select (u).ssn from users u', 'ssn:users.id,users.name,users.salary,users.ssn'],
    ['select secret, loud from people', 'secret:=people.secret,users.ssn loud:people.loud,users.name'],
    ['select ssn from users_2026', 'ssn:=users.ssn'],
    ['select count(*) from users', 'count:'],
    ['select min(ssn) from users', 'min:users.ssn'],
    ['select (select ssn from users limit 1)', 'ssn:users.ssn'],
    ['select array(select ssn from users)', 'array:users.ssn'],
    ['select t.s from orders o, lateral (select ssn as s from users where id = o.user_id) t', 's:=users.ssn'],
    ['insert into orders values (1, 1, $1) returning note', 'note:=orders.note'],
    ['delete from users where id = 1 returning ssn', 'ssn:=users.ssn'],
    ['copy users (ssn) to stdout', 'ssn:=users.ssn'],
    ['fetch 1 from c', 'ssn:=users.ssn'],
    ['select leak(id) from users', 'leak:users.id?'],
    ['values (1, 2)', 'column1: column2:'],
    // An inner alias or system column never hides an outer column.
    ['select (select ssn from (values (1)) ssn (x)) from users', 'ssn:users.ssn'],
    ['select (select xmin from (values (1)) v) from (select ssn as xmin from users) u', 'xmin:users.ssn'],
    ['select relname from pg_class', 'relname:'],
  ] as const) {
    it(text, () => assert.equal(shown(lineage(text)), expected));
  }

  const observes = (text: string): string =>
    [
      ...new Set(
        lineage(text)
          .observed.filter(({ table }) => table !== 'users_2026')
          .map(({ column }) => column),
      ),
    ]
      .sort()
      .join();
  for (const [text, expected] of [
    ["select id from users where ssn = '1'", 'ssn'],
    ['select id from users order by ssn', 'ssn'],
    ['select id, ssn from users order by 2', 'ssn'],
    ['select count(*) from users group by ssn', 'ssn'],
    ['select distinct ssn from users', 'ssn'],
    ['select ssn from users union select note from orders', 'note,ssn'],
    ['select o.id from orders o join users u on u.ssn = o.note', 'note,ssn'],
    ['select 1 / (salary - 50000) from users', 'salary'],
    ['select ssn::int from users', 'ssn'],
    ['select ssn::text from users', ''],
    ["select case when ssn like '1%' then 1 end from users", ''],
    ["select 1 / case when ssn like '1%' then 0 else 1 end from users", 'ssn'],
    ["select count(*) filter (where ssn = '') from users", 'ssn'],
    ['select sum(1) over (order by ssn) from users', 'ssn'],
    ["explain select id from users where ssn = '1'", 'ssn'],
    ["insert into users (ssn) values ('1') on conflict (ssn) do nothing", 'ssn'],
    ['select id from users where exists (select from orders where note = users.ssn)', 'note,ssn'],
  ] as const) {
    it(`${text} tells of ${expected || 'nothing'}`, () => assert.equal(observes(text), expected));
  }

  for (const text of [
    'create table copy as select ssn from users',
    'select ssn into copy from users',
    'insert into orders select 1, 1, ssn from users',
    'update orders set note = (select ssn from users limit 1)',
    'create view v as select ssn from users',
    "copy (select ssn from users) to '/tmp/x'",
  ]) {
    it(`${text} copies`, () => assert.ok(lineage(text).copied.some(({ column }) => column === 'ssn')));
  }

  for (const text of [
    'do $$ begin end $$',
    'call p()',
    'create function f() returns int language sql as $$ select 1 $$',
    "select pg_read_file('x')",
    'select most_common_vals from pg_stats',
    'select id from users where leak(id)',
    'fetch 1 from nobody',
    "select set_config('a.b', ssn, false) from users",
    'alter table users rename ssn to x',
  ]) {
    it(`${text} is not seen through`, () => assert.notEqual(lineage(text).opaque, undefined));
  }

  it('a name that the catalogue does not have is said to be so', () => {
    const { stale, outputs } = lineage('select * from nowhere');
    assert.deepEqual([stale, outputs], [true, undefined]);
  });

  it('constants may become settings', () => {
    assert.equal(lineage("select set_config('search_path', '', false)").opaque, undefined);
  });
});
