import type { AttemptClass } from '../attempt.ts';

export const prepared: AttemptClass = {
  name: 'PREPARE and EXECUTE',
  against: 'vault',
  attempts: [
    { steps: ['prepare p as select t from people', 'execute p'], expect: 'answered' },
    { steps: ['prepare p (int) as select t, i from people where id = $1', 'execute p (1)'], expect: 'answered' },
    {
      steps: ['prepare p as select name from people', 'deallocate p', 'prepare p as select t from people', 'execute p'],
      expect: 'answered',
    },
    { steps: ['prepare p as select name from people', 'prepare p as select t from people', 'execute p'] },
    { steps: ['prepare p as select t from people', 'savepoint s', 'deallocate p', 'rollback to s', 'execute p'] },
    {
      steps: [
        'prepare p as select name from people',
        'begin; deallocate p; prepare p as select t from people; rollback; execute p',
      ],
      bare: true,
      ways: ['query'],
    },
    {
      steps: [
        'prepare p as select t from people',
        'deallocate all',
        'prepare p as select name from people',
        'execute p',
      ],
    },
    { steps: ['prepare p as select t from people', 'discard all', 'execute p'], bare: true },
    { steps: ["prepare p as select id from people where t like 'k%'"], expect: 'refused' },
    { steps: ['prepare p (text) as select id from people where t = $1'], expect: 'refused' },
    { steps: ['prepare p (text) as select $1', 'execute p ((select t from people where id = 1))'] },
    { steps: ['prepare p (text) as select $1::text', 'execute p (whisper())'] },
    {
      steps: [
        'prepare p (int) as select id from people where id = $1',
        'execute p ((select length(t) from people where id = 1))',
      ],
    },
    { steps: ['prepare p (int) as select 1 / $1', 'execute p ((select i - 1739264853 from people where id = 1))'] },
    { steps: ['prepare p as select t from people', 'create temp table x as execute p'], expect: 'refused' },
    { steps: ['prepare p as select t from people', 'create temp table x as execute p', 'select * from x'] },
    {
      steps: ['prepare p as insert into orders (id, note) select 700 + id, t from people', 'execute p'],
      expect: 'refused',
    },
    { steps: ['prepare p as delete from people where id = 3 returning *', 'execute p'], expect: 'answered' },
    {
      steps: [
        'prepare p as table orders',
        'alter table orders rename to gone',
        'alter table people rename to orders',
        'execute p',
      ],
    },
    {
      steps: [
        'create table orders2 (t text)',
        'prepare p as select t from orders2',
        'drop table orders2',
        'create view orders2 as select t from people',
        'execute p',
      ],
    },
    {
      steps: [
        'create temp table people (t text)',
        'prepare p as select t from people',
        'drop table pg_temp.people',
        'execute p',
      ],
    },
    {
      steps: [
        'create schema s',
        'create table s.orders as select 1 as note',
        'prepare p as select note from orders',
        'set search_path = s, public',
        'execute p',
      ],
    },
    { steps: ['execute never_prepared'], expect: 'refused' },
    { steps: ["do $$ begin execute 'prepare p as select t from people'; end $$", 'execute p'] },
    {
      steps: ['prepare "P" as select t from people', 'prepare p as select name from people', 'execute "P"'],
      expect: 'answered',
    },
    {
      steps: [
        'prepare p as select t from people',
        'explain (analyze, verbose, costs off, timing off, summary off) execute p',
      ],
    },
    { steps: ['prepare p as values (1), ((select i from people where id = 1))', 'execute p'], expect: 'answered' },
    {
      steps: [
        'prepare p (text) as select id from people where name = $1',
        'execute p ((select name from people order by t limit 1))',
      ],
    },
    {
      steps: [
        'set plan_cache_mode = force_generic_plan',
        'prepare p (int) as select t from people where id = $1',
        'execute p (2)',
      ],
      expect: 'answered',
    },
    { steps: ['prepare p as select $1 || t from people', "execute p ('a')"], expect: 'answered' },
    { steps: ['prepare p as execute q'] },
    { steps: ['prepare p as select statement from pg_prepared_statements', 'execute p'] },
  ],
};
