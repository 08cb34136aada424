import type { AttemptClass } from '../attempt.ts';

/** Things made in one statement and used in the next. */
export const created: AttemptClass = {
  name: 'things created and used',
  against: 'vault',
  attempts: [
    {
      steps: [
        "create function leak() returns text language sql as 'select t from people where id = 1'",
        'select leak()',
      ],
    },
    {
      steps: [
        "create function leak() returns setof people language sql stable as 'table people'",
        'select * from leak()',
      ],
    },
    {
      steps: [
        "create function leak(people) returns text language sql immutable as 'select $1.t'",
        'select leak(p) from people p',
      ],
    },
    {
      steps: [
        "create function leak(people) returns text language sql immutable as 'select $1.t'",
        'select p.leak from people p',
      ],
    },
    {
      steps: [
        "create function pg_temp.lower(text) returns text language plpgsql immutable as $$ begin raise notice '%', $1; return 'x'; end $$",
        'select pg_temp.lower(t) from people',
      ],
    },
    {
      steps: [
        "create function public.lower(text) returns text language plpgsql immutable as $$ begin raise notice '%', $1; return 'x'; end $$",
        'set search_path = public, pg_catalog',
        'select lower(t) from people',
      ],
    },
    {
      steps: [
        "create function public.lower(varchar) returns text language plpgsql immutable as $$ begin raise exception '%', $1; end $$",
        'select lower(v) from people',
      ],
    },
    {
      steps: [
        "create function public.length(handle) returns int language plpgsql immutable as $$ begin perform set_config('app.x', $1, false); return 1; end $$",
        'select length(dom) from people',
        "select current_setting('app.x', true)",
      ],
    },
    {
      steps: [
        "create function same(text, text) returns bool language plpgsql immutable as $$ begin raise notice '%', $1; return true; end $$",
        'create operator public.= (leftarg = text, rightarg = text, function = same)',
        'set search_path = public, pg_catalog',
        "select t = 'x' from people",
      ],
    },
    {
      steps: [
        "create function told(text, int) returns text language sql immutable as 'select $1'",
        'create operator public.|| (leftarg = text, rightarg = int, function = told)',
        'select t || 1 from people',
      ],
    },
    {
      steps: [
        "create function seen(handle) returns int language plpgsql immutable as $$ begin raise notice '%', $1; return 1; end $$",
        'create cast (handle as int) with function seen(handle)',
        'select dom::int from people',
      ],
    },
    {
      steps: [
        "create function seen(contact) returns text language plpgsql immutable as $$ begin raise notice '%', $1; return 'x'; end $$",
        'create cast (contact as text) with function seen(contact) as implicit',
        'select co::text from people',
      ],
    },
    {
      steps: [
        "create function step(text, text) returns text language plpgsql as $$ begin raise notice '%', $2; return $2; end $$",
        'create aggregate leak(text) (sfunc = step, stype = text)',
        'select leak(t) from people',
      ],
    },
    {
      steps: [
        "create aggregate public.max(text) (sfunc = textcat, stype = text, initcond = 'x')",
        'set search_path = public, pg_catalog',
        'select max(t) from people',
      ],
    },
    { steps: ['create domain loud as text check (length(value) < 20)', 'select t::loud from people'] },
    { steps: ["create domain loud as text check (value not like 'k%')", 'select cast(t as loud) from people'] },
    { steps: ['create type pair as (a text, b text)', 'select row(t, v)::pair from people'] },
    { steps: ['create type pair as (a text, b text)', 'select (row(t, v)::pair).a from people'] },
    { steps: ['create view v as select t as name from people', 'select name from v'] },
    { steps: ['create view v as select name as t from people', 'select t from v'] },
    { steps: ['create view v (x) as values ((select t from people where id = 1))', 'select x from v'] },
    {
      steps: ['create view v as select * from people', 'alter view v rename column t to name2', 'select name2 from v'],
    },
    { steps: ['create view v as select whisper() as x', 'select x from v'] },
    { steps: ["create view v as select id from people where t like 'k%'", 'select count(*) from v'] },
    { steps: ['create materialized view v as select name from people', 'select * from v'] },
    {
      steps: [
        "create policy p on people using (t like 'k%')",
        'alter table people enable row level security',
        'select id from people',
      ],
    },
    { steps: ['create index on people (leak_(t))'] },
    {
      steps: [
        "create function leak_(text) returns text language plpgsql immutable as $$ begin raise notice '%', $1; return $1; end $$",
        'create index on people (leak_(t))',
      ],
    },
    {
      steps: [
        "create function leak_(text) returns text language plpgsql immutable as $$ begin raise notice '%', $1; return $1; end $$",
        'alter table people add column z text generated always as (leak_(t)) stored',
        'select z from people',
      ],
    },
    { steps: ['alter table people add column z text generated always as (upper(t)) stored', 'select z from people'] },
    { steps: ['alter table made add column z bigint generated always as (base + 1) stored', 'select z from made'] },
    {
      steps: [
        'create statistics s on (upper(t)), name from people',
        'analyze people',
        'select * from pg_stats_ext_exprs',
      ],
    },
    {
      steps: [
        "create publication p for table people where (t like 'k%')",
        'select rowfilter from pg_publication_tables',
      ],
    },
    { steps: ['create extension hstore', 'select hstore(p) from people p'] },
    { steps: ['create extension hstore', 'select (each(hstore(p))).value from people p'] },
    {
      steps: [
        'create extension tablefunc',
        "select * from crosstab('select id, name, t from people') as x (a int, b text)",
      ],
    },
    { steps: ['create extension xml2', "select xpath_table('id', 't', 'people', '/', 'true')"] },
    { steps: ['create extension pg_trgm', 'select similarity(t, name) from people'] },
    { steps: ['create extension pg_trgm', "select id from people where t % 'kestrel'"] },
    { steps: ['create extension citext', 'select t::citext from people'] },
    { steps: ['create extension fuzzystrmatch', "select levenshtein(t, 'kestrel') from people"] },
    { steps: ['create extension pgcrypto', "select encode(digest(t, 'sha256'), 'hex') from people"] },
    { steps: ['create extension lo', 'select 1'] },
    { steps: ['create extension pageinspect', "select * from heap_page_items(get_raw_page('people', 0))"] },
    { steps: ['create extension pageinspect', "select t_data from heap_page_items(get_raw_page('people', 0))"] },
    { steps: ['create extension pageinspect', "select * from bt_page_items('keyed_secret_key', 1)"] },
    { steps: ['create extension pgrowlocks', "select * from pgrowlocks('people')"] },
    { steps: ['create extension pg_stat_statements', 'select query from pg_stat_statements'] },
    { steps: ['create extension pg_freespacemap', "select * from pg_freespace('people')"] },
    { steps: ['create extension pgstattuple', "select * from pgstattuple('people')"], varies: 'sizes' },
    { steps: ['create extension amcheck', "select bt_index_check('keyed_secret_key')"] },
    {
      steps: [
        'create extension file_fdw',
        'create server f foreign data wrapper file_fdw',
        "create foreign table ff (l text) server f options (filename '/etc/hostname')",
        'select * from ff',
      ],
      varies: 'a file of the host',
    },
  ],
};
