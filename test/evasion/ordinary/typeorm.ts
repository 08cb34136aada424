import type { OrdinaryTool } from './ordinary.ts';

export const typeorm: OrdinaryTool = {
  name: 'TypeORM',
  statements: [
    'SELECT version()',
    `SELECT * FROM current_schema()`,
    `SELECT * FROM current_database()`,
    `SELECT "table_schema", "table_name", obj_description(('"' || "table_schema" || '"."' || "table_name" || '"')::regclass, 'pg_class') AS table_comment FROM "information_schema"."tables" WHERE ("table_schema" = 'public' AND "table_name" = 'people')`,
    `SELECT columns.*, pg_catalog.col_description(('"' || table_catalog || '"."' || table_schema || '"."' || table_name || '"')::regclass::oid, ordinal_position) AS description, ('"' || "udt_schema" || '"."' || "udt_name" || '"')::"regtype" AS "regtype", pg_catalog.format_type("col_attr"."atttypid", "col_attr"."atttypmod") AS "format_type" FROM "information_schema"."columns" LEFT JOIN "pg_catalog"."pg_attribute" AS "col_attr" ON "col_attr"."attname" = "columns"."column_name" AND "col_attr"."attrelid" = (SELECT "cls"."oid" FROM "pg_catalog"."pg_class" AS "cls" LEFT JOIN "pg_catalog"."pg_namespace" AS "ns" ON "ns"."oid" = "cls"."relnamespace" WHERE "cls"."relname" = "columns"."table_name" AND "ns"."nspname" = "columns"."table_schema") WHERE ("table_schema" = 'public' AND "table_name" = 'people')`,
    `SELECT "ns"."nspname" AS "table_schema", "t"."relname" AS "table_name", "cnst"."conname" AS "constraint_name", pg_get_constraintdef("cnst"."oid") AS "expression", CASE "cnst"."contype" WHEN 'p' THEN 'PRIMARY' WHEN 'u' THEN 'UNIQUE' WHEN 'c' THEN 'CHECK' WHEN 'x' THEN 'EXCLUDE' END AS "constraint_type", "a"."attname" AS "column_name" FROM "pg_constraint" "cnst" INNER JOIN "pg_class" "t" ON "t"."oid" = "cnst"."conrelid" INNER JOIN "pg_namespace" "ns" ON "ns"."oid" = "cnst"."connamespace" LEFT JOIN "pg_attribute" "a" ON "a"."attrelid" = "cnst"."conrelid" AND "a"."attnum" = ANY ("cnst"."conkey") WHERE "t"."relkind" IN ('r', 'p') AND (("ns"."nspname" = 'public' AND "t"."relname" = 'people'))`,
    `SELECT "n"."nspname", "t"."typname" FROM "pg_type" "t" INNER JOIN "pg_namespace" "n" ON "n"."oid" = "t"."typnamespace" WHERE "n"."nspname" = 'public'`,
    {
      sql: 'SELECT "person"."id" AS "person_id", "person"."name" AS "person_name", "person"."t" AS "person_t", "person"."jb" AS "person_jb" FROM "people" "person" WHERE (("person"."id" = $1)) LIMIT 1',
      parameters: ['1'],
    },
    {
      sql: 'SELECT DISTINCT "distinctAlias"."person_id" AS "ids_person_id" FROM (SELECT "person"."id" AS "person_id", "person"."t" AS "person_t", "orders"."id" AS "orders_id" FROM "people" "person" LEFT JOIN "orders" "orders" ON "orders"."person_id"="person"."id" WHERE "person"."city" = $1) "distinctAlias" ORDER BY "person_id" ASC LIMIT 2',
      parameters: ['Oslo'],
    },
    'SELECT "person"."id" AS "person_id", "person"."t" AS "person_t", "orders"."id" AS "orders_id", "orders"."note" AS "orders_note" FROM "people" "person" LEFT JOIN "orders" "orders" ON "orders"."person_id"="person"."id" WHERE ("person"."id" IN (1, 3)) ORDER BY "orders"."id" ASC',
    'SELECT COUNT(DISTINCT("person"."id")) AS "cnt" FROM "people" "person"',
    {
      sql: 'INSERT INTO "people"("id", "name", "city", "age", "t") VALUES ($1, $2, DEFAULT, DEFAULT, $3) RETURNING "city", "age"',
      parameters: ['521', 'Gus', 'gus@new.example'],
    },
    { sql: 'UPDATE "people" SET "t" = $1 WHERE "id" IN ($2)', parameters: ['x@new.example', '521'] },
    'SAVEPOINT typeorm_1',
    { sql: 'DELETE FROM "people" WHERE "id" = $1', parameters: ['521'] },
    'RELEASE SAVEPOINT typeorm_1',
  ],
};
