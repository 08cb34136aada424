import type { OrdinaryTool } from './ordinary.ts';

export const drizzle: OrdinaryTool = {
  name: 'Drizzle',
  statements: [
    'select "id", "name", "t", "i", "jb" from "people"',
    { sql: 'select "id", "name", "t" from "people" where "people"."id" = $1 limit $2', parameters: ['1', '1'] },
    {
      sql: 'select "people"."id", "people"."t", "orders"."id", "orders"."note" from "people" left join "orders" on "people"."id" = "orders"."person_id" where ("people"."city" = $1 and "orders"."amount" > $2) order by "orders"."id" desc',
      parameters: ['Oslo', '3'],
    },
    'select count(*) from "people"',
    'select "city", count(*) as "n" from "people" group by "people"."city" having count(*) > 0 order by "n"',
    {
      sql: 'insert into "orders" ("id", "person_id", "amount", "note") values ($1, $2, $3, default), ($4, $5, $6, default) returning "id"',
      parameters: ['511', '1', '1.0', '512', '2', '2.0'],
    },
    {
      sql: 'insert into "orders" ("id", "note") values ($1, $2) on conflict ("id") do update set "note" = excluded.note',
      parameters: ['511', 'again'],
    },
    {
      sql: 'update "people" set "v" = $1 where "people"."id" = $2 returning "id", "name", "v"',
      parameters: ['vv', '2'],
    },
    { sql: 'delete from "orders" where "orders"."id" = $1 returning "id"', parameters: ['511'] },
    {
      sql: 'select "id", "data" from (select "people"."id" as "id", json_build_array("people"."name", "people"."t") as "data" from "people") "x" where "x"."id" = $1',
      parameters: ['1'],
    },
    {
      sql: 'select "people"."id", "people"."name", "people_orders"."data" as "orders" from "people" left join lateral (select coalesce(json_agg(json_build_array("people_orders"."id", "people_orders"."note")), \'[]\'::json) as "data" from "orders" "people_orders" where "people_orders"."person_id" = "people"."id") "people_orders" on true where "people"."id" = $1',
      parameters: ['1'],
    },
    'with "sq" as (select "id", "name" from "people" where "people"."id" = 1) select "id", "name" from "sq"',
    'select distinct on ("person_id") "person_id", "amount" from "orders" order by "person_id", "amount" desc',
    'select exists(select 1 from "people" where "people"."name" = \'Anna\')',
    '(select "id", "name" from "people") union (select "id", "note" from "orders") order by 1 limit 5',
  ],
};
