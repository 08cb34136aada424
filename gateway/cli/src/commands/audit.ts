import { createWriteStream } from 'node:fs';
import { type Event, EventSchema, VerifyJournalResponseSchema } from '@sallyport/proto/api/v1/audit_pb';
import type { Command } from 'commander';
import { exits, Failure, usage } from '../failures.ts';
import { formatOf, plainOf, writtenLine } from '../output/format.ts';
import { nameOf } from '../output/parties.ts';
import { clockTime } from '../output/times.ts';
import type { Run } from '../session.ts';
import { visible } from '../terminal/escape.ts';
import { type Output, outputTo } from '../terminal/output.ts';
import { fit } from '../terminal/width.ts';

interface FilterOptions {
  readonly type?: readonly string[];
  readonly connection?: string;
  readonly session?: string;
  readonly after?: string;
}

interface TailOptions extends FilterOptions {
  readonly last: string;
  readonly follow?: boolean;
  readonly output: string;
}

const filters = (command: Command): Command =>
  command
    .option('--type <type...>', 'session.start, postgres.*, …')
    .option('--connection <name>', 'of this connection only')
    .option('--session <id>', 'of this session only')
    .option('--after <sequence>', 'events behind this place in the journal');

/** `audit tail|verify|export`. */
export function addAudit(program: Command, run: Run): void {
  const audit = program.command('audit').description('the journal: every event, hash-chained');
  filters(audit.command('tail').description('the last events, and with -f those that come'))
    .option('-n, --last <count>', 'how many', '20')
    .option('-f, --follow', 'go on with what comes')
    .option('-o, --output <format>', 'table, json or yaml', 'table')
    .action((options: TailOptions, command: Command) => tail(run, options, command));
  filters(audit.command('export').description('all events as lines of JSON'))
    .option('--file <path>', 'write there; a file that exists is not touched')
    .action((options: FilterOptions & { file?: string }, command: Command) => exportAll(run, options, command));
  audit
    .command('verify')
    .description('read the whole journal and check its chain')
    .option('-o, --output <format>', 'table, json or yaml', 'table')
    .action(({ output }: { output: string }, command: Command) => verify(run, output, command));
}

async function tail(run: Run, options: TailOptions, command: Command): Promise<void> {
  const format = formatOf(options.output);
  const from =
    options.after === undefined ? { case: 'last' as const, value: countOf(options.last) } : afterOf(options.after);
  const { audit } = await run.api(command);
  const request = { from, follow: options.follow ?? false, ...filterOf(options) };
  for await (const { events } of audit.tailEvents(request, { signal: run.stop.signal })) {
    for (const event of events) {
      await run.out.write(format === 'table' ? line(event, run) : writtenLine(plainOf(EventSchema, event), format));
    }
  }
}

async function exportAll(run: Run, options: FilterOptions & { file?: string }, command: Command): Promise<void> {
  const { audit } = await run.api(command);
  const file = options.file === undefined ? undefined : createWriteStream(options.file, { flags: 'wx', mode: 0o600 });
  const broken = file === undefined ? new Promise<never>(() => {}) : failed(file, options.file ?? '');
  const out: Output = file === undefined ? run.out : outputTo(file as unknown as NodeJS.WriteStream);
  const request = { from: afterOf(options.after ?? '0'), follow: false, ...filterOf(options) };
  const copy = async (): Promise<void> => {
    for await (const { events } of audit.tailEvents(request, { signal: run.stop.signal })) {
      await out.write(events.map((event) => writtenLine(plainOf(EventSchema, event), 'json')).join(''));
    }
    if (file !== undefined) await new Promise<void>((resolve) => file.end(resolve));
  };
  await Promise.race([copy(), broken]);
}

function failed(file: NodeJS.EventEmitter, path: string): Promise<never> {
  return new Promise((_, reject) => {
    file.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        new Failure(error.code === 'EEXIST' ? `${path} exists; it is not overwritten` : `${path} cannot be written`, {
          cause: error,
        }),
      );
    });
  });
}

async function verify(run: Run, output: string, command: Command): Promise<void> {
  const { audit } = await run.api(command);
  // A long journal takes longer to read than other calls may take.
  const answer = await run.awaited('reading the journal', audit.verifyJournal({}));
  const { intact, events, head, problem, brokenAt } = answer;
  await run.show(output, VerifyJournalResponseSchema, answer, [
    ['journal', intact ? 'intact' : 'BROKEN'],
    ['events', String(events)],
    ['head', head],
    ['problem', problem],
    ['at event', intact ? '' : String(brokenAt)],
  ]);
  if (!intact) run.exitCode = exits.failed;
}

/** One event a line, cut to the terminal. */
function line(event: Event, { out, style }: Run): string {
  const { sequence, time, type, principal, connection, data } = event;
  const rest = visible(data === undefined ? '' : JSON.stringify(data));
  const head = `${clockTime(time)}  ${String(sequence).padStart(6)}  `;
  const who = `  ${visible(nameOf(principal) || '-')}  ${visible(connection === '' ? '-' : connection)}  `;
  const name = visible(type).padEnd(18);
  const room = out.width === undefined ? undefined : Math.max(20, out.width - head.length - name.length - who.length);
  return `${style.dim(head)}${style.cyan(name)}${who}${style.dim(room === undefined ? rest : fit(rest, room))}\n`;
}

function filterOf({ type = [], connection = '', session = '' }: FilterOptions) {
  return { types: [...type], connection, sessionId: session };
}

function countOf(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw usage(`"${text}" is no count`);
  return Number(text);
}

function afterOf(text: string): { case: 'after'; value: bigint } {
  if (!/^\d{1,15}$/.test(text)) throw usage(`"${text}" is no place in the journal`);
  return { case: 'after', value: BigInt(text) };
}
