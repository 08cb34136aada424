import { type Approval, ApprovalSchema, ApprovalState, Choice } from '@sallyport/proto/api/v1/approvals_pb';
import type { Command } from 'commander';
import { Failure, usage } from '../failures.ts';
import { formatOf, plainOf, writtenLine } from '../output/format.ts';
import { fullNameOf, nameOf } from '../output/parties.ts';
import { clockTime, fromNow, lengthOf } from '../output/times.ts';
import type { Field, Run } from '../session.ts';
import { visible, visibleLines } from '../terminal/escape.ts';
import type { TableColumn } from '../terminal/table.ts';
import { noteReviews } from './grants.ts';

const columns: readonly TableColumn<Approval>[] = [
  { title: 'id', of: ({ id }) => id },
  { title: 'state', of: ({ state }) => wordOf(state) },
  { title: 'who', of: ({ requester }) => nameOf(requester) },
  { title: 'connection', of: ({ connection }) => connection },
  { title: 'rule', of: ({ rule }) => rule },
  { title: 'asked', of: ({ requestedAt }) => fromNow(requestedAt) },
  { title: 'what', of: whatOf },
];

interface ListOptions {
  readonly state: string;
  readonly watch?: boolean;
  readonly output: string;
}

/** `approvals list|show|approve|reject`. */
export function addApprovals(program: Command, run: Run): void {
  const approvals = program.command('approvals').description('requests for people’s consent');
  approvals
    .command('list', { isDefault: true })
    .description('those that you asked for or may decide')
    .option('--state <state>', 'pending, approved, rejected, expired, cancelled or all', 'pending')
    .option('-w, --watch', 'what is pending, then every change')
    .option('-o, --output <format>', 'table, json or yaml', 'table')
    .action((options: ListOptions, command: Command) => list(run, options, command));
  approvals
    .command('show <id>')
    .description('exactly what would happen')
    .option('-o, --output <format>', 'table, json or yaml', 'table')
    .action(async (id: string, { output }: { output: string }, command: Command) => {
      const { approval } = await run.awaited('asking', (await run.api(command)).approvals.getApproval({ id }));
      if (approval === undefined) throw new Failure('the gateway answered without an approval');
      await run.show(output, ApprovalSchema, approval, fieldsOf(approval));
      if (formatOf(output) === 'table') await run.out.write(statementOf(approval));
    });
  const decide = (word: 'approve' | 'reject', choice: Choice): void => {
    approvals
      .command(`${word} <id>`)
      .description(word === 'approve' ? 'let it happen, once' : 'turn it away')
      .option('--reason <text>', 'for whoever asked, and for the journal')
      .action(async (id: string, { reason = '' }: { reason?: string }, command: Command) => {
        if (choice === Choice.REJECT && reason === '') throw usage('a rejection needs a --reason');
        const answer = await run.awaited(
          'deciding',
          (await run.api(command)).approvals.decideApproval({ id, choice, reason }),
        );
        run.note(outcome(id, answer.approval));
      });
  };
  decide('approve', Choice.APPROVE);
  decide('reject', Choice.REJECT);
}

async function list(run: Run, { state, watch = false, output }: ListOptions, command: Command): Promise<void> {
  const wanted = stateOf(state);
  const api = await run.api(command);
  if (watch) return follow(run, api.approvals.watchApprovals({}, { signal: run.stop.signal }), output);
  const { approvals } = await run.awaited('asking', api.approvals.listApprovals({ state: wanted }));
  const empty = wanted === ApprovalState.PENDING ? 'nothing waits' : 'there are none';
  await run.list(output, ApprovalSchema, approvals, columns, empty);
  await noteReviews(run, api);
}

async function follow(
  run: Run,
  changes: AsyncIterable<{ readonly approval?: Approval | undefined }>,
  output: string,
): Promise<void> {
  const format = formatOf(output);
  for await (const { approval } of changes) {
    if (approval === undefined) continue;
    if (format !== 'table') {
      await run.out.write(writtenLine(plainOf(ApprovalSchema, approval), format));
      continue;
    }
    const { id, requester, connection, rule } = approval;
    const parts = [
      clockTime(approval.requestedAt),
      id,
      wordOf(approval.state),
      nameOf(requester),
      connection,
      rule,
      whatOf(approval),
    ];
    await run.out.write(`${parts.map(visible).join('  ')}\n`);
  }
}

function fieldsOf({ action, requester, ...rest }: Approval): readonly Field[] {
  const named = [...rest.approverGroups.map((group) => `group ${group}`), ...rest.approverUsers].join(', ');
  const each = rest.approverEachOf.length === 0 ? '' : `one of each of ${rest.approverEachOf.join(', ')}`;
  const deciders = [named === '' ? '' : `${rest.count} of ${named}`, each].filter((part) => part !== '');
  const decided = rest.decisions.map(({ by, choice, reason, at }) => {
    const word = choice === Choice.APPROVE ? 'approved' : 'rejected';
    return `${word} by ${by?.name ?? ''} at ${clockTime(at)}${reason === '' ? '' : `: ${reason}`}`;
  });
  return [
    ['id', rest.id],
    ['state', wordOf(rest.state)],
    ['asked by', fullNameOf(requester)],
    ['connection', rest.connection],
    ['role there', rest.role],
    ['rule', rest.rule],
    ['who decides', deciders.join(', and ')],
    ['asked at', clockTime(rest.requestedAt)],
    ['expires', rest.state === ApprovalState.PENDING ? fromNow(rest.expiresAt) : clockTime(rest.expiresAt)],
    ['session', rest.sessionId],
    ['what', `${action?.kind ?? ''} ${action?.verb ?? ''}`],
    ['for', rest.access?.duration === undefined ? '' : lengthOf(rest.access.duration)],
    ['why', rest.access?.reason ?? ''],
    ['tables', action?.tables.join(', ') ?? ''],
    ['rows, estimated', action?.estimatedRows === undefined ? '' : String(Math.round(action.estimatedRows))],
    ...decided.map((each): Field => ['decision', each]),
  ];
}

/** The statement as it was sent, and its parameters: what the consent is for. */
function whatOf({ action, access }: Approval): string {
  if (access?.duration !== undefined) {
    return `access for ${lengthOf(access.duration)}${access.reason === '' ? '' : `: ${access.reason}`}`;
  }
  return (action?.text ?? '').replaceAll(/\s+/g, ' ') || (action?.kind ?? '');
}

function statementOf({ action }: Approval): string {
  if (action === undefined || action.text === '') return '';
  const parameters = action.parameters.map(
    ({ text }, at) => `  $${at + 1} = ${text === undefined ? 'NULL' : `'${visible(text)}'`}\n`,
  );
  return `\n${visibleLines(action.text)}\n${parameters.join('')}`;
}

function outcome(id: string, approval: Approval | undefined): string {
  const state = wordOf(approval?.state ?? ApprovalState.UNSPECIFIED);
  if (approval === undefined || state !== 'pending') return `${id} is ${state}`;
  const given = approval.decisions.filter(({ choice }) => choice === Choice.APPROVE).length;
  return `${id} has ${given} of ${approval.count + approval.approverEachOf.length} approvals`;
}

const wordOf = (state: ApprovalState): string => (ApprovalState[state] ?? 'unknown').toLowerCase();

function stateOf(word: string): ApprovalState {
  if (word === 'all') return ApprovalState.UNSPECIFIED;
  const found = Object.entries(ApprovalState).find(([name]) => name.toLowerCase() === word && word !== 'unspecified');
  if (found === undefined)
    throw usage(`"${word}" is no state`, 'One of: pending, approved, rejected, expired, cancelled, all');
  return found[1] as ApprovalState;
}
