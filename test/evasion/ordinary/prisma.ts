import type { OrdinaryTool } from './ordinary.ts';

export const prisma: OrdinaryTool = {
  name: 'Prisma',
  statements: [
    'SELECT 1',
    'SELECT version()',
    'SHOW server_version_num',
    {
      sql: 'SELECT "public"."people"."id", "public"."people"."name", "public"."people"."t", "public"."people"."jb" FROM "public"."people" WHERE 1=1 OFFSET $1',
      parameters: ['0'],
    },
    {
      sql: 'SELECT "public"."people"."id", "public"."people"."t" FROM "public"."people" WHERE ("public"."people"."id" = $1 AND 1=1) LIMIT $2 OFFSET $3',
      parameters: ['1', '1', '0'],
    },
    {
      sql: 'SELECT "public"."orders"."id", "public"."orders"."person_id", "public"."orders"."amount", "public"."orders"."note" FROM "public"."orders" WHERE "public"."orders"."person_id" IN ($1,$2,$3) OFFSET $4',
      parameters: ['1', '2', '3', '0'],
    },
    {
      sql: 'SELECT COUNT(*) FROM (SELECT "public"."people"."id" FROM "public"."people" WHERE "public"."people"."city" = $1 OFFSET $2) AS "sub"',
      parameters: ['Oslo', '0'],
    },
    {
      sql: 'INSERT INTO "public"."orders" ("id","person_id","amount","note") VALUES ($1,$2,$3,$4) RETURNING "public"."orders"."id", "public"."orders"."person_id", "public"."orders"."amount", "public"."orders"."note"',
      parameters: ['501', '1', '9.90', 'new'],
    },
    {
      sql: 'INSERT INTO "public"."people" ("id","name","t","i") VALUES ($1,$2,$3,$4) RETURNING "public"."people"."id", "public"."people"."t"',
      parameters: ['502', 'Finn', 'finn@new.example', '5'],
    },
    {
      sql: 'UPDATE "public"."people" SET "t" = $1 WHERE ("public"."people"."id" = $2 AND 1=1)',
      parameters: ['changed@new.example', '502'],
    },
    {
      sql: 'UPDATE "public"."people" SET "city" = $1, "age" = "public"."people"."age" + $2 WHERE ("public"."people"."id" = $3 AND 1=1) RETURNING "public"."people"."id", "public"."people"."name", "public"."people"."t"',
      parameters: ['Kyiv', '1', '1'],
    },
    { sql: 'DELETE FROM "public"."people" WHERE ("public"."people"."id" = $1 AND 1=1)', parameters: ['502'] },
    {
      sql: 'SELECT COUNT(*), SUM("public"."orders"."amount"), AVG("public"."orders"."amount") FROM (SELECT "public"."orders"."id", "public"."orders"."amount" FROM "public"."orders" WHERE 1=1 OFFSET $1) AS "sub", "public"."orders" WHERE "sub"."id" = "public"."orders"."id"',
      parameters: ['0'],
    },
    {
      sql: 'SELECT "t0"."id", "t0"."name", "t0"."t", (SELECT COALESCE(JSONB_AGG("__prisma_data__"), \'[]\') AS "__prisma_data__" FROM (SELECT "t3"."__prisma_data__" FROM (SELECT JSONB_BUILD_OBJECT(\'id\', "t2"."id", \'note\', "t2"."note") AS "__prisma_data__" FROM (SELECT "t1".* FROM "public"."orders" AS "t1" WHERE "t0"."id" = "t1"."person_id") AS "t2") AS "t3") AS "t4") AS "orders" FROM "public"."people" AS "t0" WHERE "t0"."id" = $1 LIMIT $2',
      parameters: ['1', '1'],
    },
    {
      sql: 'SELECT "public"."orders"."person_id", COUNT("public"."orders"."id") FROM "public"."orders" WHERE 1=1 GROUP BY "public"."orders"."person_id" ORDER BY COUNT("public"."orders"."id") DESC OFFSET $1',
      parameters: ['0'],
    },
    `SELECT namespace.nspname AS namespace, tbl.relname AS table_name, (tbl.relhassubclass and tbl.relkind = 'p') AS is_partition, tbl.relrowsecurity AS has_row_level_security, obj_description(tbl.oid, 'pg_class') AS description FROM pg_class AS tbl INNER JOIN pg_namespace AS namespace ON namespace.oid = tbl.relnamespace WHERE tbl.relkind IN ('r','p') AND namespace.nspname = ANY (ARRAY['public']) ORDER BY namespace, table_name`,
    `SELECT oid.namespace, info.table_name, info.column_name, format_type(att.atttypid, att.atttypmod) AS formatted_type, info.numeric_precision, info.numeric_scale, info.udt_name, pg_get_expr(attdef.adbin, attdef.adrelid) AS column_default, info.is_nullable, info.is_identity, info.data_type FROM information_schema.columns info JOIN pg_attribute att ON att.attname = info.column_name JOIN (SELECT pg_class.oid, relname, pg_namespace.nspname AS namespace FROM pg_class JOIN pg_namespace ON pg_namespace.oid = pg_class.relnamespace AND pg_namespace.nspname = ANY (ARRAY['public'])) AS oid ON oid.oid = att.attrelid AND relname = info.table_name AND namespace = info.table_schema LEFT OUTER JOIN pg_attrdef attdef ON attdef.adrelid = att.attrelid AND attdef.adnum = att.attnum AND table_schema = namespace ORDER BY namespace, table_name, ordinal_position`,
    `SELECT p.proname AS name, n.nspname AS namespace, CASE WHEN l.lanname = 'internal' THEN p.prosrc ELSE pg_get_functiondef(p.oid) END AS definition FROM pg_proc p LEFT JOIN pg_namespace n ON p.pronamespace = n.oid LEFT JOIN pg_language l ON p.prolang = l.oid WHERE n.nspname = ANY (ARRAY['public']) AND p.prokind NOT IN ('a', 'w')`,
    `SELECT t.typname AS name, e.enumlabel AS value, n.nspname AS namespace FROM pg_type t JOIN pg_enum e ON t.oid = e.enumtypid JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE n.nspname = ANY (ARRAY['public']) ORDER BY e.enumsortorder`,
  ],
};
