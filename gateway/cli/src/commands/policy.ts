import { durationMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  CheckPolicyResponseSchema,
  ExplainPolicyResponseSchema,
  type RuleOpinion,
  type SimulationChange,
  type SimulationReport,
  SimulationReportSchema,
} from '@sallyport/proto/api/v1/policy_pb';
import type { Command } from 'commander';
import { exits, usage } from '../failures.ts';
import { documentsAt } from '../output/documents.ts';
import { formatOf, plainOf, written } from '../output/format.ts';
import { durationOf } from '../output/times.ts';
import type { Run } from '../session.ts';
import { visible } from '../terminal/escape.ts';
import { Progress } from '../terminal/progress.ts';
import { type TableColumn, table } from '../terminal/table.ts';

interface SimulateOptions {
  readonly file?: readonly string[];
  readonly delete?: readonly string[];
  readonly since: string;
  readonly connection?: string;
  readonly user?: string;
  readonly limit: string;
  readonly output: string;
}

interface ExplainOptions {
  readonly user: string;
  readonly connection: string;
  readonly group?: readonly string[];
  readonly file?: readonly string[];
  readonly output: string;
}

/** `policy check|simulate|explain`. */
export function addPolicy(program: Command, run: Run): void {
  const policy = program.command('policy').description('what rules mean, before they are in force');
  policy
    .command('check [files...]')
    .description('read resources as applying them would, and look for what was probably not meant')
    .option('-o, --output <format>', 'table, json or yaml', 'table')
    .action((files: string[], { output }: { output: string }, command: Command) => check(run, files, output, command));
  policy
    .command('simulate')
    .description('judge what was asked in the past by rules that are not in force yet')
    .option('-f, --file <path...>', 'YAML files or folders of them; - is standard input')
    .option('--delete <kind/name...>', 'resources that would be deleted')
    .option('--since <time>', 'how far back: 24h, 7d', '7d')
    .option('--connection <name>', 'of this connection only')
    .option('--user <name>', 'of this person only')
    .option('--limit <n>', 'changes to list', '50')
    .option('-o, --output <format>', 'table, json or yaml', 'table')
    .action((options: SimulateOptions, command: Command) => simulate(run, options, command));
  policy
    .command('explain [text]')
    .description('judge one statement of somebody and say why; without one, whether a session may be opened')
    .requiredOption('--user <name>', 'a user, service:NAME, or a principal’s id')
    .requiredOption('--connection <name>', 'where')
    .option('--group <name...>', 'groups in place of the person’s own')
    .option('-f, --file <path...>', 'as if these were applied')
    .option('-o, --output <format>', 'table, json or yaml', 'table')
    .action((text: string | undefined, options: ExplainOptions, command: Command) =>
      explain(run, text ?? '', options, command),
    );
}

async function check(run: Run, files: readonly string[], output: string, command: Command): Promise<void> {
  const format = formatOf(output);
  const { policy } = await run.api(command);
  const documents = await documentsAt(files);
  const answer = await run.awaited('checking', policy.checkPolicy({ documents }));
  if (answer.findings.length > 0) run.exitCode = exits.failed;
  if (format !== 'table') return run.out.write(written(plainOf(CheckPolicyResponseSchema, answer), format));
  for (const { kind, name, message } of answer.findings) {
    await run.out.write(`${run.style.yellow(`${kind} ${visible(name)}`)}: ${visible(message)}\n`);
  }
  const what = documents.length === 0 ? 'what is in force' : `${answer.resources.length} resources`;
  run.note(
    answer.findings.length === 0 ? `${what}: nothing to complain about` : `${answer.findings.length} to look at`,
  );
}

async function simulate(run: Run, options: SimulateOptions, command: Command): Promise<void> {
  const format = formatOf(options.output);
  const deletions = options.delete ?? [];
  if (options.file === undefined && deletions.length === 0)
    throw usage('say what would change: -f FILE or --delete KIND/NAME');
  const documents = await documentsAt(options.file ?? []);
  const { policy } = await run.api(command);
  const progress = new Progress('reading the journal');
  let report: SimulationReport | undefined;
  try {
    const asked = {
      documents,
      deletions: [...deletions],
      since: timestampFromMs(Date.now() - durationMs(durationOf(options.since))),
      connection: options.connection ?? '',
      principal: options.user ?? '',
    };
    for await (const { kind } of policy.simulatePolicy(asked, { signal: run.stop.signal })) {
      if (kind.case === 'progress') progress.reach(Number(kind.value.read), Number(kind.value.total));
      if (kind.case === 'report') report = kind.value;
    }
  } finally {
    progress.end();
  }
  if (report === undefined) return;
  if (format !== 'table') return run.out.write(written(plainOf(SimulationReportSchema, report), format));
  await show(run, report, Number(options.limit));
}

const changes: readonly TableColumn<SimulationChange>[] = [
  { title: 'times', of: ({ count }) => String(count) },
  { title: 'who', of: ({ principal }) => principal },
  { title: 'connection', of: ({ connection }) => connection },
  { title: 'now', of: ({ before, ruleBefore }) => (ruleBefore === '' ? before : `${before} (${ruleBefore})`) },
  { title: 'then', of: ({ after, ruleAfter }) => (ruleAfter === '' ? after : `${after} (${ruleAfter})`) },
  { title: 'what', of: ({ kind, text }) => `${kind} ${text.replace(/\s+/g, ' ')}` },
];

async function show(run: Run, report: SimulationReport, limit: number): Promise<void> {
  const { judged, changed, transitions, guessed } = report;
  const shown = report.changes.slice(0, Number.isInteger(limit) && limit > 0 ? limit : 50);
  if (shown.length > 0) await run.out.write(table(changes, shown, run.out.width, run.style));
  if (report.changes.length > shown.length || report.cut) run.note('there are more: --limit, or -o json');
  for (const { before, after, count } of transitions) {
    if (before !== after) run.note(`${count} × ${before} → ${after}`);
  }
  run.note(`${judged} judged, ${changed} with another outcome`);
  if (guessed > 0) run.note(`${guessed} of them by the groups of today: the journal does not have those of then`);
}

const opinions: readonly TableColumn<RuleOpinion>[] = [
  { title: 'rule', of: ({ rule }) => rule },
  { title: 'then', of: ({ then }) => then },
  { title: 'matches', of: ({ matches }) => (matches ? 'yes' : 'no') },
  { title: 'because of', of: ({ because }) => because },
];

async function explain(run: Run, text: string, options: ExplainOptions, command: Command): Promise<void> {
  const { user: principal, connection, group: groups = [], file = [] } = options;
  const format = formatOf(options.output);
  const { policy } = await run.api(command);
  const documents = await documentsAt(file);
  const asked = { principal, connection, groups: [...groups], text, documents };
  const answer = await run.awaited('asking', policy.explainPolicy(asked));
  if (format !== 'table') return run.out.write(written(plainOf(ExplainPolicyResponseSchema, answer), format));
  const colour = { allow: run.style.green, deny: run.style.red }[answer.outcome] ?? run.style.yellow;
  const by = answer.rule === '' ? '' : ` by ${visible(answer.rule)}`;
  await run.out.write(`${colour(answer.outcome)}${by}${answer.reason === '' ? '' : `: ${visible(answer.reason)}`}\n`);
  run.note(
    `read as ${answer.effects.join(', ')}${answer.tables.length === 0 ? '' : ` of ${answer.tables.join(', ')}`}`,
  );
  run.note(`${principal} is in ${answer.groups.length === 0 ? 'no group' : answer.groups.join(', ')}`);
  await run.out.write(table(opinions, answer.rules, run.out.width, run.style));
}
