import type { CatalogueRows } from './lineage/catalogue.ts';
import { isHarmless } from './lineage/functions.ts';
import type { Statement } from './sql/analysis.ts';
import { functionEffect } from './sql/effects.ts';
import type { Questions } from './survey.ts';

/** Whether a function that people made may be called although it is volatile. `name`: `schema.function`. */
export type Permitted = (name: string) => boolean;

/** Something that runs a volatile function when it is named. */
interface Caller {
  readonly schema: string;
  /** The function, for what permits it: `schema.function`. */
  readonly runs: string;
}

type CallerKind = 'functions' | 'operators' | 'types' | 'views';

const own = `n.nspname in ('pg_catalog', 'information_schema')`;

/** Extensions that only compute, whatever they call their functions. */
const harmlessExtensions = `'uuid-ossp', 'pgcrypto', 'pg_trgm', 'citext', 'hstore', 'ltree', 'unaccent', 'intarray', 'cube', 'earthdistance',
  'fuzzystrmatch', 'vector', 'isn', 'seg', 'btree_gin', 'btree_gist'`;

/** Everything that runs volatile functions: functions, aggregates, operators, casts, fields of rows, views. */
const queries = [
  {
    name: 'native',
    sql: `select distinct p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
      where ${own} and p.provolatile = 'v'`,
  },
  {
    name: 'functions',
    sql: `select n.nspname, p.proname, n.nspname || '.' || p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
      where not ${own} and p.provolatile = 'v' and p.prokind <> 'a'
      and not exists (select from pg_depend e join pg_extension x on x.oid = e.refobjid where e.classid = 'pg_proc'::regclass
        and e.objid = p.oid and e.deptype = 'e' and x.extname in (${harmlessExtensions}))
      union select n.nspname, p.proname, fn.nspname || '.' || f.proname
      from pg_aggregate a join pg_proc p on p.oid = a.aggfnoid join pg_namespace n on n.oid = p.pronamespace
      join pg_proc f on f.oid in (a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn)
      join pg_namespace fn on fn.oid = f.pronamespace
      where not ${own} and f.provolatile = 'v'`,
  },
  {
    name: 'operators',
    sql: `select distinct n.nspname, o.oprname, n.nspname || '.' || p.proname from pg_operator o join pg_proc p on p.oid = o.oprcode
      join pg_namespace n on n.oid = p.pronamespace where not ${own} and p.provolatile = 'v'`,
  },
  {
    name: 'types',
    sql: `select distinct n.nspname, t.typname, n.nspname || '.' || p.proname from pg_cast c join pg_type t on t.oid = c.casttarget
      join pg_proc p on p.oid = c.castfunc join pg_namespace n on n.oid = p.pronamespace where not ${own} and p.provolatile = 'v'
      union select n.nspname, t.typname, n.nspname || '.' || p.proname from pg_type t
      join pg_proc p on p.oid in (t.typinput, t.typoutput, t.typreceive, t.typsend) join pg_namespace n on n.oid = p.pronamespace
      where not ${own} and p.provolatile = 'v'
      union select n.nspname, t.typname, n.nspname || '.' || p.proname from pg_constraint k join pg_type t on t.oid = k.contypid
      join pg_depend d on d.classid = 'pg_constraint'::regclass and d.objid = k.oid and d.refclassid = 'pg_proc'::regclass
      join pg_proc p on p.oid = d.refobjid join pg_namespace n on n.oid = p.pronamespace where not ${own} and p.provolatile = 'v'`,
  },
  {
    name: 'views',
    sql: `with recursive used (view, routine) as (
        select r.ev_class, p.oid from pg_rewrite r
        join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_proc'::regclass
        join pg_proc p on p.oid = d.refobjid where p.provolatile = 'v'
        union select r.ev_class, u.routine from used u
        join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = u.view and d.classid = 'pg_rewrite'::regclass
        join pg_rewrite r on r.oid = d.objid and r.ev_class <> u.view)
      select vn.nspname, c.relname, n.nspname || '.' || p.proname from used u join pg_class c on c.oid = u.view
      join pg_namespace vn on vn.oid = c.relnamespace join pg_proc p on p.oid = u.routine
      join pg_namespace n on n.oid = p.pronamespace where not ${own}`,
  },
] as const;

/** What volatile functions a database has, and what runs them without naming them. */
export class Routines {
  readonly #native: ReadonlySet<string>;
  readonly #byName: Readonly<Record<CallerKind, ReadonlyMap<string, readonly Caller[]>>>;

  constructor(rows: CatalogueRows) {
    this.#native = new Set((rows['native'] ?? []).map(([name]) => name ?? ''));
    this.#byName = {
      functions: callers(rows['functions']),
      operators: callers(rows['operators']),
      types: callers(rows['types']),
      views: callers(rows['views']),
    };
  }

  /** Whether a statement runs a volatile function that nobody permitted. Triggers, rules and defaults are the table owner's. */
  calls({ functions, operators, types, fields, tables }: Statement, permitted: Permitted): boolean {
    const of = (kind: CallerKind, schema: string | undefined, name: string): boolean =>
      this.#byName[kind]
        .get(name)
        ?.some((one) => (schema === undefined || one.schema === schema) && !permitted(one.runs)) ?? false;
    return (
      functions.some((written) => {
        const [name = '', schema] = written.split('.').reverse();
        const isNative = this.#native.has(name) && (schema === undefined || schema === 'pg_catalog');
        return (
          (isNative &&
            name !== 'set_config' &&
            functionEffect(name) === undefined &&
            !isHarmless(name) &&
            !permitted(`pg_catalog.${name}`)) ||
          of('functions', schema, name)
        );
      }) ||
      // `row.function` calls it with the row.
      fields.some((name) => of('functions', undefined, name)) ||
      operators.some((name) => of('operators', undefined, name)) ||
      types.some((name) => of('types', undefined, name)) ||
      tables.some(({ schema, name }) => of('views', schema, name.toLowerCase()))
    );
  }
}

function callers(rows: CatalogueRows[string] = []): ReadonlyMap<string, readonly Caller[]> {
  const found = rows.map(([schema, name, runs]) => ({
    name: (name ?? '').toLowerCase(),
    schema: schema ?? '',
    runs: runs ?? '',
  }));
  return Map.groupBy(found, ({ name }) => name);
}

/** For rules that judge by effects. */
export const routineQuestions: Questions<Routines> = {
  purpose: 'rules about effects',
  queries,
  make: (rows) => new Routines(rows),
};
