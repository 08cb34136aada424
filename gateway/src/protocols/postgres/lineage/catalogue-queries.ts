export interface CatalogueQuery {
  readonly name: 'relations' | 'columns' | 'inheritance' | 'functions' | 'operators' | 'casts' | 'types' | 'texts';
  readonly sql: string;
}

/** Relations of interest: tables, partitioned and foreign ones, views of both kinds. */
const kinds = `('r', 'p', 'f', 'v', 'm')`;
/** What other sessions made for themselves, and storage that nobody reads by name. */
const readable = `n.nspname !~ '^pg_(toast|temp)'`;

/** Statements for the simple protocol that tell what a database's names mean; PostgreSQL 12 and later. */
export function catalogueQueries(): readonly CatalogueQuery[] {
  return [
    {
      name: 'relations',
      sql: `select c.oid, n.nspname, c.relname, c.relkind,
        case when c.relkind in ('v', 'm') and n.nspname not in ('pg_catalog', 'information_schema')
          then pg_get_viewdef(c.oid) end,
        exists (select from pg_rewrite r where r.ev_class = c.oid and r.rulename <> '_RETURN')
        from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ${kinds} and ${readable}`,
    },
    {
      name: 'columns',
      sql: `select a.attrelid, a.attnum, a.attname, a.atttypid,
        case when a.attgenerated <> '' then pg_get_expr(d.adbin, d.adrelid) end, t.typcategory = 'A',
        a.atttypmod >= 0 or t.typtype = 'd' or k.attrelid is not null
        from pg_attribute a join pg_type t on t.oid = a.atttypid join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
        left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
        left join (select indrelid as attrelid, unnest(indkey) as attnum from pg_index where indisunique
          union select conrelid, unnest(conkey) from pg_constraint where contype in ('c', 'x')) k
          on k.attrelid = a.attrelid and k.attnum = a.attnum
        where a.attnum > 0 and not a.attisdropped and c.relkind in ${kinds} and ${readable}
        order by a.attrelid, a.attnum`,
    },
    { name: 'inheritance', sql: 'select inhrelid, inhparent from pg_inherits' },
    {
      name: 'functions',
      sql: `select n.nspname in ('pg_catalog', 'information_schema'), p.proname,
        bool_and((l.lanname in ('internal', 'c') or (l.lanname = 'sql' and n.nspname in ('pg_catalog', 'information_schema'))) and p.provolatile <> 'v' and not p.prosecdef)
        from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_language l on l.oid = p.prolang
        group by 1, 2`,
    },
    {
      name: 'operators',
      sql: `select distinct o.oprname from pg_operator o join pg_namespace n on n.oid = o.oprnamespace
        where n.nspname <> 'pg_catalog'`,
    },
    {
      name: 'casts',
      sql: `select distinct t.typname from pg_cast c join pg_type t on t.oid = c.casttarget
        join pg_proc p on p.oid = c.castfunc join pg_namespace n on n.oid = p.pronamespace
        where n.nspname <> 'pg_catalog'`,
    },
    {
      name: 'types',
      sql: `select distinct t.typname from pg_type t join pg_namespace n on n.oid = t.typnamespace
        where n.nspname not in ('pg_catalog', 'information_schema')
        and exists (select from pg_type own where own.typname = t.typname and own.typnamespace = 'pg_catalog'::regnamespace)`,
    },
    {
      name: 'texts',
      sql: `with recursive texts (oid) as (
        select oid from pg_type where typname = 'citext'
        union select t.oid from pg_type t where t.typtype = 'd' and t.typbasetype in (25, 1042, 1043, 19)
        union select t.oid from pg_type t join texts b on t.typtype = 'd' and t.typbasetype = b.oid)
        select oid from texts`,
    },
  ];
}
