import type { AttemptClass } from '../attempt.ts';

export const cursors: AttemptClass = {
  name: 'cursors',
  against: 'vault',
  attempts: [
    { steps: ['declare c cursor for select t, i, u from people', 'fetch all from c'], expect: 'answered' },
    { steps: ['declare c binary cursor for select t, i, u from people', 'fetch all from c'], expect: 'answered' },
    {
      steps: ['declare c scroll cursor for select * from people', 'fetch last from c', 'fetch backward all from c'],
      expect: 'answered',
    },
    {
      steps: ['declare c insensitive cursor for table people', 'fetch 2 from c', 'fetch absolute 1 from c'],
      expect: 'answered',
    },
    { steps: ['declare c cursor with hold for select t from people', 'fetch relative 1 from c'], expect: 'answered' },
    { steps: ['declare c cursor with hold for select t from people', 'commit', 'fetch all in c'], bare: true },
    {
      steps: ['begin', 'declare c cursor with hold for select t, jb from people', 'commit', 'fetch all from c'],
      bare: true,
      expect: 'answered',
    },
    { steps: ['declare "C c" cursor for select t from people', 'fetch all from "C c"'], expect: 'answered' },
    {
      steps: [
        'declare c cursor for select name from people',
        'close c',
        'declare c cursor for select t from people',
        'fetch all from c',
      ],
      expect: 'answered',
    },
    {
      steps: [
        'declare c cursor for select t from people',
        'close all',
        'declare c cursor for select name from people',
        'fetch all from c',
      ],
    },
    {
      steps: [
        'declare c cursor for select name from people',
        'savepoint s',
        'close c',
        'declare c cursor for select t from people',
        'rollback to s',
        'fetch all from c',
      ],
    },
    { steps: ['declare c cursor for select t from people', 'move 1 in c', 'fetch c'], expect: 'answered' },
    { steps: ['declare c cursor for select t from people order by t'], expect: 'refused' },
    { steps: ["declare c cursor for select id from people where t like 'k%'"], expect: 'refused' },
    { steps: ['declare c cursor for select most_common_vals from pg_stats', 'fetch all from c'] },
    { steps: ['fetch all from never_declared'], expect: 'refused' },
    { steps: ['fetch all from "<unnamed portal 1>"'], expect: 'refused' },
    { steps: ['declare c cursor for select t from people', 'create temp table x as execute c'] },
    {
      steps: [
        'declare c cursor for select * from people for update',
        'fetch c',
        "update people set name = 'x' where current of c returning t",
      ],
    },
    { steps: ['declare c cursor for select * from people', "select cursor_to_xml('c', 10, true, false, '')"] },
    { steps: ['declare c cursor for select whisper()', 'fetch all from c'] },
    {
      steps: [
        "create function pg_temp.f() returns refcursor language plpgsql as $$ declare c refcursor := 'mine'; begin open c for select t from people; return c; end $$",
        'select pg_temp.f()',
        'fetch all from mine',
      ],
    },
    {
      steps: [
        "do $$ declare c refcursor := 'mine'; begin open c for select t from people; end $$",
        'fetch all from mine',
      ],
    },
    { steps: ['prepare p as select t from people', 'declare c cursor for execute p'] },
    { steps: ['declare c cursor for select t from people', 'fetch forward 0 from c'] },
    {
      steps: ['declare c no scroll cursor without hold for (select t from people)', 'fetch next c'],
      expect: 'answered',
    },
    {
      steps: ['declare c cursor for values ((select t from people where id = 1))', 'fetch all from c'],
      expect: 'answered',
    },
    {
      steps: ['declare c cursor for with x as (select t from people) table x', 'fetch all from c'],
      expect: 'answered',
    },
    {
      steps: [
        'declare c cursor for select a from people',
        'declare d cursor for select name from people',
        'fetch all from d; fetch all from c',
      ],
      expect: 'answered',
      ways: ['query'],
    },
  ],
};
