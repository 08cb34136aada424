import { secrets } from '../worlds.ts';
import type { Random } from './random.ts';

type Type = 'int' | 'text' | 'numeric' | 'date' | 'json' | 'texts' | 'bool' | 'other';

interface Column {
  readonly name: string;
  readonly type: Type;
  readonly isProtected: boolean;
}

/** Something in a FROM clause. */
interface Source {
  readonly alias: string;
  readonly columns: readonly Column[];
}

export interface Generated {
  readonly sql: string;
  /** A plain query: it can stand in a cursor and in COPY. */
  readonly isQuery: boolean;
  /** It mentions nothing that is protected, not even a table that holds something protected. */
  readonly isFree: boolean;
}

const kindOf = (type: string): Type => {
  if (type === 'int' || type === 'bigint') return 'int';
  if (type === 'text' || type.startsWith('varchar')) return 'text';
  if (type.startsWith('numeric')) return 'numeric';
  if (type === 'date') return 'date';
  if (type === 'jsonb') return 'json';
  return type === 'text[]' ? 'texts' : 'other';
};

const open = (name: string, type: Type): Column => ({ name, type, isProtected: false });
const closed = (name: string, type: Type): Column => ({ name, type, isProtected: true });
const base = [open('id', 'int'), open('name', 'text'), open('city', 'text'), open('age', 'int')];
const people = [...base, ...secrets.map(({ column, type }) => closed(column, kindOf(type)))];

const tables: Readonly<Record<string, readonly Column[]>> = {
  people,
  orders: [open('id', 'int'), open('person_id', 'int'), open('amount', 'numeric'), open('note', 'text')],
  staff: [...people, open('badge', 'text')],
  people_view: [open('id', 'int'), open('name', 'text'), closed('reach', 'text'), closed('i', 'int')],
  people_loud: [open('id', 'int'), closed('loud', 'text')],
  people_open: [open('id', 'int'), open('name', 'text'), open('city', 'text')],
  people_stored: [open('id', 'int'), open('name', 'text'), closed('kept', 'text')],
  events: [open('id', 'int'), open('kind', 'text'), closed('secret', 'text')],
  events_low: [open('id', 'int'), open('kind', 'text'), closed('secret', 'text')],
  made: [open('id', 'int'), closed('base', 'int'), closed('twice', 'int')],
  keyed: [open('id', 'int'), closed('secret', 'text'), open('parent', 'int')],
};
const free = ['orders', 'people_open'];

/** Makes random statements over the worlds' tables; most of them valid. */
export class Grammar {
  readonly #random: Random;
  #aliases = 0;
  #touched = false;
  #onlyFree = false;
  #depth = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  statement(): Generated {
    this.#aliases = 0;
    this.#touched = false;
    this.#depth = 0;
    this.#onlyFree = this.#random.chance(0.2);
    const isQuery = this.#random.chance(0.93);
    const sql = isQuery ? this.#query([]).sql : this.#change();
    return { sql, isQuery, isFree: !this.#touched };
  }

  #query(outer: readonly Source[]): { sql: string; columns: Column[] } {
    const random = this.#random;
    this.#depth += 1;
    try {
      const shape = this.#depth > 3 ? 1 : random.next();
      if (shape < 0.1) return this.#union(outer);
      if (shape < 0.2) return this.#common(outer);
      return this.#select(outer);
    } finally {
      this.#depth -= 1;
    }
  }

  #select(outer: readonly Source[], types?: readonly Type[]): { sql: string; columns: Column[] } {
    const random = this.#random;
    const { sql: from, sources } = this.#from(outer);
    const all = [...sources, ...outer];
    const isGrouped = types === undefined && random.chance(0.15);
    if (isGrouped) return this.#grouped(from, sources);
    const wanted = types ?? Array.from({ length: 1 + random.below(3) }, () => this.#type());
    const star = types === undefined && random.chance(0.08);
    const items = wanted.map((type) => this.#value(type, all, 2));
    const names = items.map((_, i) => (random.chance(0.5) ? `c${i}` : random.pick(['t', 'name', 'id', 'i', 'x'])));
    const outputs = star ? '*' : items.map((item, i) => `${item} as ${names[i]}`).join(', ');
    const distinct = random.chance(0.05) ? 'distinct ' : '';
    const where = random.chance(0.4) ? ` where ${this.#condition(all, 2)}` : '';
    const order = random.chance(0.25)
      ? ` order by ${random.chance(0.5) ? '1' : this.#value(random.pick(['int', 'text']), all, 1)}`
      : '';
    const limit = random.chance(0.15)
      ? ` limit ${random.chance(0.9) ? random.below(5) : this.#value('int', outer, 1)}`
      : '';
    const columns = star
      ? sources.flatMap((source) => [...source.columns])
      : wanted.map((type, i): Column => ({ name: names[i] ?? `c${i}`, type, isProtected: true }));
    return { sql: `select ${distinct}${outputs} from ${from}${where}${order}${limit}`, columns };
  }

  #grouped(from: string, sources: readonly Source[]): { sql: string; columns: Column[] } {
    const random = this.#random;
    const key = this.#value(random.pick(['text', 'int']), sources, 1);
    const aggregate = this.#aggregate(sources);
    const sets = random.chance(0.15) ? `rollup (${key})` : key;
    const having = random.chance(0.2) ? ` having ${this.#aggregate(sources)} is not null` : '';
    return {
      sql: `select ${key} as k, ${aggregate} as v from ${from} group by ${sets}${having}`,
      columns: [
        { name: 'k', type: 'other', isProtected: true },
        { name: 'v', type: 'other', isProtected: true },
      ],
    };
  }

  #aggregate(sources: readonly Source[]): string {
    const random = this.#random;
    const filter = random.chance(0.15) ? ` filter (where ${this.#condition(sources, 1)})` : '';
    switch (random.below(7)) {
      case 0:
        return `count(*)${filter}`;
      case 1:
        return `count(${random.chance(0.2) ? 'distinct ' : ''}${this.#value('text', sources, 1)})${filter}`;
      case 2:
        return `max(${this.#value(random.pick(['int', 'text', 'date', 'numeric']), sources, 1)})${filter}`;
      case 3:
        return `sum(${this.#value('int', sources, 1)})${filter}`;
      case 4:
        return `string_agg(${this.#value('text', sources, 1)}, ',' order by ${this.#value('int', sources, 1)})`;
      case 5:
        return `array_agg(${this.#value(random.pick(['int', 'text']), sources, 1)})`;
      default:
        return `json_agg(${this.#value(random.pick(['json', 'text', 'int']), sources, 1)})`;
    }
  }

  #union(outer: readonly Source[]): { sql: string; columns: Column[] } {
    const random = this.#random;
    const types = Array.from({ length: 1 + random.below(2) }, () => random.pick<Type>(['int', 'text', 'numeric']));
    const left = this.#select(outer, types);
    const right = this.#select(outer, types);
    const operator = random.pick(['union all', 'union all', 'union all', 'union', 'intersect', 'except']);
    return { sql: `(${left.sql}) ${operator} (${right.sql})`, columns: left.columns };
  }

  #common(outer: readonly Source[]): { sql: string; columns: Column[] } {
    const random = this.#random;
    const inner = this.#query(outer);
    const name = random.pick(['w', 'orders', 'people', 'q']);
    const names = inner.columns.map((_, i) => `w${i}`);
    const columns = inner.columns.map((column, i): Column => ({ ...column, name: names[i] ?? 'w' }));
    const source: Source = { alias: 'z', columns };
    const value = this.#value(random.pick(['int', 'text']), [source], 2);
    const where = random.chance(0.3) ? ` where ${this.#condition([source], 1)}` : '';
    return {
      sql: `with ${name} (${names.join(', ')}) as (${inner.sql}) select z.*, ${value} as extra from ${name} z${where}`,
      columns: [...columns, { name: 'extra', type: 'other', isProtected: true }],
    };
  }

  #from(outer: readonly Source[]): { sql: string; sources: Source[] } {
    const random = this.#random;
    const first = this.#item(outer);
    let { sql } = first;
    const sources = [first.source];
    while (sources.length < 3 && random.chance(0.25)) {
      const next = this.#item([...sources, ...outer], true);
      const kind = random.pick(['join', 'left join', 'cross join', 'join lateral', 'full join']);
      if (kind === 'cross join') sql += ` cross join ${next.sql}`;
      else {
        const lateral =
          kind === 'join lateral' && next.sql.startsWith('(') ? 'join lateral' : kind.replace(' lateral', '');
        const on =
          kind === 'full join'
            ? this.#equality(sources, next.source)
            : random.chance(0.7)
              ? this.#equality(sources, next.source)
              : this.#condition([...sources, next.source], 1);
        sql += ` ${lateral} ${next.sql} on ${on}`;
      }
      sources.push(next.source);
    }
    return { sql, sources };
  }

  #equality(sources: readonly Source[], next: Source): string {
    const left = this.#columnOf('int', sources) ?? '1';
    const right = this.#columnOf('int', [next]) ?? '1';
    return `${left} = ${right}`;
  }

  #item(outer: readonly Source[], isJoined = false): { sql: string; source: Source } {
    const random = this.#random;
    const alias = `a${this.#aliases++}`;
    if (this.#depth < 3 && random.chance(0.2)) {
      const inner = this.#query(isJoined ? [] : outer.slice(0, 0));
      const names = inner.columns.map((_, i) => `${alias}_${i}`);
      const columns = inner.columns.map((column, i): Column => ({ ...column, name: names[i] ?? alias }));
      return { sql: `(${inner.sql}) ${alias} (${names.join(', ')})`, source: { alias, columns } };
    }
    const name = random.pick(this.#onlyFree ? free : Object.keys(tables));
    const columns = tables[name] ?? [];
    if (!free.includes(name)) this.#touched = true;
    const prefix = random.chance(0.1) ? 'public.' : '';
    const sample = random.chance(0.03) ? ' tablesample system (100)' : '';
    return { sql: `${prefix}${name} ${random.chance(0.5) ? 'as ' : ''}${alias}${sample}`, source: { alias, columns } };
  }

  #type(): Type {
    return this.#random.pick<Type>([
      'int',
      'int',
      'text',
      'text',
      'text',
      'numeric',
      'date',
      'json',
      'texts',
      'bool',
      'other',
    ]);
  }

  #columnOf(type: Type, sources: readonly Source[]): string | undefined {
    const fitting = sources.flatMap(({ alias, columns }) =>
      columns.filter((column) => column.type === type).map((column) => `${alias}.${column.name}`),
    );
    return fitting.length === 0 ? undefined : this.#random.pick(fitting);
  }

  #value(type: Type, sources: readonly Source[], depth: number): string {
    const random = this.#random;
    const column = this.#columnOf(type, sources);
    if (depth <= 0 || random.chance(0.35)) {
      if (column !== undefined && random.chance(0.85)) return column;
      return literal(type, random);
    }
    const of = (other: Type): string => this.#value(other, sources, depth - 1);
    if (this.#depth < 3 && random.chance(0.05)) return `(${this.#scalar(type, sources)})`;
    if (random.chance(0.1))
      return `case when ${this.#condition(sources, depth - 1)} then ${of(type)} else ${of(type)} end`;
    if (random.chance(0.07)) return `coalesce(${of(type)}, ${of(type)})`;
    if (random.chance(0.04)) return `nullif(${of(type)}, ${of(type)})`;
    switch (type) {
      case 'int':
        return random.pick([
          () => `length(${of('text')})`,
          () => `${of('int')} + ${random.below(9)}`,
          () => `${of('int')} % 7`,
          () => `cardinality(${of('texts')})`,
          () => `strpos(${of('text')}, 'e')`,
          () => `extract(year from ${of('date')})::int`,
          () => `row_number() over (order by ${of('int')})::int`,
          () => `count(*) over (partition by ${of('text')})::int`,
          () => `ascii(${of('text')})`,
          () => `abs(${of('int')})`,
          () => `100 / (1 + ${of('int')})`,
        ])();
      case 'text':
        return random.pick([
          () => `upper(${of('text')})`,
          () => `${of('text')} || ${of('text')}`,
          () => `substr(${of('text')}, 1, 3)`,
          () => `left(${of('text')}, 2)`,
          () => `${of('int')}::text`,
          () => `${of('other')}::text`,
          () => `${of('json')} ->> 'k'`,
          () => `md5(${of('text')})`,
          () => `concat(${of('text')}, ${of('int')})`,
          () => `replace(${of('text')}, 'e', 'x')`,
          () => `reverse(${of('text')})`,
          () => `regexp_replace(${of('text')}, '[aeiou]', '')`,
          () => `split_part(${of('text')}, '@', 1)`,
          () => `lag(${of('text')}) over (order by ${of('int')})`,
          () => `(${of('texts')})[1]`,
          () => `to_char(${of('date')}, 'YYYY')`,
          () => `format('%s', ${of('text')})`,
          () => `trim(${of('text')})`,
        ])();
      case 'numeric':
        return random.pick([
          () => `${of('numeric')} * 2`,
          () => `round(${of('numeric')})`,
          () => `${of('int')}::numeric`,
          () => `avg(${of('int')}) over ()`,
        ])();
      case 'date':
        return random.pick([() => `${of('date')} + 1`, () => `date_trunc('month', ${of('date')})::date`])();
      case 'json':
        return random.pick([
          () => `to_jsonb(${of('text')})`,
          () => `jsonb_build_object('a', ${of('text')})`,
          () => `jsonb_build_array(${of('int')}, ${of('json')})`,
          () => `${of('json')} -> 'k'`,
        ])();
      case 'texts':
        return random.pick([
          () => `array[${of('text')}, ${of('text')}]`,
          () => `array_append(${of('texts')}, ${of('text')})`,
          () => `string_to_array(${of('text')}, '-')`,
        ])();
      case 'bool':
        return this.#condition(sources, depth - 1);
      default: {
        const source = sources.length === 0 ? undefined : random.pick(sources);
        if (source === undefined) return 'null';
        return random.pick([
          () => source.alias,
          () => `row(${of('text')}, ${of('int')})`,
          () => `row_to_json(${source.alias})`,
          () => column ?? 'null',
        ])();
      }
    }
  }

  #scalar(type: Type, sources: readonly Source[]): string {
    const { sql, columns } = this.#select(sources, [type]);
    return `select q.v from (${sql}) q (${columns.map((_, i) => (i === 0 ? 'v' : `v${i}`)).join(', ')}) limit 1`;
  }

  #condition(sources: readonly Source[], depth: number): string {
    const random = this.#random;
    const of = (type: Type): string => this.#value(type, sources, depth - 1);
    if (depth > 1 && random.chance(0.2))
      return `(${this.#condition(sources, depth - 1)} ${random.pick(['and', 'or'])} ${this.#condition(sources, depth - 1)})`;
    return random.pick([
      () => `${of('int')} ${random.pick(['=', '<', '>', '<>'])} ${of('int')}`,
      () => `${of('int')} > ${random.below(1_000_000)}`,
      () => `${of('text')} like '%e%'`,
      () => `${of('text')} = ${of('text')}`,
      () => `${of('text')} is null`,
      () => `${of('int')} is not null`,
      () => `${of('int')} in (1, 2, 3)`,
      () => `${of('int')} between 1 and 3`,
      () => (this.#depth < 3 ? `exists (${this.#select(sources, ['int']).sql})` : 'true'),
      () => (this.#depth < 3 ? `${of('int')} in (${this.#select(sources, ['int']).sql})` : 'true'),
      () => `not (${of('text')} > 'm')`,
      () => `${of('text')} ~ 'n'`,
    ])();
  }

  #change(): string {
    const random = this.#random;
    const name = random.pick(this.#onlyFree ? ['orders'] : ['people', 'orders', 'keyed']);
    if (!free.includes(name)) this.#touched = true;
    const columns = tables[name] ?? [];
    const source: Source = { alias: name, columns };
    const returning = random.chance(0.7)
      ? ` returning ${random.chance(0.4) ? '*' : this.#value(this.#type(), [source], 1)}`
      : '';
    const set = random.pick(
      columns.filter(({ type, name: column }) => type === 'text' || (type === 'int' && column !== 'id')),
    );
    switch (random.below(3)) {
      case 0:
        return `update ${name} set ${set.name} = ${this.#value(set.type, [source], 1)} where ${this.#condition([source], 1)}${returning}`;
      case 1:
        return `delete from ${name} where ${this.#condition([source], 1)}${returning}`;
      default:
        return `insert into ${name} (id, ${set.name}) select 1000 + q.v, ${literal(set.type, random)} from (${this.#select([], ['int']).sql}) q (v) where q.v < 10${returning.replaceAll(`${name}.`, `${name}.`)}`;
    }
  }
}

function literal(type: Type, random: Random): string {
  switch (type) {
    case 'int':
      return String(random.below(6));
    case 'text':
      return random.pick([`'a'`, `'m'`, `'Anna'`, `'x@y'`, `null::text`]);
    case 'numeric':
      return random.pick(['1.5', '0.0', '100::numeric']);
    case 'date':
      return `date '2000-01-01'`;
    case 'json':
      return random.pick([`'{"k": 1}'::jsonb`, `'[]'::jsonb`]);
    case 'texts':
      return random.pick([`array['a', 'b']`, `'{}'::text[]`]);
    case 'bool':
      return random.pick(['true', 'false']);
    default:
      return 'null';
  }
}
