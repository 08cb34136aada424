import type { CopyOptions } from './masking/copy.ts';
import type { Node, Statement } from './sql/analysis.ts';

interface Option {
  readonly defname?: string;
  readonly arg?: Node;
}

/** The options of a COPY … TO STDOUT as they were written; undefined for another statement, or options not known here. */
export function copyOptions({ stmt }: Statement): CopyOptions | undefined {
  const copy = stmt?.['CopyStmt'] as { is_from?: boolean; filename?: string; options?: Node[] } | undefined;
  if (copy === undefined || copy.is_from === true || copy.filename !== undefined) return undefined;
  const options: { -readonly [Key in keyof CopyOptions]: CopyOptions[Key] } = { format: 'text' };
  for (const node of copy.options ?? []) {
    const option = node['DefElem'] as Option | undefined;
    if (option === undefined || !take(option, options)) return undefined;
  }
  return options;
}

function take({ defname, arg }: Option, options: { -readonly [Key in keyof CopyOptions]: CopyOptions[Key] }): boolean {
  const text = textOf(arg);
  switch (defname) {
    case 'format':
      if (text !== 'text' && text !== 'csv' && text !== 'binary') return false;
      options.format = text;
      return true;
    case 'header':
      options.header = text === undefined || /^(true|on|1|match)$/i.test(text);
      return true;
    case 'delimiter':
    case 'quote':
    case 'escape':
    case 'null':
    case 'encoding':
      if (text === undefined) return false;
      options[defname] = text;
      return true;
    case 'force_quote':
      // Which columns are quoted changes nothing of what is read: every cell may be.
      options.forceQuote = true;
      return true;
    default:
      return false;
  }
}

/** A DefElem's value: a string, an integer or a truth value. */
function textOf(arg: Node | undefined): string | undefined {
  if (arg === undefined) return undefined;
  const [kind, value] = Object.entries(arg)[0] ?? [];
  const { sval, ival, boolval } = (value ?? {}) as { sval?: string; ival?: number; boolval?: boolean };
  if (kind === 'String') return sval ?? '';
  if (kind === 'Integer') return String(ival ?? 0);
  return kind === 'Boolean' ? String(boolval ?? false) : undefined;
}
