import type { OrdinaryTool } from './ordinary.ts';

export const metabase: OrdinaryTool = {
  name: 'Metabase and Grafana',
  statements: [
    'SELECT "public"."people"."id" AS "id", "public"."people"."name" AS "name", "public"."people"."t" AS "t" FROM "public"."people" LIMIT 2000',
    'SELECT count(*) AS "count" FROM "public"."orders"',
    'SELECT "public"."people"."city" AS "city", count(*) AS "count", SUM("orders"."amount") AS "sum" FROM "public"."people" LEFT JOIN "public"."orders" AS "orders" ON "public"."people"."id" = "orders"."person_id" GROUP BY "public"."people"."city" ORDER BY "public"."people"."city" ASC',
    'SELECT substring("public"."people"."t", 1, 1234) AS "substring", "public"."people"."id" FROM "public"."people" LIMIT 10000',
    'SELECT "source"."city" AS "city", COUNT(*) AS "count" FROM (SELECT "public"."people"."city" AS "city", "public"."people"."t" AS "t" FROM "public"."people") AS "source" GROUP BY "source"."city" ORDER BY "source"."city" ASC LIMIT 5000',
    'SELECT DATE_TRUNC(\'month\', CAST(now() AS timestamp)) AS "m", COUNT(*) FROM "orders" GROUP BY 1 ORDER BY 1',
    'SELECT CAST(extract(dow from now()) + 1 AS integer), COUNT(*) FROM orders GROUP BY 1',
    'SELECT max("people"."age"), min("people"."age"), stddev("people"."age"), percentile_cont(0.5) within group (order by "people"."age") FROM people',
    'SELECT count(distinct "people"."city") FROM people',
    'SELECT $__a.* FROM (SELECT extract(epoch from now()) AS time, count(*) AS value FROM orders) $__a'.replaceAll(
      '$__a',
      'a',
    ),
    "SELECT CASE WHEN age < 30 THEN 'young' WHEN age < 50 THEN 'middle' ELSE 'old' END AS bucket, count(*) FROM people GROUP BY bucket ORDER BY bucket",
    'SELECT city, SUM(i) AS pay, AVG(n) FROM people GROUP BY city ORDER BY city',
    'SELECT city, COUNT(t) AS with_mail, COUNT(*) FILTER (WHERE t IS NULL) AS without FROM people GROUP BY city ORDER BY city',
  ],
};
