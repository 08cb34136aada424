import type { FieldDescription } from '@sallyport/shared/wire/postgres/backend.ts';
import type { Format } from '@sallyport/shared/wire/postgres/types.ts';
import type { ColumnKind } from './cells.ts';

export interface Column extends ColumnKind {
  readonly name: string;
}

export interface Columns {
  readonly columns: readonly Column[];
  /** They were not described for this very run. */
  readonly guessed: boolean;
}

/** Descriptions; a server's result has at most 1,664 columns. */
const MAX_REMEMBERED = 200;

/**
 * What results look like whose execution was not described: drivers describe a prepared statement once and then run
 * it. A description that belongs to no execution yet is of a statement whose text is only known when it is run.
 */
export class ColumnMemory {
  /** By the statement's text; the longest unused first. */
  readonly #byText = new Map<string, readonly Column[]>();
  /** Of prepared statements that nobody has run, oldest first. */
  #unclaimed: (readonly Column[])[] = [];

  /** The target described a prepared statement: its formats are not settled before it is bound. */
  describedStatement(fields: readonly FieldDescription[]): void {
    this.#unclaimed.push(fields.map(({ name, typeOid }) => ({ name, typeOid, format: undefined })));
    if (this.#unclaimed.length > MAX_REMEMBERED) this.#unclaimed.shift();
  }

  /** The target described what is run now. */
  described(text: string | undefined, fields: readonly FieldDescription[]): Columns {
    const columns = fields.map(({ name, typeOid, format }) => ({ name, typeOid, format }));
    this.#remember(text, columns);
    return { columns, guessed: false };
  }

  /** For rows of `count` values that nobody described. */
  recall(text: string | undefined, count: number): Columns {
    const known = text === undefined ? undefined : this.#byText.get(text);
    if (known?.length === count) return { columns: known, guessed: true };
    const candidates = this.#unclaimed.filter(({ length }) => length === count);
    const [only] = candidates;
    if (only !== undefined && candidates.length === 1) {
      this.#unclaimed = this.#unclaimed.filter((each) => each !== only);
      this.#remember(text, only);
      return { columns: only, guessed: true };
    }
    const unknown: Column = { name: '?column?', typeOid: 0, format: undefined };
    return { columns: Array.from({ length: count }, () => unknown), guessed: true };
  }

  #remember(text: string | undefined, columns: readonly Column[]): void {
    if (text === undefined) return;
    this.#byText.delete(text);
    this.#byText.set(text, columns);
    const [oldest] = this.#byText.keys();
    if (this.#byText.size > MAX_REMEMBERED && oldest !== undefined) this.#byText.delete(oldest);
  }
}

/** Formats as Bind asks for them: none is all text, one is for all, else one each. */
export function withFormats({ columns, guessed }: Columns, asked: readonly Format[] | undefined): Columns {
  if (asked === undefined || !guessed) return { columns, guessed };
  const format = (i: number): Format => (asked.length === 1 ? asked[0] : asked[i]) ?? 0;
  return { columns: columns.map((column, i) => ({ ...column, format: format(i) })), guessed };
}
