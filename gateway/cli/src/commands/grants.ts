import { type Grant, GrantSchema, GrantState } from '@sallyport/proto/api/v1/access_pb';
import type { Command } from 'commander';
import type { Api } from '../client/api.ts';
import { Failure } from '../failures.ts';
import { formatOf } from '../output/format.ts';
import { fullNameOf, nameOf } from '../output/parties.ts';
import { clockTime, fromNow } from '../output/times.ts';
import type { Run } from '../session.ts';
import type { TableColumn } from '../terminal/table.ts';

const columns: readonly TableColumn<Grant>[] = [
  { title: 'id', of: ({ id }) => id },
  { title: 'state', of: stateOf },
  { title: 'who', of: ({ principal }) => nameOf(principal) },
  { title: 'connection', of: ({ connection }) => connection },
  {
    title: 'by',
    of: ({ decidedBy, breakGlass }) => (breakGlass ? 'break-glass' : decidedBy.map(({ name }) => name).join(', ')),
  },
  { title: 'ends', of: ({ state, endsAt, overAt }) => fromNow(state === GrantState.ACTIVE ? endsAt : overAt) },
  { title: 'reason', of: ({ reason }) => reason },
];

interface ListOptions {
  readonly all?: boolean;
  readonly active?: boolean;
  readonly review?: boolean;
  readonly output: string;
}

/** `grants list|show|revoke|review`. */
export function addGrants(program: Command, run: Run): void {
  const grants = program.command('grants').description('access to connections for a time');
  grants
    .command('list', { isDefault: true })
    .description('yours; with --all, of everybody whom you may see')
    .option('--all', 'of everybody, as far as you may see')
    .option('--active', 'only what is in force')
    .option('--review', 'break-glass that nobody else has looked at')
    .option('-o, --output <format>', 'table, json or yaml', 'table')
    .action((options: ListOptions, command: Command) => list(run, options, command));
  grants
    .command('show <id>')
    .description('who, what, why and how long')
    .option('-o, --output <format>', 'table, json or yaml', 'table')
    .action(async (id: string, { output }: { output: string }, command: Command) => {
      await show(
        run,
        present((await run.awaited('asking', (await run.api(command)).access.getGrant({ id }))).grant),
        output,
      );
    });
  grants
    .command('revoke <id>')
    .description('take access back, or give yours back: living sessions are cut')
    .option('--reason <text>', 'for the person, and for the journal')
    .action(async (id: string, { reason = '' }: { reason?: string }, command: Command) => {
      await run.awaited('revoking', (await run.api(command)).access.revokeGrant({ id, reason }));
      run.note(`${id} is revoked`);
    });
  grants
    .command('review <id>')
    .description('you have looked at this break-glass access')
    .option('--note <text>', 'what you found')
    .action(async (id: string, { note = '' }: { note?: string }, command: Command) => {
      await run.awaited('reviewing', (await run.api(command)).access.reviewBreakGlass({ id, note }));
      run.note(`${id} is reviewed`);
    });
}

/** Part of the inbox of those who decide: tells of break-glass access that waits to be looked at. */
export async function noteReviews(run: Run, api: Api): Promise<void> {
  const { grants } = await api.access.listGrants({ all: true, needsReview: true, limit: 20 });
  for (const { id, principal, connection, reason } of grants) {
    run.note(
      `break-glass ${id}: ${nameOf(principal)} reached ${connection}: ${reason} (sallyport grants review ${id})`,
    );
  }
}

async function list(run: Run, options: ListOptions, command: Command): Promise<void> {
  const { all = false, active = false, review = false, output } = options;
  const { access } = await run.api(command);
  const asked = access.listGrants({ all: all || review, active, needsReview: review, limit: 500 });
  const { grants } = await run.awaited('asking', asked);
  await run.list(output, GrantSchema, grants, columns, 'there are none');
}

/** All of a grant. */
export async function show(run: Run, grant: Grant, output: string): Promise<void> {
  if (formatOf(output) !== 'table') return run.show(output, GrantSchema, grant, []);
  const { principal, overBy, reviewedBy, breakGlass } = grant;
  await run.show(output, GrantSchema, grant, [
    ['id', grant.id],
    ['state', stateOf(grant)],
    ['who', fullNameOf(principal)],
    ['connection', grant.connection],
    ['rule', grant.rule],
    ['reason', grant.reason],
    [breakGlass ? 'broke the glass' : 'approved by', grant.decidedBy.map(({ name }) => name).join(', ')],
    ['request', grant.approvalId],
    ['from', clockTime(grant.startsAt)],
    ['until', clockTime(grant.endsAt)],
    ['over at', grant.overAt === undefined ? '' : clockTime(grant.overAt)],
    ['because', grant.overBecause],
    ['taken back by', overBy?.name ?? ''],
    ['reviewed by', reviewedBy === undefined ? '' : `${reviewedBy.name} at ${clockTime(grant.reviewedAt)}`],
    ['note', grant.reviewNote],
  ]);
}

/** @throws Failure */
export function present(grant: Grant | undefined): Grant {
  if (grant === undefined) throw new Failure('the gateway answered without a grant');
  return grant;
}

function stateOf({ state, needsReview }: Grant): string {
  const word = (GrantState[state] ?? 'unknown').toLowerCase();
  return needsReview ? `${word}, to be reviewed` : word;
}
