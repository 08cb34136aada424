import { type AttemptClass, expecting } from '../attempt.ts';

export const recursive: AttemptClass = {
  name: 'recursive queries',
  against: 'vault',
  attempts: [
    ...expecting('answered', [
      'with recursive x (y) as (select t from people union all select y from x where false) select y from x',
      'with recursive x (n, y) as (select 1, t from people where id = 1 union all select n + 1, y from x where n < 3) select y from x',
      'with recursive x (n, s) as (select 1, name from people where id = 1 union all select n + 1, (select t from people where id = 1) from x where n < 2) select s from x',
      'with recursive a (x) as (select t from people), b (y) as (select x from a) select y from b',
      'with recursive x (n, a, b, c) as (select 1, t, null, null from people where id = 1 union all select n + 1, null, a, b from x where n < 3) select c from x',
    ]),
    ...expecting('refused', [
      'with recursive x (y) as (select t from people union select y from x) select y from x',
      "with recursive x (n, s) as (select 1, substr(t, 1, 1) from people where id = 1 union all select n + 1, s from x where s > 'm' and n < 5) select count(*) from x",
      'with recursive x (n) as (select length(t) from people where id = 1 union all select n - 1 from x where n > 0) select count(*) from x',
      'with recursive x (n) as (select 1 union all select n + 1 from x where n < (select length(t) from people where id = 1)) select max(n) from x',
      'with recursive x (n, d) as (select i, 1 from people where id = 1 union all select n / 2, d + 1 from x where n > 1) select max(d) from x',
    ]),
    'with recursive x (id, y) as (select id, t from people union all select id, y from x where false) search depth first by y set o select o from x',
    'with recursive x (id, y) as (select id, t from people where id = 1 union all select id, y from x) cycle y set c using p select p, c from x',
    'with recursive x (id, y) as (select id, t from people union all select id, y from x where false) search breadth first by id set o select o, y from x',
  ],
};
