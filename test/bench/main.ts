import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { startPostgres } from '../harness/postgres.ts';
import { throughput } from './bulk.ts';
import type { Contender } from './contender.ts';
import { memory } from './memory.ts';
import { bareRelay, sallyport } from './ours.ts';
import { initialise, type Slice, slice } from './pgbench.ts';
import { type Results, report } from './report.ts';
import { direct, haProxy, pgBouncer, twoRelays } from './servers.ts';
import { shuffled } from './statistics.ts';

/*
 * Every way to the same database in one run: slices in random order, several rounds, so that what else the machine does
 * falls on all of them. Figures are ratios within a round; their medians and quartiles are reported.
 */

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '2' },
    clients: { type: 'string', default: '1,16,64' },
    only: { type: 'string' },
    bulk: { type: 'string', default: '3' },
    memory: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const clients = values.clients.split(',').map(Number);

const bulkStatements = {
  'large result': 'select * from wide',
  'COPY TO': 'copy wide to stdout',
} as const;

const progress = (text: string): void =>
  void process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : `${text}\n`);

const server = await startPostgres({ max_connections: 1200, shared_buffers: '512MB', synchronous_commit: 'off' });
const contenders: Contender[] = [];
const results: Results = { tps: [], bulk: [], memory: undefined };
try {
  progress('filling tables');
  await initialise(server.port);
  await fill(server.port);
  if (values.memory) {
    progress('memory');
    results.memory = await memory(server.port);
  }
  const makers = [
    async () => direct(server.port),
    () => pgBouncer(server.port),
    () => haProxy(server.port),
    () => twoRelays(server.port),
    () => bareRelay(server.port),
    () => sallyport(server.port, 'Sallyport', 'bench'),
    () => sallyport(server.port, 'Sallyport, 3 of 10 columns masked', 'masked'),
  ];
  for (const make of makers) {
    const contender = await make();
    if (values.only !== undefined && !values.only.split(',').some((name) => contender.name.includes(name))) {
      await contender.stop();
      continue;
    }
    contenders.push(contender);
  }
  const speedy = contenders.filter(({ name }) => !name.includes('masked'));
  for (let round = 0; round <= rounds; round++) {
    for (const count of clients) {
      for (const contender of shuffled(speedy)) {
        progress(`round ${round} of ${rounds}: ${count} clients, ${contender.name}`);
        const result: Slice = await slice(contender, count, round === 0 ? 1 : seconds, count === 1);
        // The first round warms up.
        if (round > 0) results.tps.push({ round, clients: count, contender: contender.name, ...result });
      }
    }
  }
  for (let round = 1; round <= Number(values.bulk); round++) {
    for (const [what, statement] of Object.entries(bulkStatements)) {
      for (const contender of shuffled(contenders)) {
        progress(`bulk ${round}: ${what}, ${contender.name}`);
        const megabytes = await throughput(contender, statement);
        results.bulk.push({ round, what, contender: contender.name, megabytesPerSecond: megabytes });
      }
    }
  }
} finally {
  progress('');
  for (const contender of contenders) await contender.stop();
  await server.stop();
}
const text = report(results, { rounds, seconds });
console.log(text);
if (values.write) keep(text);

/** Puts the figures below the marker of docs/benchmarks.md. */
function keep(figures: string): void {
  const file = new URL('../../docs/benchmarks.md', import.meta.url);
  const [head = '', rest = ''] = readFileSync(file, 'utf8').split(/(?<=<!-- figures[^\n]*-->\n)/);
  if (!head.includes('<!-- figures') && rest === '')
    throw new Error('docs/benchmarks.md has no marker for the figures');
  writeFileSync(file, `${head}\n${figures}`);
}

/** Ten columns of about 100 bytes in all; 200 MB as text. */
async function fill(port: number): Promise<void> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' });
  await client.connect();
  try {
    await client.query(`create table wide as select i as id, md5(i::text) as token, 'Name ' || i as name,
    'user' || i || '@example.com' as email, (i::bigint * 7919) % 100000 as amount, 'paid' as status, 'Berlin' as city,
    date '2020-01-01' + i % 1000 as day, 'DE' as country, i % 7 as weekday from generate_series(1, 1500000) i`);
    await client.query('vacuum analyze wide');
  } finally {
    await client.end();
  }
}
