import type { Cell, Column } from '@sallyport/proto/api/v1/transcript_pb';
import { visible } from '../terminal/escape.ts';
import type { Style } from '../terminal/style.ts';
import { padded, widthOf } from '../terminal/width.ts';

/** The first so many rows settle the widths; they are all that is ever held. */
const BATCH_ROWS = 100;
const BATCH_CHARS = 256 * 1024;
/** Of one value, so many characters are shown. */
const MAX_SHOWN_CHARS = 2000;
const numeric = /^(int[248]|float[48]|numeric|oid|money|serial[248]?)$/;

/** A result set as psql shows one: aligned, or expanded where it is wider than the terminal. Rows come, text leaves. */
export class ResultTable {
  readonly #columns: readonly { readonly name: string; readonly side: 'left' | 'right' }[];
  readonly #width: number | undefined;
  readonly #style: Style;
  #held: (string | undefined)[][] = [];
  #heldChars = 0;
  #layout: { readonly expanded: boolean; readonly widths: readonly number[] } | undefined;
  #rows = 0;

  constructor(columns: readonly Column[], width: number | undefined, style: Style) {
    this.#columns = columns.map(({ name, type }) => ({
      name: visible(name),
      side: numeric.test(type) ? 'right' : 'left',
    }));
    this.#width = width;
    this.#style = style;
  }

  /** What is to be written now; empty while the first rows are gathered. */
  row(cells: readonly Cell[]): string {
    const shown = this.#columns.map((_, at) => shownCell(cells[at]));
    this.#rows += 1;
    if (this.#layout !== undefined) return this.#line(shown, this.#rows);
    this.#held.push(shown);
    for (const cell of shown) this.#heldChars += cell?.length ?? 4;
    return this.#held.length >= BATCH_ROWS || this.#heldChars >= BATCH_CHARS ? this.flush() : '';
  }

  /** Whatever is held, with the head before it if it was not written yet. */
  flush(): string {
    if (this.#layout !== undefined) return '';
    const { held, widths } = { held: this.#held, widths: this.#widths() };
    const total = widths.reduce((sum, each) => sum + each + 3, -1);
    const expanded = this.#width !== undefined && total > this.#width && this.#columns.length > 0;
    this.#layout = {
      expanded,
      widths: expanded ? [Math.max(...this.#columns.map(({ name }) => widthOf(name)))] : widths,
    };
    this.#held = [];
    const head = expanded ? '' : this.#head(widths);
    return head + held.map((row, at) => this.#line(row, at + 1)).join('');
  }

  get rows(): number {
    return this.#rows;
  }

  #widths(): number[] {
    return this.#columns.map(({ name }, at) =>
      Math.max(widthOf(name), ...this.#held.map((row) => widthOf(row[at] ?? 'NULL'))),
    );
  }

  #head(widths: readonly number[]): string {
    const { bold } = this.#style;
    const names = this.#columns.map(({ name }, at) => ` ${bold(padded(name, widths[at] ?? 0, 'centre'))} `);
    return `${names.join('|')}\n${widths.map((width) => '-'.repeat(width + 2)).join('+')}\n`;
  }

  #line(row: readonly (string | undefined)[], number: number): string {
    const { expanded = false, widths = [] } = this.#layout ?? {};
    const cell = (value: string | undefined, width: number, side: 'left' | 'right'): string =>
      value === undefined ? this.#style.dim(padded('NULL', width, side)) : padded(value, width, side);
    if (!expanded) {
      const cells = row.map((value, at) => ` ${cell(value, widths[at] ?? 0, this.#columns[at]?.side ?? 'left')} `);
      return `${cells.join('|').trimEnd()}\n`;
    }
    const [width = 0] = widths;
    const head = `-[ RECORD ${number} ]`;
    const fields = row.map(
      (value, at) => `${padded(this.#columns[at]?.name ?? '', width)} | ${cell(value, 0, 'left')}\n`,
    );
    return `${this.#style.dim(head.padEnd(Math.min(this.#width ?? 40, 40), '-'))}\n${fields.join('')}`;
  }
}

function shownCell(cell: Cell | undefined): string | undefined {
  const text = cell?.text;
  if (text === undefined) return undefined;
  if (text.length <= MAX_SHOWN_CHARS) return visible(text);
  return `${visible(text.slice(0, MAX_SHOWN_CHARS))}… (${text.length - MAX_SHOWN_CHARS} more characters)`;
}
