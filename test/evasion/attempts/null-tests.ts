import { type AttemptClass, expecting } from '../attempt.ts';

/** Whether something computed is NULL is one bit of what it was computed from. */
export const nullTests: AttemptClass = {
  name: 'NULL as an answer',
  against: 'vault',
  attempts: [
    ...expecting(
      'answered',
      [
        "select nullif(t, 'osprey@secret.' || 'example') from people",
        "select case when t > 'm' then null else 'x' end from people",
        "select case when t > 'm' then t end from people",
        'select name, case when i > 1800000000 then 1 end from people',
        "select regexp_substr(t, '^k.*') from people",
        "select substring(t, '^k.*') from people",
        "select jb -> 'kk', jb #> '{k,0}' from people",
        'select a[3] from people',
        'select (select name from people q where q.id = p.id and p.t is not null) from people p',
        "select max(case when t > 'm' then 1 end) from people",
        "select string_agg(case when t > 'm' then name end, ',') from people",
        "select array_agg(case when t > 'm' then name end) from people",
        "select count(case when t > 'm' then 1 end) from people",
        "select coalesce(case when t > 'm' then null else 'a' end, 'b') from people",
        "select to_jsonb(nullif(t, 'x')), json_build_object('a', nullif(i, 5)) from people",
        "select row(nullif(t, 'x')) from people",
        "select array[nullif(t, 'x')] from people",
        "select concat(nullif(t, 'osprey@secret.' || 'example')) from people",
      ],
      { ways: ['query', 'text', 'binary', 'undescribed', 'cursor', 'copy'] },
    ),
    ...expecting(
      'answered',
      [
        "copy (select case when t > 'm' then name end from people) to stdout (format csv)",
        "copy (select case when t > 'm' then name end from people) to stdout (null 'nothing')",
        "copy (select case when t > 'm' then 5 end from people) to stdout (format binary)",
      ],
      { ways: ['query', 'text'] },
    ),
    "update people set age = age where id < 4 returning case when t > 'm' then 'x' end",
    'select (array[t])[case when i > 1800000000 then 1 else 2 end] from people where false',
    "select id from people where nullif(t, 'x') is null",
    "select id from people where (case when t > 'm' then 1 end) is not null",
    "select id from (select id, nullif(t, 'x') as n from people) x where n is null",
    "select x.* from (select id, case when t > 'm' then 1 end as n from people) x order by n",
    "select lag(case when t > 'm' then 'x' end) over (order by id) from people",
  ],
};
