import { cpus, totalmem } from 'node:os';
import type { MemoryFigures } from './memory.ts';
import type { Slice } from './pgbench.ts';
import { median, spread } from './statistics.ts';

export interface Results {
  readonly tps: (Slice & { readonly round: number; readonly clients: number; readonly contender: string })[];
  readonly bulk: {
    readonly round: number;
    readonly what: string;
    readonly contender: string;
    readonly megabytesPerSecond: number;
  }[];
  memory: MemoryFigures | undefined;
}

const names = (results: readonly { readonly contender: string }[]): string[] => [
  ...new Set(results.map(({ contender }) => contender)),
];

/** Each round's figure of one contender by that of another in the same round. */
function ratios<T extends { readonly round: number; readonly contender: string }>(
  results: readonly T[],
  contender: string,
  base: string,
  figure: (result: T) => number,
): number[] {
  return results
    .filter((one) => one.contender === contender)
    .flatMap((one) => {
      const other = results.find(({ round, contender: name }) => round === one.round && name === base);
      return other === undefined ? [] : [figure(one) / figure(other)];
    });
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [
    `| ${head.join(' | ')} |`,
    `|${head.map(() => '---').join('|')}|`,
    ...rows.map((row) => `| ${row.join(' | ')} |`),
  ].join('\n');

const number = (value: number, digits = 0): string => (Number.isFinite(value) ? value.toFixed(digits) : '–');

export function report(results: Results, { rounds, seconds }: { rounds: number; seconds: number }): string {
  const parts = [
    `Machine: ${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB; Node ${process.versions.node}; everything on the same cores.`,
    `${rounds} rounds of ${seconds} s slices in random order; medians of the rounds' ratios, quartiles in brackets.`,
  ];
  for (const clients of [...new Set(results.tps.map((one) => one.clients))]) {
    parts.push(
      transactions(
        results.tps.filter((one) => one.clients === clients),
        clients,
      ),
    );
  }
  for (const what of [...new Set(results.bulk.map((one) => one.what))]) {
    parts.push(
      bulk(
        results.bulk.filter((one) => one.what === what),
        what,
      ),
    );
  }
  if (results.memory !== undefined) parts.push(memoryTable(results.memory));
  return `${parts.join('\n\n')}\n`;
}

function transactions(results: Results['tps'], clients: number): string {
  const rows = names(results).map((contender) => {
    const own = results.filter((one) => one.contender === contender);
    const cpu = (role: string): string => number(median(own.map((one) => one.cpu[role] ?? Number.NaN)), 2);
    const ratio = (base: string): string => {
      const found = ratios(results, contender, base, ({ tps }) => tps);
      return found.length === 0 ? '–' : spread(found);
    };
    const times =
      clients === 1 ? [number(median(own.map(({ p50 }) => p50))), number(median(own.map(({ p99 }) => p99)))] : [];
    return [
      contender,
      number(median(own.map(({ tps }) => tps))),
      ...['direct', 'PgBouncer', 'two Node relays', 'bare relay'].map(ratio),
      cpu('gateway'),
      cpu('agent'),
      ...times,
    ];
  });
  const head = [
    '',
    'TPS',
    'to direct',
    'to PgBouncer',
    'to two Node relays',
    'to bare relay',
    'CPU s/10k gateway',
    'agent',
  ];
  return `pgbench -S -M prepared, ${clients} ${clients === 1 ? 'client' : 'clients'}\n\n${table(
    clients === 1 ? [...head, 'p50 µs', 'p99 µs'] : head,
    rows,
  )}`;
}

function bulk(results: Results['bulk'], what: string): string {
  const rows = names(results).map((contender) => {
    const own = results.filter((one) => one.contender === contender);
    return [
      contender,
      number(median(own.map(({ megabytesPerSecond }) => megabytesPerSecond))),
      spread(ratios(results, contender, 'direct', (one) => one.megabytesPerSecond)),
    ];
  });
  return `${what}\n\n${table(['', 'MB/s', 'to direct'], rows)}`;
}

function memoryTable(figures: MemoryFigures): string {
  const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MB`;
  const kilobytes = (bytes: number): string => `${(bytes / 2 ** 10).toFixed(0)} KB`;
  return `Memory\n\n${table(
    ['', 'gateway', 'agent'],
    [
      ['idle', megabytes(figures.idle.gateway), megabytes(figures.idle.agent)],
      ['each of 1,000 idle sessions', kilobytes(figures.perSession.gateway), kilobytes(figures.perSession.agent)],
      ['at most during a 1 GB result', megabytes(figures.bulk.gateway), megabytes(figures.bulk.agent)],
    ],
  )}`;
}
