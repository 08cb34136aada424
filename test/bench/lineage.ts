// What it costs to read a statement and to see through it: cold, each text for the first time, and cached.

import pg from 'pg';
import { Catalogue, catalogueQueries } from '../../gateway/src/protocols/postgres/lineage/catalogue.ts';
import { lineageOf } from '../../gateway/src/protocols/postgres/lineage/lineage.ts';
import { SqlReader } from '../../gateway/src/protocols/postgres/sql/reader.ts';
import { analysts } from '../evasion/ordinary/analysts.ts';
import { django } from '../evasion/ordinary/django.ts';
import { type OrdinaryStatement, sqlOf } from '../evasion/ordinary/ordinary.ts';
import { pgadmin } from '../evasion/ordinary/pgadmin.ts';
import { prisma } from '../evasion/ordinary/prisma.ts';
import { template, valuesOf } from '../evasion/worlds.ts';
import { startPostgres } from '../harness/postgres.ts';

const rounds = 20;
const database = await startPostgres();
const client = new pg.Client({ host: '127.0.0.1', port: database.port, user: 'postgres', database: 'postgres' });
await client.connect();
await client.query(template + valuesOf('east'));
const asText = { getTypeParser: () => (text: string) => text };
const rows: Record<string, (string | null)[][]> = {};
for (const { name, sql } of catalogueQueries()) {
  rows[name] = (await client.query({ text: sql, rowMode: 'array', types: asText })).rows.map((row) =>
    row.map((cell: unknown) => (cell === null ? null : String(cell))),
  );
}
await client.end();
await database.stop();

const reader = new SqlReader();
await reader.start();
const catalogue = Catalogue.from(rows, (text) => {
  const analysis = reader.read(text);
  return analysis instanceof Promise ? undefined : analysis.statements[0];
});
const scope = { searchPath: undefined, prepared: () => undefined, cursor: () => undefined };
const statements: readonly OrdinaryStatement[] = [
  ...analysts.statements,
  ...django.statements,
  ...pgadmin.statements,
  ...prisma.statements,
];
const texts = statements.map(sqlOf);
const reading: number[] = [];
const seeing: number[] = [];
const cached: number[] = [];
for (let round = 0; round < rounds; round++) {
  for (const text of texts) {
    // A text of its own each time: nothing is remembered of it.
    const fresh = `${text} -- ${round}`;
    let from = process.hrtime.bigint();
    const analysis = await reader.read(fresh);
    reading.push(Number(process.hrtime.bigint() - from) / 1_000);
    from = process.hrtime.bigint();
    for (const statement of analysis.statements) lineageOf(statement, catalogue, scope);
    seeing.push(Number(process.hrtime.bigint() - from) / 1_000);
    from = process.hrtime.bigint();
    await reader.read(fresh);
    cached.push(Number(process.hrtime.bigint() - from) / 1_000);
  }
}
const at = (values: readonly number[], part: number): string => {
  const sorted = [...values].sort((one, other) => one - other);
  return (sorted[Math.floor(part * (sorted.length - 1))] ?? 0).toFixed(1);
};
for (const [what, values] of Object.entries({
  'parsed and walked': reading,
  'seen through': seeing,
  'read again': cached,
})) {
  console.log(`${what}: median ${at(values, 0.5)} µs, 95 % ${at(values, 0.95)} µs, ${values.length} measured`);
}
process.exit(0);
