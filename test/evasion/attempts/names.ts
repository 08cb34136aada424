import type { AttemptClass } from '../attempt.ts';

/** What a name stands for is changed under the gateway's eyes. */
export const names: AttemptClass = {
  name: 'names and search paths',
  against: 'vault',
  attempts: [
    {
      steps: [
        'create schema s',
        'create table s.people (t text)',
        'set search_path = s',
        'select t from people',
        'select t from public.people',
      ],
    },
    {
      steps: [
        'create schema s',
        'create view s.orders as select t as note from public.people',
        'set search_path = s, public',
        'select note from orders',
      ],
    },
    { steps: ['create temp view orders as select t as note from public.people', 'select note from orders'] },
    {
      steps: [
        'create temp table orders as select 1 as id',
        'drop table pg_temp.orders',
        'alter table people rename to orders',
        'select t from orders',
      ],
    },
    { steps: ['alter table people rename to harmless', 'select t from harmless'] },
    { steps: ['alter table people rename column t to harmless', 'select harmless from people'] },
    {
      steps: [
        'alter table people rename column name to x',
        'alter table people rename column t to name',
        'select name from people',
      ],
    },
    { steps: ['create schema s', 'alter table people set schema s', 'select t from s.people'] },
    { steps: ['alter schema public rename to s', 'select t from s.people'] },
    { steps: ['create table other (like people)', 'alter table other inherit people', 'select t from other'] },
    { steps: ['alter table staff no inherit people', 'select t from staff'] },
    { steps: ['alter table events detach partition events_low', 'select secret from events_low'] },
    {
      steps: [
        'create table fresh partition of events for values from (300) to (400)',
        "insert into fresh select 301, 'x', secret from events",
        'select secret from fresh',
      ],
    },
    { steps: ['alter table people add column plain text', 'update people set plain = t', 'select plain from people'] },
    { steps: ['alter table people alter column t type varchar(90)', 'select t from people'] },
    {
      steps: [
        'alter table orders add column p people',
        'update orders set p = people from people where people.id = orders.id',
        'select p from orders',
      ],
    },
    { steps: ['alter table people alter column name type text using t', 'select name from people'] },
    { steps: ['alter table people alter column age type int using length(t)', 'select age from people'] },
    { steps: ["alter table people add column z text default 'x'", 'select z, t from people'] },
    { steps: ['create table w (x text) with (fillfactor = 50)', 'select t from people'] },
    { steps: ['set search_path = pg_temp, public', 'select t from people'], expect: 'answered' },
    { steps: ["set search_path to ''", 'select t from public.people'], expect: 'answered' },
    { steps: ["select set_config('search_path', 'public', false)", 'select t from people'], expect: 'answered' },
    { steps: ['set search_path = nowhere', 'select t from people'] },
    { steps: ['set local search_path = pg_catalog', 'select t from public.people'], expect: 'answered' },
    { steps: ['select "t" from "people"'], expect: 'answered' },
    { steps: ['select "T" from people'] },
    { steps: ['SELECT T FROM PEOPLE'], expect: 'answered' },
    { steps: ['select PEOPLE.T from PUBLIC.PEOPLE'], expect: 'answered' },
    { steps: ['select t from postgres.public.people'], expect: 'answered' },
    { steps: ['select postgres.public.people.t from people'] },
    { steps: ['create table "people " (t text)', 'select t from people'] },
    { steps: ['create view "PEOPLE" as select t from people', 'select * from "PEOPLE"'] },
    { steps: ['create table pg_stats2 as select 1', 'alter table pg_stats2 rename to x', 'select t from people'] },
    { steps: ['create schema pg_stats', 'select t from people'] },
    { steps: ['create view pg_class2 as select relname as t from pg_class', 'select t from people'] },
    { steps: ['create table public.pg_class (t text)', 'select t from people'] },
    { steps: ['with "people" as (select * from public.people) select * from "people"'], expect: 'answered' },
    {
      steps: [
        'create temp table people2 as select * from people with no data',
        'insert into people2 table people',
        'select t from people2',
      ],
    },
    { steps: ['begin; alter table people rename to x; select t from x; rollback'], bare: true, ways: ['query'] },
    { steps: ['alter table people rename to x; select t from x'], ways: ['query'] },
    { steps: ['create view v as select t as y from people; select y from v'], ways: ['query'] },
    { steps: ['create table x (t text); insert into x select t from people; select * from x'], ways: ['query'] },
    {
      steps: [
        'drop view people_open',
        'create view people_open as select id, t as name, city from people',
        'select name from people_open',
      ],
    },
    { steps: ['alter view people_view rename to v2', 'select reach from v2'] },
    { steps: ['alter materialized view people_stored rename column kept to x', 'select x from people_stored'] },
    { steps: ['drop table orders', 'alter table people rename to orders', 'select * from orders'] },
    { steps: ['truncate people', 'select * from people'] },
    { steps: ['create type orders2 as (t text)', 'select (row(t)::orders2).t from people'] },
    // Things that a transaction of its own puts in the place of others.
    {
      steps: [
        'create temp table orders (note text default whisper())',
        'insert into pg_temp.orders default values',
        'select upper(note) from orders',
      ],
    },
    {
      steps: [
        'create temp table pg_enum (enumlabel text default whisper())',
        'insert into pg_temp.pg_enum default values',
        'select upper(enumlabel) from pg_enum',
      ],
    },
    {
      steps: [
        "create temp table orders (note xml default query_to_xml('select t from people', true, true, ''))",
        'insert into pg_temp.orders default values',
        'select upper(note::text) from orders',
      ],
    },
    {
      steps: [
        'create schema s create view orders as select id, upper(t) as note from public.people',
        'set search_path = s, public',
        'select lower(note) from orders',
      ],
    },
    {
      steps: [
        'create schema s create view pg_enum as select oid, t as enumlabel from public.people, pg_catalog.pg_class limit 3',
        'set search_path = s, pg_catalog',
        'select upper(enumlabel) from pg_enum',
      ],
    },
    {
      steps: [
        "create schema s create view v as select id from public.people where t like 'kestrel%'",
        'select * from s.v',
      ],
    },
    { steps: ['create schema s create view v as select id from public.people order by t', 'select id from s.v'] },
    {
      steps: [
        "create type citext as enum ('kestrel.anna@secret.example')",
        'select t::citext from people where id = 1',
      ],
    },
    {
      steps: [
        'create schema s',
        "create type s.text as enum ('kestrel.anna@secret.example')",
        'select t::s.text from people where id = 1',
      ],
    },
    {
      steps: [
        'create temp table kept (s text)',
        'prepare p as select upper(note) from orders',
        'create temp table orders (note text default whisper())',
        'insert into pg_temp.orders default values',
        'execute p',
      ],
    },
    // What a table that is made beside a protected one tells of it.
    {
      steps: [
        'create table x partition of events for values from (300) to (400) partition by range (secret)',
        "create table x1 partition of x for values from ('partition-a') to ('partition-m')",
        'update events set id = 301 where id = 1',
      ],
    },
    {
      steps: [
        'create table x partition of events for values from (300) to (400) partition by range (secret)',
        "create table x1 partition of x for values from ('a') to ('partition-m')",
        'create table x2 partition of x default',
        'update events set id = 301 where id = 1',
        'select tableoid::regclass from events where id = 301',
      ],
    },
    {
      steps: [
        "create table x partition of events (check (secret < 'partition-m')) for values from (300) to (400)",
        'update events set id = 301 where id = 1',
      ],
    },
    {
      steps: [
        'create table x partition of events (unique (secret)) for values from (300) to (400)',
        "insert into events values (302, 'x', 'partition-kestrel-1123')",
        'update events set id = 301 where id = 1',
      ],
    },
  ],
};
