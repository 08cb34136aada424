import type { OrdinaryTool } from './ordinary.ts';

export const sqlalchemy: OrdinaryTool = {
  name: 'SQLAlchemy',
  statements: [
    'select pg_catalog.version()',
    'select current_schema()',
    'show standard_conforming_strings',
    "SELECT CAST('test plain returns' AS VARCHAR(60)) AS anon_1",
    'SELECT people.id, people.name, people.t, people.d FROM people',
    'SELECT people.id AS people_id, people.t AS people_t FROM people WHERE people.id = 1',
    "SELECT anon_1.id, anon_1.t, orders_1.id AS id_1, orders_1.note FROM (SELECT people.id AS id, people.t AS t FROM people WHERE people.city = 'Oslo' LIMIT 10) AS anon_1 LEFT OUTER JOIN orders AS orders_1 ON anon_1.id = orders_1.person_id",
    'SELECT orders_1.person_id AS orders_1_person_id, orders_1.id AS orders_1_id FROM orders AS orders_1 WHERE orders_1.person_id IN (1, 2, 3)',
    'SELECT count(*) AS count_1 FROM (SELECT people.id AS people_id, people.name AS people_name, people.t AS people_t FROM people) AS anon_1',
    "SELECT EXISTS (SELECT 1 FROM people WHERE people.name = 'Anna') AS anon_1",
    "SELECT pg_catalog.pg_class.relname FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace ON pg_catalog.pg_namespace.oid = pg_catalog.pg_class.relnamespace WHERE pg_catalog.pg_class.relname = 'people' AND pg_catalog.pg_class.relkind = ANY (ARRAY['r', 'p', 'f', 'v', 'm']) AND pg_catalog.pg_table_is_visible(pg_catalog.pg_class.oid) AND pg_catalog.pg_namespace.nspname != 'pg_catalog'",
    'SELECT pg_catalog.pg_attribute.attname AS name, pg_catalog.format_type(pg_catalog.pg_attribute.atttypid, pg_catalog.pg_attribute.atttypmod) AS format_type, (SELECT pg_catalog.pg_get_expr(pg_catalog.pg_attrdef.adbin, pg_catalog.pg_attrdef.adrelid) AS pg_get_expr_1 FROM pg_catalog.pg_attrdef WHERE pg_catalog.pg_attrdef.adrelid = pg_catalog.pg_attribute.attrelid AND pg_catalog.pg_attrdef.adnum = pg_catalog.pg_attribute.attnum AND pg_catalog.pg_attribute.atthasdef) AS "default", pg_catalog.pg_attribute.attnotnull AS not_null FROM pg_catalog.pg_class LEFT OUTER JOIN pg_catalog.pg_attribute ON pg_catalog.pg_class.oid = pg_catalog.pg_attribute.attrelid AND pg_catalog.pg_attribute.attnum > 0 AND NOT pg_catalog.pg_attribute.attisdropped WHERE pg_catalog.pg_class.relname = \'people\' ORDER BY pg_catalog.pg_class.relname, pg_catalog.pg_attribute.attnum',
    "INSERT INTO people (id, name, t) VALUES (551, 'Ida', 'ida@new.example') RETURNING people.id",
    "INSERT INTO orders (id, note) SELECT p0::INTEGER, p1::VARCHAR FROM (VALUES (551, 'a', 0), (552, 'b', 1)) AS imp_sen(p0, p1, sen_counter) ORDER BY sen_counter RETURNING orders.id, orders.id AS id__1",
    "UPDATE people SET t='i@new.example' WHERE people.id = 551 RETURNING people.id",
    'DELETE FROM people WHERE people.id = 551',
    'WITH RECURSIVE tree(id, parent) AS (SELECT keyed.id AS id, keyed.parent AS parent FROM keyed WHERE keyed.parent IS NULL UNION ALL SELECT keyed.id AS id, keyed.parent AS parent FROM keyed JOIN tree ON keyed.parent = tree.id) SELECT tree.id FROM tree',
  ],
};
