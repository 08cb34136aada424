import { type AttemptClass, expecting } from '../attempt.ts';

export const setOperations: AttemptClass = {
  name: 'set operations',
  against: 'vault',
  attempts: [
    ...expecting('answered', [
      'select name from people union all select t from people',
      'select t from people union all select name from people',
      "select 'x' union all select t from people",
      'select null union all select t from people',
      'select id, name from people union all select i, t from people',
      '(select name from people limit 1) union all (select t from people limit 1)',
      'select x from (select name x from people union all select t from people) u',
      'with u (x) as (select name from people union all select v from people) select upper(x) from u',
      "values ('a', 1), ((select t from people where id = 1), 2)",
      'values ((select t from people where id = 1)), ((select name from people where id = 1))',
      'select * from (values ((select t from people where id = 1))) v (x)',
    ]),
    ...expecting('refused', [
      'select t from people union select name from people',
      'select name from people union select t from people',
      'select t from people intersect select v from people',
      "select t from people intersect select 'kestrel.anna@secret.' || 'example'",
      "select 'buzzard@secret.' || 'example' except select t from people",
      'select t from people except select name from people',
      'select id from people where id in (select id from people except select length(t) from people)',
      'select t from people union all select name from people order by 1',
      'select count(*) from (select t from people union select t from people) u',
      'select t from people intersect all select t from people where id > 1',
      'select id, t from people except all select id, name from people',
      'select exists (select t from people intersect select name from people)',
    ]),
  ],
};
