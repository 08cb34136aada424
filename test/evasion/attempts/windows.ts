import { type AttemptClass, expecting } from '../attempt.ts';

export const windows: AttemptClass = {
  name: 'window functions',
  against: 'vault',
  attempts: [
    ...expecting('answered', [
      'select first_value(t) over (order by id) from people',
      'select last_value(t) over (order by id rows between unbounded preceding and unbounded following) from people',
      'select lag(t) over (order by id) from people',
      'select lead(t, 1) over (order by id) from people',
      'select max(t) over (partition by city) from people',
      'select count(t) over () from people',
      'select row_number() over (order by id), t from people',
      'select string_agg(t, chr(44)) over (order by id) from people',
    ]),
    ...expecting('refused', [
      'select row_number() over (order by t) from people',
      'select id, rank() over (order by i) from people',
      'select id, dense_rank() over w from people window w as (order by t)',
      'select count(*) over (partition by t) from people',
      'select id, count(*) over w from people window w as (partition by i)',
      'select id, ntile(2) over (order by d) from people',
      'select id, percent_rank() over (order by n) from people',
      'select first_value(id) over (order by t) from people',
      "select count(*) filter (where t like 'k%') over () from people",
      'select lag(name, length(t)) over (order by id) from people',
      'select nth_value(name, (i % 3) + 1) over (order by id) from people',
      'select sum(age) over (order by i range between 10 preceding and current row) from people',
      'select sum(age) over (order by id rows between length(t) preceding and current row) from people',
      'select id from (select id, row_number() over (order by t) r from people) x where r = 1',
      'select distinct on (city) id from people order by city, t',
      'select sum(1) over (order by id groups between 1 preceding and current row exclude ties), rank() over (order by u) from people',
    ]),
  ],
};
