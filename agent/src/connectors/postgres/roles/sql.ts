/** An SQL identifier, quoted. @see PostgreSQL manual, 4.1.1 */
export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** An SQL string constant that reads the same whatever standard_conforming_strings says. @see PostgreSQL manual, 4.1.2.2 */
export const literal = (text: string): string =>
  text.includes('\\') ? `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'` : `'${text.replaceAll("'", "''")}'`;
