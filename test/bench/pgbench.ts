import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Contender, cpuSeconds } from './contender.ts';
import { quantile } from './statistics.ts';

const run = promisify(execFile);

export interface Slice {
  readonly tps: number;
  readonly transactions: number;
  /** CPU seconds for 10,000 transactions, by role. */
  readonly cpu: Readonly<Record<string, number>>;
  /** Microseconds; only where they were asked for. */
  readonly p50: number;
  readonly p99: number;
}

function environment({ password }: Contender): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], PGPASSWORD: password, PGSSLMODE: 'disable', LC_ALL: 'C.UTF-8' };
}

const address = ({ port, user, database }: Contender): string[] => [
  ...['-h', '127.0.0.1', '-p', String(port), '-U', user],
  database,
];

/** `pgbench -S -M prepared` for so many seconds. */
export async function slice(
  contender: Contender,
  clients: number,
  seconds: number,
  latencies: boolean,
): Promise<Slice> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-'));
  try {
    const log = latencies ? ['-l', `--log-prefix=${join(folder, 'log')}`] : [];
    const before = cpu(contender);
    const args = ['-n', '-S', '-M', 'prepared', '-c', String(clients), '-j', '1', '-T', String(seconds), ...log];
    const { stdout } = await run('pgbench', [...args, ...address(contender)], { env: environment(contender) });
    const after = cpu(contender);
    const tps = Number(/tps = ([\d.]+)/.exec(stdout)?.[1]);
    const transactions = Number(/transactions actually processed: (\d+)/.exec(stdout)?.[1]);
    const times = latencies ? logged(folder) : [];
    return {
      tps,
      transactions,
      cpu: Object.fromEntries(
        Object.keys(after).map((role) => [role, (((after[role] ?? 0) - (before[role] ?? 0)) / transactions) * 10_000]),
      ),
      p50: quantile(times, 0.5),
      p99: quantile(times, 0.99),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function cpu({ processes }: Contender): Record<string, number> {
  return Object.fromEntries(Object.entries(processes).map(([role, pid]) => [role, cpuSeconds(pid)]));
}

/** Third field of each line: the transaction's time in microseconds. */
function logged(folder: string): number[] {
  return readdirSync(folder).flatMap((file) =>
    readFileSync(join(folder, file), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => Number(line.split(' ')[2])),
  );
}

/** pgbench's own tables; 100,000 accounts for each unit of the scale. */
export async function initialise(port: number, scale = 10): Promise<void> {
  await run('pgbench', [
    '-i',
    '-q',
    '-s',
    String(scale),
    '-h',
    '127.0.0.1',
    '-p',
    String(port),
    '-U',
    'postgres',
    'postgres',
  ]);
}
