import type { Node, Statement } from '../sql/analysis.ts';

export { catalogueQueries } from './catalogue-queries.ts';

/** A column of a relation. One object each, so that sets of them tell what a value is made of. */
export interface Column {
  readonly relation: Relation;
  readonly name: string;
  readonly number: number;
  readonly typeOid: number;
  readonly isArray: boolean;
  /** What is written into it may be refused: by its length, a domain, a check, another equal value. */
  readonly isBound: boolean;
  /** The expression of a generated column. */
  readonly generated: Node | undefined;
}

export interface Relation {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly isView: boolean;
  /** The query of a view that people made; undefined too where it could not be read. */
  readonly definition: Node | undefined;
  /** Statements on it may do something else than they say. */
  readonly hasRules: boolean;
  readonly columns: readonly Column[];
  /** By inheritance or partitioning. */
  readonly parents: readonly Relation[];
  readonly children: readonly Relation[];
}

export type FunctionKind = 'pure' | 'unknown';

type Row = readonly (string | null)[];
export type CatalogueRows = Readonly<Record<string, readonly Row[]>>;
type Parse = (sql: string) => Statement | undefined;

interface Growing extends Omit<Relation, 'columns' | 'parents' | 'children'> {
  readonly columns: Column[];
  readonly parents: Relation[];
  readonly children: Relation[];
}

/** Larger databases are not kept: nothing of them can be told, and sessions with masks are refused. */
const MAX_RELATIONS = 100_000;

const system = new Set(['pg_catalog', 'information_schema']);

/** What a database's names mean. Never changes; a newer one takes its place. */
export class Catalogue {
  /** Types that take any text: citext, domains over text. */
  readonly textTypes: ReadonlySet<number>;
  readonly #byOid: ReadonlyMap<number, Relation>;
  readonly #byName: ReadonlyMap<string, readonly Relation[]>;
  readonly #native: ReadonlyMap<string, boolean>;
  readonly #custom: ReadonlySet<string>;
  readonly #operators: ReadonlySet<string>;
  readonly #casts: ReadonlySet<string>;
  readonly #types: ReadonlySet<string>;

  private constructor(relations: ReadonlyMap<number, Relation>, rows: CatalogueRows) {
    const { functions = [], texts = [], operators = [], casts = [], types = [] } = rows;
    this.#byOid = relations;
    this.#byName = Map.groupBy(relations.values(), ({ name }) => name);
    this.#native = new Map(
      functions.filter(([own]) => own === 't').map(([, name, pure]) => [name ?? '', pure === 't']),
    );
    this.#custom = new Set(functions.filter(([own]) => own !== 't').map(([, name]) => name ?? ''));
    this.#operators = new Set(operators.map(([name]) => name ?? ''));
    this.#types = new Set(types.map(([name]) => name ?? ''));
    this.#casts = new Set(casts.map(([name]) => name ?? ''));
    this.textTypes = new Set(texts.map(([oid]) => Number(oid)));
  }

  /** From the answers to `catalogueQueries`. `parse` reads one statement. @throws Error for too large a database */
  static from(rows: CatalogueRows, parse: Parse): Catalogue {
    const relations = new Map<number, Growing>();
    if ((rows['relations']?.length ?? 0) > MAX_RELATIONS) {
      throw new Error(`the database has more than ${MAX_RELATIONS} tables and views: masks cannot be applied to it`);
    }
    for (const [oid, schema, name, kind, definition, rules] of rows['relations'] ?? []) {
      relations.set(Number(oid), {
        oid: Number(oid),
        schema: schema ?? '',
        name: name ?? '',
        isView: kind === 'v' || kind === 'm',
        definition: definition == null ? undefined : parse(definition)?.stmt,
        hasRules: rules === 't',
        columns: [],
        parents: [],
        children: [],
      });
    }
    for (const [oid, number, name, type, generated, array, bound] of rows['columns'] ?? []) {
      const relation = relations.get(Number(oid));
      const expression = generated == null ? undefined : parse(`select ${generated}`)?.stmt;
      relation?.columns.push({
        relation,
        name: name ?? '',
        number: Number(number),
        typeOid: Number(type),
        isArray: array === 't',
        isBound: bound === 't',
        generated: expression,
      });
    }
    for (const [child, parent] of rows['inheritance'] ?? []) {
      const [below, above] = [relations.get(Number(child)), relations.get(Number(parent))];
      if (below === undefined || above === undefined) continue;
      below.parents.push(above);
      above.children.push(below);
    }
    return new Catalogue(relations, rows);
  }

  /** Every relation that a name may stand for; a name without a schema stands for all of that name. */
  candidates(schema: string | undefined, name: string): readonly Relation[] {
    const named = this.#byName.get(name) ?? [];
    return schema === undefined ? named : named.filter((relation) => relation.schema === schema);
  }

  /** The place of a described column; undefined for a table or column that the catalogue does not have. */
  pathOf(tableOid: number, columnNumber: number): readonly [string, string, string] | undefined {
    const relation = this.#byOid.get(tableOid);
    if (relation === undefined) return undefined;
    // A whole row has the number 0, the system's own columns have negative ones.
    if (columnNumber <= 0) return [relation.schema, relation.name, ''];
    const column = relation.columns.find(({ number }) => number === columnNumber);
    return column && [relation.schema, relation.name, column.name];
  }

  /** People made an operator of that name: what it does is not known. */
  isCustomOperator(name: string): boolean {
    return this.#operators.has(name);
  }

  /** People made a cast to a type of that name. */
  isCustomCast(type: string): boolean {
    return this.#casts.has(type);
  }

  /** People made a function of that name. */
  isCustomFunction(name: string): boolean {
    return this.#custom.has(name);
  }

  /** People made a type of the name of one of PostgreSQL's own. */
  isCustomType(name: string): boolean {
    return this.#types.has(name);
  }

  /** `pure`: one of PostgreSQL's own that reads nothing but its arguments. A name that people gave theirs too is unknown. */
  functionKind(schema: string | undefined, name: string): FunctionKind {
    if (schema !== undefined && !system.has(schema)) return 'unknown';
    if (schema === undefined && this.#custom.has(name)) return 'unknown';
    return this.#native.get(name) === true ? 'pure' : 'unknown';
  }
}

export const isSystem = ({ schema }: Pick<Relation, 'schema'>): boolean => system.has(schema);

/** The same column in all that inherits from its table or that its table inherits from. */
export function familyOf(column: Column): readonly Column[] {
  const { relation, name } = column;
  if (relation.parents.length === 0 && relation.children.length === 0) return [column];
  const seen = new Set<Relation>([relation]);
  for (const one of seen) for (const other of [...one.parents, ...one.children]) seen.add(other);
  return [...seen].flatMap(({ columns }) => columns.filter((other) => other.name === name));
}
