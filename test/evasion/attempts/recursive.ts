import { type AttemptClass, expecting } from '../attempt.ts';

/** More columns than rounds of following. */
const shifted = Array.from({ length: 30 }, (_, i) => `c${i}`);

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
    ...expecting('answered', [
      'with recursive t (t) as (select t from people union all select t from t where false) select t from t',
      'select (with recursive x (k, y) as (select 1, p.t union all select k + 1, y from x where k < 2) select y from x where k = 2) from people p',
      'with recursive x (n, a, b, c, d, e) as (select 1, null, null, null, null, t from people where id = 1 union all select n + 1, b, c, d, e, null from x where n < 6) select a from x',
      'with recursive a as (select * from b), b as (select t from people) select * from a',
      'with recursive x (n, s) as (select 1, t from people where id = 1 union all (select n + 1, upper(s) from x where n < 3)) table x',
      'with recursive x (n, s) as (select 1, name from people where id = 1 union all (with y as (select t from people where id = 1) select n + 1, y.t from x, y where n < 2)) select s from x',
      "with recursive x (n, s) as (values (1, '') union all select n + 1, s || substr((select t from people where id = 1), n, 1) from x where n < 10) select s from x",
      'with recursive x (n, s) as (select 1, null::text union all select n + 1, l.t from x, lateral (select t from people p where p.id = x.n) l where n < 4) select n, s from x',
      'with recursive people (id, t) as (select id, t from public.people union all select id + 10, t from people where id < 10) select t from people',
      'with recursive x (n, p) as (select 1, p from people p where id = 1 union all select n + 1, p from x where n < 2) select (p).t from x',
    ]),
    ...expecting('refused', [
      'with recursive x (id, y) as (select id, t from people where id = 2 union all select p.id, p.t from x join people p on p.id = x.id % 3 + 1) cycle y set c using path select count(*) from x',
      "with recursive x (id, y) as (select id, t from people where id = 2 union all select p.id, p.t from x join people p on p.id = x.id % 3 + 1) cycle y set c to 'yes' default 'no' using path select id from x where c = 'yes'",
      'with recursive x (id, y) as (select id, t from people union all select id, y from x where false) search depth first by y set o select id from x order by o',
      'with recursive x (id, y) as (select id, t from people union all select id + 10, y from x where id < 10) search breadth first by y set o select count(*) from x group by o',
      'with recursive x (k) as (select 1 union all select k + 1 from x, people p where p.id = 1 and k < length(p.t)) select max(k) from x',
      "with recursive x (n) as (select 1 union all select n + 1 from x where substr((select t from people where id = 1), n, 1) <> '@') select max(n) from x",
      'with recursive x (lo, hi) as (select -3000000000, 3000000000 union all select case when p.i > (lo + hi) / 2 then (lo + hi) / 2 else lo end, case when p.i > (lo + hi) / 2 then hi else (lo + hi) / 2 end from x, people p where p.id = 1 and hi - lo > 1) select count(*) from x',
      "with recursive x (n, s) as (select 1, null::text union all select n + 1, (select t from people where id = 1) from x where n < 3 and (s is null or s > 'm')) select count(*) from x",
      "with recursive x (n, a, b) as (select 1, null::text, t from people where id = 1 union all select n + 1, b, null from x where n < 5 and (a is null or a < 'm')) select count(*) from x",
      'with recursive x (y) as (select t from people union select lower(y) from x) select count(*) from x',
      "with recursive x (n, w) as (select 1, t from people where id = 1 union all select n + 1, substr(w, 2) from x where w <> '') select max(n) from x",
      'with recursive x (n, w) as (select 1, t from people where id = 1 union all select n + 1, w from x where n < 3) select n from x order by w',
      'with recursive x (id, k) as (select id, secret from keyed where parent is null union all select k.id, k.secret from keyed k join x on k.parent = x.id and k.secret > x.k) select id from x',
    ]),
    ...expecting('silent', [
      'with recursive a as (select * from b), b as (select * from a) select * from a',
      'with recursive x (id, y) as (select id, t from people union all select id, y from x where false) search depth first by id set o select y from x order by o',
      'with recursive x as (select t from people union all select t from x where false) cycle t set is_cycle using path select path from x',
      'with recursive x (n, y) as (select 1, t from people where id = 1 union all select n + 1, y from x where n < 3) search breadth first by n, y set o select o from x where (o).y > $$m$$',
      'with recursive x (n, y) as (select 1, t from people where id = 1 union all select n + 1, y from x where n < 3) search breadth first by n, y set o select o::text from x',
      'with recursive x (n, y) as (select 1, t from people where id = 1 union all select n + 1, y from x where n < 3) search depth first by y set o select o[1] from x',
      'with recursive x (n, y) as (select 1, t from people where id = 1 union all select n + 1, y from x where n < 3) cycle n set c using p select p::text, y from x',
      // Within the recursive query n is its own, and of no concern to the column n around it.
      'select (with recursive x (n, y) as (select 1, p.t union all select n + 1, y from x where n < 2) select y from x where n = 2) from people p',
    ]),
    {
      title: 'a value that needs more rounds than anybody follows',
      steps: [
        `with recursive x (n, ${shifted.join(', ')}) as (select 1, ${shifted
          .slice(1)
          .map(() => 'null::text')
          .join(', ')}, t from people where id = 1
        union all select n + 1, ${shifted.slice(1).join(', ')}, null from x where n < 40) select c0 from x where n = 30`,
      ],
    },
    {
      title: 'a condition on a value that needs more rounds than anybody follows',
      steps: [
        `with recursive x (n, ${shifted.join(', ')}) as (select 1, ${shifted
          .slice(1)
          .map(() => 'null::text')
          .join(', ')}, t from people where id = 1
        union all select n + 1, ${shifted.slice(1).join(', ')}, null from x where n < 40 and (c0 is null or c0 > 'm')) select count(*) from x`,
      ],
      expect: 'refused',
    },
  ],
};
