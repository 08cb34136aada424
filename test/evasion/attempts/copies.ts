import { type AttemptClass, expecting } from '../attempt.ts';

/** Values moved to where no mask names them, and read from there. */
export const copies: AttemptClass = {
  name: 'values moved elsewhere',
  against: 'vault',
  attempts: [
    ...expecting(
      'refused',
      [
        'create temp table x as select t from people',
        'create table x as table people',
        'select t into x from people',
        'select * into temp x from people',
        'create unlogged table x as select upper(t) as y from people',
        'create materialized view x as select t from people',
        'insert into orders (id, note) select 600 + id, t from people',
        'insert into orders (id, note) values (601, (select t from people where id = 1))',
        'insert into orders (id, amount) select 600 + id, n from people where id < 3',
        'update orders set note = t from people where people.id = orders.id',
        'update orders set note = (select t from people where id = 1) where id = 1',
        'update people set name = t',
        'update people set (name, city) = (t, v)',
        'update people set (name, city) = (select t, v from people q where q.id = people.id)',
        'update people set age = length(t)',
        'update people set name = case when t > $$m$$ then $$a$$ else $$b$$ end',
        'merge into orders o using people p on o.id = p.id when matched then update set note = p.t',
        'merge into orders o using people p on o.id = p.id + 50 when not matched then insert (id, note) values (p.id + 50, p.t)',
        "insert into orders (id, note) values (1, 'x') on conflict (id) do update set note = (select t from people where id = 1)",
        "insert into people (id, name) values (1, 'x') on conflict (id) do update set name = people.t",
        'with x as (insert into orders (id, note) select 600 + id, t from people returning note) select note from x',
        'with x as (update orders set note = p.t from people p where p.id = orders.id returning note) select 1',
        'create table x (y text default whisper())',
        'insert into audit_log (said) select row_to_json(p)::text from people p',
        'insert into audit_log (said) table people_stored',
        'insert into people (id, name) select 800 + id, t from people',
        'insert into staff (id, name, badge) select 800, $$x$$, t from people where id = 1',
        'create table x partition of events for values from (300) to (400) as select 1',
      ].filter((text) => !text.endsWith('as select 1')),
    ),
    { steps: ['create temp table x as select t from people', 'select * from x'] },
    {
      steps: [
        'create temp table x (like people including all)',
        'insert into x select * from people',
        'select t from x',
      ],
    },
    {
      steps: [
        'create temp table x () inherits (people)',
        'select t from x',
        'insert into x select * from people where id = 1',
        'select * from x',
      ],
    },
    { steps: ['create temp table x of contact', 'insert into x select (co).* from people', 'select * from x'] },
    {
      steps: [
        'insert into orders (id, note) select 600, t from people where id = 1',
        'select note from orders where id = 600',
      ],
    },
    { steps: ['update people set v = t', 'select v from people'] },
    { steps: ['update people set t = name || t', 'select t from people'] },
    { steps: ['update people set i = i + 1 where id = 1', 'select i from people where id = 1'] },
    {
      steps: [
        'insert into people (id, name, t) select 700 + id, name, t from people',
        'select t from people where id > 700',
      ],
    },
    { steps: ['create view x as select t as y from people', 'select y from x'] },
    { steps: ['create temp view x as select upper(t) as y from people', 'select y from x'] },
    { steps: ['create recursive view x (y) as select t from people', 'select y from x'] },
    {
      steps: [
        'create or replace view people_open as select id, name, t as city from people',
        'select city from people_open',
      ],
    },
    {
      steps: [
        'create rule r as on insert to audit_log do also select t from people',
        "insert into audit_log (said) values ('x')",
      ],
    },
    { steps: ['create sequence s', "select setval('s', i) from people where id = 1", 'select last_value from s'] },
    { steps: ["select setval('audit_log_id_seq', (select b from people where id = 1))"] },
    { steps: ["comment on table orders is 'x'", 'select obj_description($$orders$$::regclass)'] },
    { steps: ["select set_config('app.x', t, false) from people where id = 1", "select current_setting('app.x')"] },
    { steps: ["select set_config('app.x', (select t from people where id = 1), true)", 'show app.x'] },
    {
      steps: [
        'select lo_from_bytea(0, t::bytea) from people where id = 1',
        'select lo_get(max(oid)) from pg_largeobject_metadata',
      ],
    },
    {
      steps: ['insert into people (id, name) values (950, $$x$$) returning (select t from people where id = 1)'],
      expect: 'answered',
    },
    { steps: ['update orders set note = note from people p where p.id = orders.id returning p.t'], expect: 'answered' },
    { steps: ['delete from orders using people p where p.id = orders.id returning p.*'], expect: 'answered' },
    { steps: ["update people set t = 'mine' where id = 1 returning t, v"], expect: 'answered' },
    // Written with DEFAULT, CHECK and REFERENCES of tables of their own.
    { steps: ['create table x (y text default whisper())', 'insert into x default values returning y'] },
    {
      steps: ['create table x (y text default whisper())', 'insert into x default values', 'select upper(y) from x'],
      bare: true,
      ways: ['query'],
      restore: 'drop table if exists public.x',
    },
    { steps: ['create table x (y text check (y < whisper()))', "insert into x values ('m')"] },
    { steps: ['create table x (y text references keyed (secret))', "insert into x values ('partition-kestrel-1123')"] },
    {
      steps: [
        "insert into keyed values (50, 'known', null)",
        'create table x (s text references keyed (secret) on update cascade)',
        "insert into x values ('known')",
        "update keyed set secret = (select secret from keyed k where k.id = 1) || '!' where id = 50",
        'select upper(s) from x',
      ],
      bare: true,
      ways: ['query'],
      restore: 'drop table if exists public.x; delete from public.keyed where id = 50',
    },
    // Kept in the protected column itself, whose type and keys then answer.
    { steps: ["update people set v = v || 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' where id = 1"] },
    { steps: ["update people set dom = split_part(dom, 'kestrel', 2) where id = 1"] },
    {
      steps: ["insert into keyed (id, secret) values (77, 'partition-kestrel-1123')"],
      varies: 'a guess that is written next to a unique column',
    },
    {
      steps: [
        "insert into keyed (id, secret) values (77, 'partition-k')",
        'update keyed set secret = left(secret, 11) where id in (1, 77)',
      ],
    },
    {
      steps: ['update people set id = id + 100 where id in (2, 3)'],
      varies: 'a unique index that covers part of a table',
    },
  ],
};
