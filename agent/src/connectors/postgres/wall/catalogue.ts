import type { Inquiry, Rows } from '@sallyport/shared/wire/postgres/inquiry.ts';
import { identifier, literal } from '../roles/sql.ts';

/** A right that somebody has, may have, or is to have: SQL's word in upper case. */
export type Right = string;

/** A thing on which rights are granted as a whole. */
export interface Grantable {
  /** What stands behind GRANT … ON. */
  readonly sql: string;
  readonly kind: 'schema' | 'database' | 'routine' | 'sequence' | 'relation';
  /** Of the configured role, however it came to them. */
  readonly rights: ReadonlySet<Right>;
  readonly ofPublic: ReadonlySet<Right>;
  readonly ofWall: ReadonlySet<Right>;
}

export interface Relation extends Grantable {
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly Column[];
  /** Row security would show a role of its own other rows than the configured role sees. */
  readonly isOpaque: boolean;
  readonly isView: boolean;
  readonly hasColumnRights: boolean;
}

export interface Column {
  readonly number: number;
  readonly name: string;
}

export interface ColumnRights {
  readonly rights: ReadonlySet<Right>;
  readonly ofPublic: ReadonlySet<Right>;
  readonly ofWall: ReadonlySet<Right>;
}

/** By which column `number` of `relation` shows something of `source`'s column; 0 there is the whole row. */
export interface Dependency {
  readonly relation: string;
  /** 0: every column. */
  readonly number: number;
  readonly source: string;
  readonly sourceNumber: number;
}

export interface Catalogue {
  readonly relations: readonly Relation[];
  readonly others: readonly Grantable[];
  readonly dependencies: readonly Dependency[];
  /** Child and parent. */
  readonly inheritance: readonly (readonly [string, string])[];
}

const people = `n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`;

const granted = (acl: string, grantee: string): string =>
  `array_to_string(array(select privilege_type from aclexplode(${acl}) where grantee = ${grantee}), ',')`;

/** Reads what a wall is computed from. `role` is the configured one; `wall` need not exist yet. */
export async function readCatalogue(inquiry: Inquiry, role: string, wall: string): Promise<Catalogue> {
  const who = literal(role);
  const wallOid = `(select oid from pg_roles where rolname = ${literal(wall)})`;
  const acls = (acl: string): string => `${granted(acl, '0')}, ${granted(acl, wallOid)}`;
  const has = (test: string, words: string): string =>
    `array_to_string(array(select p from unnest('{${words}}'::text[]) p where ${test}), ',')`;
  const relationAcl = `coalesce(c.relacl, acldefault(case c.relkind when 'S' then 's'::"char" else 'r'::"char" end, c.relowner))`;
  const [relations = [], others = [], dependencies = [], inheritance = []] = await inquiry.ask(`
    select c.oid, n.nspname, c.relname, c.relkind,
      case when c.relkind = 'S' then ${has(`has_sequence_privilege(${who}, c.oid, p)`, 'USAGE,SELECT,UPDATE')}
        else ${has(`has_table_privilege(${who}, c.oid, p)`, 'SELECT,INSERT,UPDATE,DELETE,TRUNCATE')} end,
      ${acls(relationAcl)},
      c.relrowsecurity and (exists(select from pg_policy p where p.polrelid = c.oid and p.polroles <> '{0}')
        or pg_has_role(${who}, c.relowner, 'USAGE') or r.rolbypassrls or r.rolsuper),
      exists(select from pg_attribute a where a.attrelid = c.oid and a.attacl is not null),
      (select json_agg(json_build_array(a.attnum, a.attname)) from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)
    from pg_class c join pg_namespace n on n.oid = c.relnamespace, pg_roles r
    where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and ${people} and r.rolname = ${who};
    select 'schema', 'schema ' || quote_ident(n.nspname), ${has(`has_schema_privilege(${who}, n.oid, p)`, 'USAGE,CREATE')},
      ${acls(`coalesce(n.nspacl, acldefault('n', n.nspowner))`)} from pg_namespace n where ${people}
    union all
    select 'database', 'database ' || quote_ident(d.datname), ${has(`has_database_privilege(${who}, d.oid, p)`, 'CONNECT,CREATE,TEMPORARY')},
      ${acls(`coalesce(d.datacl, acldefault('d', d.datdba))`)} from pg_database d where d.datname = current_database()
    union all
    select 'routine', 'routine ' || f.oid::regprocedure, ${has(`has_function_privilege(${who}, f.oid, p)`, 'EXECUTE')},
      ${acls(`coalesce(f.proacl, acldefault('f', f.proowner))`)}
      from pg_proc f join pg_namespace n on n.oid = f.pronamespace where ${people} and not f.prosecdef;
    select distinct w.ev_class, 0, d.refobjid, d.refobjsubid from pg_rewrite w join pg_depend d
      on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass and d.refobjid <> w.ev_class
      where w.ev_type = '1'
    union all
    select distinct a.attrelid, a.attnum, a.attrelid, d.refobjsubid from pg_attribute a
      join pg_attrdef f on f.adrelid = a.attrelid and f.adnum = a.attnum
      join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = a.attrelid and d.refobjsubid not in (0, a.attnum)
        and (d.classid = 'pg_attrdef'::regclass and d.objid = f.oid or d.classid = 'pg_class'::regclass and d.objid = a.attrelid and d.objsubid = a.attnum)
      where a.attgenerated <> '';
    select inhrelid, inhparent from pg_inherits`);
  return {
    relations: relations.filter(([, , , kind]) => kind !== 'S').map(relationOf),
    others: [...relations.filter(([, , , kind]) => kind === 'S').map(sequenceOf), ...others.map(otherOf)],
    dependencies: dependencies.map(([relation, number, source, sourceNumber]) => ({
      relation: relation ?? '',
      number: Number(number),
      source: source ?? '',
      sourceNumber: Number(sourceNumber),
    })),
    inheritance: inheritance.map(([child, parent]) => [child ?? '', parent ?? ''] as const),
  };
}

/** Rights on the columns of some relations, by relation and column number. */
export async function readColumnRights(
  inquiry: Inquiry,
  role: string,
  wall: string,
  oids: readonly string[],
): Promise<ReadonlyMap<string, ReadonlyMap<number, ColumnRights>>> {
  const found = new Map<string, Map<number, ColumnRights>>();
  if (oids.length === 0) return found;
  const wallOid = `(select oid from pg_roles where rolname = ${literal(wall)})`;
  const [rows = []] = await inquiry.ask(`
    select a.attrelid, a.attnum,
      array_to_string(array(select p from unnest('{SELECT,INSERT,UPDATE}'::text[]) p where has_column_privilege(${literal(role)}, a.attrelid, a.attnum, p)), ','),
      ${granted('a.attacl', '0')}, ${granted('a.attacl', wallOid)}
    from pg_attribute a where a.attrelid in (${oids.join(', ')}) and a.attnum > 0 and not a.attisdropped`);
  for (const [oid, number, rights, ofPublic, ofWall] of rows) {
    const columns = found.get(oid ?? '') ?? new Map<number, ColumnRights>();
    columns.set(Number(number), { rights: wordsOf(rights), ofPublic: wordsOf(ofPublic), ofWall: wordsOf(ofWall) });
    found.set(oid ?? '', columns);
  }
  return found;
}

type Row = Rows[number];

const wordsOf = (text: string | null | undefined): ReadonlySet<Right> =>
  new Set((text ?? '').split(',').filter(Boolean));

function relationOf([
  oid,
  schema,
  name,
  kind,
  rights,
  ofPublic,
  ofWall,
  isOpaque,
  hasColumnRights,
  columns,
]: Row): Relation {
  const pairs = JSON.parse(columns ?? '[]') as [number, string][];
  return {
    oid: oid ?? '',
    schema: schema ?? '',
    name: name ?? '',
    kind: 'relation',
    sql: `table ${quoted(schema)}.${quoted(name)}`,
    rights: wordsOf(rights),
    ofPublic: wordsOf(ofPublic),
    ofWall: wordsOf(ofWall),
    isOpaque: isOpaque === 't',
    isView: kind === 'v' || kind === 'm',
    hasColumnRights: hasColumnRights === 't',
    columns: pairs.map(([number, name]) => ({ number, name })),
  };
}

function sequenceOf([, schema, name, , rights, ofPublic, ofWall]: Row): Grantable {
  return {
    kind: 'sequence',
    sql: `sequence ${quoted(schema)}.${quoted(name)}`,
    rights: wordsOf(rights),
    ofPublic: wordsOf(ofPublic),
    ofWall: wordsOf(ofWall),
  };
}

function otherOf([kind, sql, rights, ofPublic, ofWall]: Row): Grantable {
  return {
    kind: kind as Grantable['kind'],
    sql: sql ?? '',
    rights: wordsOf(rights),
    ofPublic: wordsOf(ofPublic),
    ofWall: wordsOf(ofWall),
  };
}

const quoted = (name: string | null | undefined): string => identifier(name ?? '');
