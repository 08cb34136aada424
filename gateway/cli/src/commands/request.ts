import { type Grant, GrantSchema } from '@sallyport/proto/api/v1/access_pb';
import { type Approval, ApprovalSchema, ApprovalState } from '@sallyport/proto/api/v1/approvals_pb';
import type { Command } from 'commander';
import type { Api } from '../client/api.ts';
import { exits, Failure } from '../failures.ts';
import { formatOf, plainOf, written } from '../output/format.ts';
import { clockTime, durationOf, lengthOf } from '../output/times.ts';
import type { Run } from '../session.ts';
import type { TableColumn } from '../terminal/table.ts';
import { show as showConnection } from './connect.ts';
import { present } from './grants.ts';

interface RequestOptions {
  readonly for?: string;
  readonly reason?: string;
  /** False with --no-wait. */
  readonly wait: boolean;
  readonly breakGlass?: boolean;
  readonly output: string;
}

/** `request NAME [--for 2h] [--reason R] [--no-wait] [--break-glass]`. */
export function addRequest(program: Command, run: Run): void {
  const command = program
    .command('request <name>')
    .description('ask for a connection for a time, wait for the decision, and print the line that reaches it')
    .option('--for <time>', 'how long, from the decision on: 30m, 2h; the rule’s usual time where not said')
    .option('--reason <text>', 'for those who decide, and for the journal')
    .option('--no-wait', 'do not wait for the decision')
    .option('--break-glass', 'nobody is there to decide: in at once; needs a --reason, is told loudly, and is reviewed')
    .option('-o, --output <format>', 'table, json or yaml', 'table')
    .action((name: string, options: RequestOptions, command: Command) => request(run, name, options, command));
  command
    .command('cancel <id>')
    .description('take back a request of yours that nobody has decided')
    .action(async (id: string, _: unknown, command: Command) => {
      await run.awaited('taking it back', (await run.api(command)).access.cancelRequest({ id }));
      run.note(`${id} is taken back`);
    });
  command
    .command('list')
    .description('what you have asked for, newest first')
    .option('-o, --output <format>', 'table, json or yaml', 'table')
    .action(async ({ output }: { output: string }, command: Command) => {
      const asked = (await run.api(command)).approvals.listApprovals({ own: true, limit: 500 });
      const { approvals } = await run.awaited('asking', asked);
      const wanted = approvals.filter(({ access }) => access !== undefined);
      await run.list(output, ApprovalSchema, wanted, columns, 'you have asked for nothing');
    });
}

const columns: readonly TableColumn<Approval>[] = [
  { title: 'id', of: ({ id }) => id },
  { title: 'state', of: ({ state }) => (ApprovalState[state] ?? 'unknown').toLowerCase() },
  { title: 'connection', of: ({ connection }) => connection },
  { title: 'for', of: ({ access }) => (access?.duration === undefined ? '' : lengthOf(access.duration)) },
  { title: 'asked', of: ({ requestedAt }) => clockTime(requestedAt) },
  { title: 'by', of: ({ decisions }) => decisions.map(({ by }) => by?.name ?? '').join(', ') },
  { title: 'reason', of: ({ access }) => access?.reason ?? '' },
];

async function request(run: Run, connection: string, options: RequestOptions, command: Command): Promise<void> {
  const format = formatOf(options.output);
  const duration = options.for === undefined ? {} : { duration: durationOf(options.for) };
  const order = { connection, reason: options.reason ?? '', ...duration };
  const api = await run.api(command);
  if (options.breakGlass === true) {
    const { grant } = await run.awaited('letting you in', api.access.breakGlass(order));
    return granted(run, api, present(grant), options.output);
  }
  const answer = await run.awaited('asking', api.access.requestAccess(order));
  if (answer.approval === undefined) return granted(run, api, present(answer.grant), options.output);
  const { id } = answer.approval;
  if (options.wait) return granted(run, api, await decided(run, api, id), options.output);
  if (format !== 'table') return run.out.write(written(plainOf(ApprovalSchema, answer.approval), format));
  await run.out.write(`${id}\n`);
  run.note(`it waits for people: sallyport approvals show ${id}`);
}

/** @throws Failure where it was not given */
async function decided(run: Run, api: Api, id: string): Promise<Grant> {
  run.note(`${id} waits for people; Ctrl-C leaves it waiting`);
  const changes = api.access.watchRequest({ id }, { signal: run.stop.signal });
  const last = async (): Promise<Grant> => {
    for await (const { approval, grant } of changes) {
      if (grant !== undefined) return grant;
      if (approval !== undefined && approval.state !== ApprovalState.PENDING) throw refused(approval);
    }
    throw new Failure('the gateway is stopping, so nobody can decide any more', {
      exitCode: exits.unavailable,
      hint: `The request waits on: sallyport approvals show ${id}`,
    });
  };
  return run.awaited(`waiting for a decision on ${id}`, last());
}

function refused({ id, state, connection, decisions }: Approval): Failure {
  const by = decisions.at(-1);
  if (state === ApprovalState.REJECTED) {
    const why = by?.reason ?? '';
    const message = `${by?.by?.name ?? 'somebody'} rejected ${id}${why === '' ? '' : `: ${why}`}`;
    return new Failure(message, { exitCode: exits.refused });
  }
  const hint = `Ask again with: sallyport request ${connection}`;
  const message =
    state === ApprovalState.EXPIRED
      ? `nobody decided ${id} in time`
      : `${id} was taken back: the rule, the connection or your groups have changed, or the gateway stopped`;
  return new Failure(message, { hint, exitCode: exits.refused });
}

async function granted(run: Run, api: Api, grant: Grant, output: string): Promise<void> {
  if (formatOf(output) !== 'table') return run.show(output, GrantSchema, grant, []);
  const by = grant.breakGlass
    ? 'by your own word; it will be reviewed'
    : `by ${grant.decidedBy.map(({ name }) => name).join(', ')}`;
  run.note(`${grant.id}: ${grant.connection} until ${clockTime(grant.endsAt)}, ${by}`);
  const { connection } = await run.awaited('asking', api.connections.getConnection({ name: grant.connection }));
  if (connection !== undefined) await showConnection(run, connection, output);
}
