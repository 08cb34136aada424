import { type Lease, LeaseSchema } from '@sallyport/proto/api/v1/leases_pb';
import type { Command } from 'commander';
import { fromNow } from '../output/times.ts';
import type { Run } from '../session.ts';
import type { TableColumn } from '../terminal/table.ts';

const columns: readonly TableColumn<Lease>[] = [
  { title: 'login', of: ({ username }) => username },
  { title: 'connection', of: ({ connection }) => connection },
  { title: 'source', of: ({ source }) => source },
  { title: 'agent', of: ({ agent }) => agent },
  { title: 'issued', of: ({ issuedAt }) => fromNow(issuedAt) },
  { title: 'ends', of: ({ expiresAt }) => fromNow(expiresAt) },
  { title: 'session', of: ({ sessionId }) => sessionId },
  { title: 'problem', of: ({ problem }) => problem },
];

/** `leases`. */
export function addLeases(program: Command, run: Run): void {
  program
    .command('leases')
    .description('credentials that were made for living sessions')
    .option('--connection <name>', 'of this connection only')
    .option('-o, --output <format>', 'table, json or yaml', 'table')
    .action(async ({ output, connection = '' }: { output: string; connection?: string }, command: Command) => {
      const found = await run.awaited('asking', (await run.api(command)).leases.listLeases({ connection }));
      await run.list(output, LeaseSchema, found.leases, columns, 'no credential is lent out now');
    });
}
