import type { Node } from '../sql/analysis.ts';
import type { Catalogue, Column, Relation } from './catalogue.ts';
import type { Field, Value } from './value.ts';

/** Deeper queries are not seen through. Levels. */
const MAX_DEPTH = 200;

/** What is found out while a statement is walked. */
export class Trace {
  readonly catalogue: Catalogue;
  readonly searchPath: readonly string[] | undefined;
  readonly observed = new Set<Column>();
  readonly copied = new Set<Column>();
  /** Columns of views, by the view: what they are made of is worked out once. */
  readonly views: Map<Relation, readonly Field[]>;
  /** Columns of a table that the session made itself of nothing protected, and that the catalogue need not have yet. */
  readonly made: (name: string) => readonly string[] | undefined;
  #opaque: string | undefined;
  #stale = false;
  /** A table is read that the session made itself. */
  readsMade = false;
  #depth = 0;

  constructor(
    catalogue: Catalogue,
    searchPath: readonly string[] | undefined,
    views = new Map<Relation, readonly Field[]>(),
    made: (name: string) => readonly string[] | undefined = () => undefined,
  ) {
    this.catalogue = catalogue;
    this.searchPath = searchPath;
    this.views = views;
    this.made = made;
  }

  get opaque(): string | undefined {
    return this.#opaque;
  }

  /** A name was used that the catalogue does not have. */
  get stale(): boolean {
    return this.#stale;
  }

  /** The first reason is the one that is told. */
  hide(reason: string): void {
    this.#opaque ??= reason;
  }

  outdated(): void {
    this.#stale = true;
  }

  /** The value decides something that shows. */
  observe(value: Value): void {
    for (const column of value.sources) this.observed.add(column);
    if (value.unknown) this.hide('a condition depends on a value that comes from where nobody can know');
  }

  copy(value: Value): void {
    for (const column of value.sources) this.copied.add(column);
    if (value.unknown) this.hide('a value that comes from where nobody can know is written to a table');
  }

  /** Runs one level deeper; `fallback` where that is too deep. */
  deeper<T>(work: () => T, fallback: T): T {
    if (this.#depth >= MAX_DEPTH) {
      this.hide('it is nested too deeply');
      return fallback;
    }
    this.#depth += 1;
    try {
      return work();
    } finally {
      this.#depth -= 1;
    }
  }
}

/** `{ SelectStmt: { … } }` as its kind and its fields. */
export function opened(node: unknown): [kind: string, fields: Node] | undefined {
  if (typeof node !== 'object' || node === null) return undefined;
  const [entry, second] = Object.entries(node);
  if (entry === undefined || second !== undefined) return undefined;
  const [kind, fields] = entry;
  return /^[A-Z]/.test(kind) && typeof fields === 'object' && fields !== null ? [kind, fields as Node] : undefined;
}

export const list = (value: unknown): readonly Node[] => (Array.isArray(value) ? (value as Node[]) : []);

/** The text of a String node. */
export function text(node: unknown): string {
  const [kind, fields] = opened(node) ?? [];
  return kind === 'String' ? String(fields?.['sval'] ?? '') : '';
}

export const texts = (value: unknown): string[] => list(value).map(text);

export const aliasOf = (fields: Node): { name: string | undefined; columns: readonly string[] } => {
  const alias = fields['alias'] as { aliasname?: string; colnames?: unknown } | undefined;
  return { name: alias?.aliasname, columns: texts(alias?.colnames) };
};
