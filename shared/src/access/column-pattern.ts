import { globOf } from './glob.ts';

/** Columns that a mask names: one test each for schema, table and column. */
export interface ColumnPattern {
  readonly matchesTable: (schema: string, table: string) => boolean;
  readonly matchesColumn: (column: string) => boolean;
}

/** One part: quoted text is literal but for nothing; unquoted is folded to lower case and may hold `*`. */
interface Part {
  readonly text: string;
  readonly isQuoted: boolean;
}

/**
 * Reads `schema.table.column`, `table.column` in any schema, with `*` for any run of characters. As in SQL, what is
 * not in double quotes is folded to lower case; within quotes `""` is a quote and `*` is a plain character.
 * @throws Error that says what is wrong
 */
export function readColumnPattern(text: string): ColumnPattern {
  const parts = split(text);
  if (parts.length < 2 || parts.length > 3) {
    throw new Error(`columns: "${text}" has ${parts.length} parts; write schema.table.column or table.column`);
  }
  const [column, table, schema] = parts.toReversed().map(matcher);
  return {
    matchesTable: (schemaName, tableName) => table!(tableName) && (schema === undefined || schema(schemaName)),
    matchesColumn: column!,
  };
}

const bare = /[^".\s]+/y;
const quoted = /"((?:[^"]|"")+)"/y;

function split(text: string): Part[] {
  const parts: Part[] = [];
  let at = 0;
  for (;;) {
    const isQuoted = text[at] === '"';
    const pattern = isQuoted ? quoted : bare;
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null) throw new Error(`columns: "${text}" cannot be read at character ${at + 1}`);
    parts.push({ text: isQuoted ? match[1]!.replaceAll('""', '"') : fold(match[0]), isQuoted });
    at = pattern.lastIndex;
    if (at === text.length) return parts;
    if (text[at] !== '.') throw new Error(`columns: "${text}": a dot is wanted at character ${at + 1}`);
    at++;
  }
}

/** PostgreSQL folds ASCII letters only where the encoding is UTF-8 (downcase_identifier). */
const fold = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

function matcher({ text, isQuoted }: Part): (name: string) => boolean {
  if (isQuoted || !text.includes('*')) return (name) => name === text;
  return globOf(text);
}
