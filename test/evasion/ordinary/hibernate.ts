import type { OrdinaryTool } from './ordinary.ts';

export const hibernate: OrdinaryTool = {
  name: 'Hibernate and PgJDBC',
  settings: { extra_float_digits: '2', DateStyle: 'ISO', TimeZone: 'UTC' },
  statements: [
    'SET extra_float_digits = 3',
    "SET application_name = 'PostgreSQL JDBC Driver'",
    'select p1_0.id,p1_0.age,p1_0.city,p1_0.name,p1_0.t from people p1_0 where p1_0.id=1',
    {
      sql: 'select p1_0.id,p1_0.age,p1_0.t,o1_0.person_id,o1_0.id,o1_0.note from people p1_0 left join orders o1_0 on p1_0.id=o1_0.person_id where p1_0.id=$1',
      parameters: ['1'],
    },
    { sql: 'select count(p1_0.id) from people p1_0 where p1_0.city=$1', parameters: ['Oslo'] },
    {
      sql: 'select p1_0.id,p1_0.t from people p1_0 order by p1_0.name offset $1 rows fetch first $2 rows only',
      parameters: ['0', '2'],
    },
    {
      sql: 'insert into people (age,city,name,t,id) values ($1,$2,$3,$4,$5)',
      parameters: ['1', 'Bonn', 'Jo', 'jo@new.example', '561'],
    },
    {
      sql: 'update people set age=$1,city=$2,name=$3,t=$4 where id=$5',
      parameters: ['2', 'Bonn', 'Jo', 'j@new.example', '561'],
    },
    { sql: 'delete from people where id=$1', parameters: ['561'] },
    "select nextval('poke_id_seq')",
    'select p1_0.id from people p1_0 where p1_0.id=1 for no key update',
    "SELECT NULL AS TABLE_CAT, n.nspname AS TABLE_SCHEM, c.relname AS TABLE_NAME, CASE n.nspname ~ '^pg_' OR n.nspname = 'information_schema' WHEN true THEN 'SYSTEM TABLE' ELSE CASE c.relkind WHEN 'r' THEN 'TABLE' WHEN 'p' THEN 'PARTITIONED TABLE' WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE NULL END END AS TABLE_TYPE, d.description AS REMARKS FROM pg_catalog.pg_namespace n, pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_description d ON (c.oid = d.objoid AND d.objsubid = 0 AND d.classoid = 'pg_class'::regclass) WHERE c.relnamespace = n.oid AND c.relname LIKE 'people%' ORDER BY TABLE_TYPE, TABLE_SCHEM, TABLE_NAME",
    "SELECT * FROM (SELECT current_database() AS current_database, n.nspname, c.relname, a.attname, a.atttypid, a.attnotnull OR (t.typtype = 'd' AND t.typnotnull) AS attnotnull, a.atttypmod, a.attlen, t.typtypmod, row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum) AS attnum, nullif(a.attidentity, '') as attidentity, nullif(a.attgenerated, '') as attgenerated, pg_catalog.pg_get_expr(def.adbin, def.adrelid) AS adsrc, dsc.description, t.typbasetype, t.typtype FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_class c ON (c.relnamespace = n.oid) JOIN pg_catalog.pg_attribute a ON (a.attrelid=c.oid) JOIN pg_catalog.pg_type t ON (a.atttypid = t.oid) LEFT JOIN pg_catalog.pg_attrdef def ON (a.attrelid=def.adrelid AND a.attnum = def.adnum) LEFT JOIN pg_catalog.pg_description dsc ON (c.oid=dsc.objoid AND a.attnum = dsc.objsubid) WHERE c.relkind in ('r','p','v','f','m') and a.attnum > 0 AND NOT a.attisdropped AND n.nspname LIKE 'public' AND c.relname LIKE 'people') c WHERE true ORDER BY nspname, c.relname, attnum",
    "SELECT result.TABLE_CAT, result.TABLE_SCHEM, result.TABLE_NAME, result.COLUMN_NAME, result.KEY_SEQ, result.PK_NAME FROM (SELECT NULL AS TABLE_CAT, n.nspname AS TABLE_SCHEM, ct.relname AS TABLE_NAME, a.attname AS COLUMN_NAME, (information_schema._pg_expandarray(i.indkey)).n AS KEY_SEQ, ci.relname AS PK_NAME, information_schema._pg_expandarray(i.indkey) AS KEYS, a.attnum AS A_ATTNUM FROM pg_catalog.pg_class ct JOIN pg_catalog.pg_attribute a ON (ct.oid = a.attrelid) JOIN pg_catalog.pg_namespace n ON (ct.relnamespace = n.oid) JOIN pg_catalog.pg_index i ON (a.attrelid = i.indrelid) JOIN pg_catalog.pg_class ci ON (ci.oid = i.indexrelid) WHERE true AND ct.relname = 'people' AND i.indisprimary) result where result.A_ATTNUM = (result.KEYS).x ORDER BY result.table_name, result.pk_name, result.key_seq",
    "SELECT typinput='pg_catalog.array_in'::regproc as is_array, typtype, typname, pg_type.oid FROM pg_catalog.pg_type LEFT JOIN (select ns.oid as nspoid, ns.nspname, r.r from pg_namespace as ns join (select s.r, (current_schemas(false))[s.r] as nspname from generate_series(1, array_upper(current_schemas(false), 1)) as s(r)) as r using (nspname)) as sp ON sp.nspoid = typnamespace WHERE typname = 'handle' ORDER BY sp.r, pg_type.oid DESC",
  ],
};
