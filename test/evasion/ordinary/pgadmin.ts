import type { OrdinaryTool } from './ordinary.ts';

export const pgadmin: OrdinaryTool = {
  name: 'pgAdmin',
  statements: [
    "SET DateStyle=ISO; SET client_min_messages=notice; SELECT set_config('bytea_output','hex',false) FROM pg_show_all_settings() WHERE name = 'bytea_output'; SET client_encoding='UTF8';",
    'SELECT version()',
    `SELECT roles.oid as id, roles.rolname as name, roles.rolsuper as is_superuser, CASE WHEN roles.rolsuper THEN true ELSE roles.rolcreaterole END as can_create_role, CASE WHEN roles.rolsuper THEN true ELSE roles.rolcreatedb END as can_create_db FROM pg_catalog.pg_roles as roles WHERE rolname = current_user`,
    `SELECT db.oid as did, db.datname, db.datallowconn, pg_encoding_to_char(db.encoding) AS serverencoding, has_database_privilege(db.oid, 'CREATE') as cancreate, datistemplate FROM pg_catalog.pg_database db WHERE db.datname = current_database()`,
    `SELECT nsp.oid, nsp.nspname as name, has_schema_privilege(nsp.oid, 'CREATE') as can_create, has_schema_privilege(nsp.oid, 'USAGE') as has_usage, des.description FROM pg_catalog.pg_namespace nsp LEFT OUTER JOIN pg_catalog.pg_description des ON (des.objoid=nsp.oid AND des.classoid='pg_namespace'::regclass) WHERE nspname NOT LIKE 'pg\\_%' AND NOT (nsp.nspname = 'pg_catalog' OR nsp.nspname = 'information_schema') ORDER BY nspname`,
    `SELECT rel.oid, rel.relname AS name, (SELECT count(*) FROM pg_catalog.pg_trigger WHERE tgrelid=rel.oid AND tgisinternal = FALSE) AS triggercount, (SELECT count(1) FROM pg_catalog.pg_inherits WHERE inhrelid=rel.oid LIMIT 1) as is_inherits FROM pg_catalog.pg_class rel WHERE rel.relkind IN ('r','s','t','p') AND NOT rel.relispartition ORDER BY rel.relname`,
    `SELECT att.attname as name, att.*, def.*, pg_catalog.pg_get_expr(def.adbin, def.adrelid) AS defval, CASE WHEN att.attndims > 0 THEN 1 ELSE 0 END AS isarray, format_type(ty.oid,NULL) AS typname, tn.nspname as typnspname, CASE WHEN indkey.indkey IS NULL THEN false ELSE true END AS is_pk FROM pg_catalog.pg_attribute att JOIN pg_catalog.pg_type ty ON ty.oid=atttypid JOIN pg_catalog.pg_namespace tn ON tn.oid=ty.typnamespace LEFT OUTER JOIN pg_catalog.pg_attrdef def ON adrelid=att.attrelid AND adnum=att.attnum LEFT OUTER JOIN (SELECT indrelid, indkey FROM pg_catalog.pg_index WHERE indisprimary) indkey ON indkey.indrelid = att.attrelid AND att.attnum = ANY (indkey.indkey) WHERE att.attrelid = 'people'::regclass AND att.attnum > 0 AND att.attisdropped IS FALSE ORDER BY att.attnum`,
    'SELECT * FROM public.people ORDER BY id ASC LIMIT 100',
    "SELECT at.attname, at.attnum, ty.typname FROM pg_catalog.pg_attribute at LEFT JOIN pg_catalog.pg_type ty ON (ty.oid = at.atttypid) WHERE attrelid='people'::regclass::oid AND attnum = ANY ((SELECT con.conkey FROM pg_catalog.pg_class rel LEFT OUTER JOIN pg_catalog.pg_constraint con ON con.conrelid=rel.oid AND con.contype='p' WHERE rel.relkind IN ('r','s','t', 'p') AND rel.oid = 'people'::regclass::oid)::oid[])",
    'SELECT COUNT(*) FROM public.people',
    "SELECT pg_catalog.pg_get_viewdef('people_view'::regclass, true)",
    "SELECT pg_size_pretty(pg_relation_size('people'::regclass)), pg_size_pretty(pg_total_relation_size('people'::regclass)), pg_size_pretty(pg_indexes_size('people'::regclass))",
    'SELECT relname, n_live_tup, seq_scan, idx_scan, last_vacuum FROM pg_stat_user_tables',
    "SELECT 'session_stats' AS chart_name, (SELECT count(*) FROM pg_catalog.pg_locks) AS n",
    "SELECT name, setting, unit, category FROM pg_catalog.pg_settings WHERE name LIKE 'work%'",
    "SELECT con.conname, con.contype, pg_get_constraintdef(con.oid) FROM pg_catalog.pg_constraint con WHERE con.conrelid = 'keyed'::regclass",
    "SELECT t.tgname, pg_get_triggerdef(t.oid) FROM pg_catalog.pg_trigger t WHERE t.tgrelid = 'poke'::regclass AND NOT t.tgisinternal",
    "SELECT rw.rulename, pg_get_ruledef(rw.oid, true) FROM pg_catalog.pg_rewrite rw WHERE rw.ev_class = 'people_view'::regclass",
    "SELECT pr.proname, pg_get_function_identity_arguments(pr.oid), pg_get_function_result(pr.oid), pr.prosrc FROM pg_catalog.pg_proc pr WHERE pr.pronamespace = 'public'::regnamespace",
    'EXPLAIN SELECT * FROM people WHERE id = 1',
    'EXPLAIN (FORMAT JSON, ANALYZE FALSE, VERBOSE FALSE, COSTS FALSE) SELECT * FROM people',
  ],
};
