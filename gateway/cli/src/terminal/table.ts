import { visible } from './escape.ts';
import type { Style } from './style.ts';
import { fit, padded, widthOf } from './width.ts';

export interface TableColumn<T> {
  readonly title: string;
  readonly of: (row: T) => string;
  readonly align?: 'right';
}

const GAP = 2;
const NARROWEST = 6;

/** Rows as lines that fit `width` columns; as wide as they are where there is no terminal. */
export function table<T>(
  columns: readonly TableColumn<T>[],
  rows: readonly T[],
  width: number | undefined,
  style: Style,
): string {
  const cells = rows.map((row) => columns.map(({ of }) => visible(of(row))));
  const titles = columns.map(({ title }) => title.toUpperCase());
  const natural = titles.map((title, at) => Math.max(widthOf(title), ...cells.map((row) => widthOf(row[at] ?? ''))));
  const widths = width === undefined ? natural : narrowed(natural, width);
  const line = (row: readonly string[]): string =>
    row
      .map((cell, at) => {
        const side = columns[at]?.align ?? 'left';
        const last = at === row.length - 1 && side === 'left';
        const cut = fit(cell, widths[at] ?? 0);
        return last ? cut : padded(cut, widths[at] ?? 0, side);
      })
      .join(' '.repeat(GAP))
      .trimEnd();
  return [style.dim(line(titles)), ...cells.map(line)].map((each) => `${each}\n`).join('');
}

/** Takes from the widest until all fit, or until nothing can be taken. */
function narrowed(natural: readonly number[], width: number): number[] {
  const widths = [...natural];
  let over = widths.reduce((sum, each) => sum + each, 0) + GAP * (widths.length - 1) - width;
  while (over > 0) {
    const widest = Math.max(...widths);
    if (widest <= NARROWEST) break;
    const at = widths.indexOf(widest);
    const second = Math.max(NARROWEST, ...widths.filter((_, each) => each !== at && (widths[each] ?? 0) < widest));
    const take = Math.max(1, Math.min(over, widest - second));
    widths[at] = widest - take;
    over -= take;
  }
  return widths;
}
