import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { timestampDate, timestampFromDate } from '@bufbuild/protobuf/wkt';
import { ExportFormat, type Session, SessionSchema } from '@sallyport/proto/api/v1/sessions_pb';
import { type TranscriptEvent, TranscriptEventSchema } from '@sallyport/proto/api/v1/transcript_pb';
import type { Command } from 'commander';
import { Failure, usage } from '../failures.ts';
import { type Format, formatOf, plainOf, writtenLine } from '../output/format.ts';
import { fullNameOf, nameOf } from '../output/parties.ts';
import { clockTime, span } from '../output/times.ts';
import { follow, play } from '../replay/player.ts';
import { TranscriptPrinter } from '../replay/printer.ts';
import type { Run } from '../session.ts';
import type { TableColumn } from '../terminal/table.ts';

const columns: readonly TableColumn<Session>[] = [
  { title: 'id', of: ({ id }) => id },
  { title: 'who', of: ({ principal }) => nameOf(principal) },
  { title: 'connection', of: ({ connection }) => connection },
  { title: 'started', of: ({ startedAt }) => clockTime(startedAt) },
  { title: 'lasted', of: lasted },
  { title: 'statements', of: ({ statements }) => String(statements), align: 'right' },
  { title: 'refused', of: ({ refused }) => String(refused), align: 'right' },
  { title: 'end', of: ({ endedAt, endReason }) => (endedAt === undefined ? 'lives' : endReason) },
];

interface ListOptions {
  readonly connection?: string;
  readonly user?: string;
  readonly live?: boolean;
  readonly before?: string;
  readonly limit: string;
  readonly output: string;
}

interface ReplayOptions {
  readonly speed: string;
  readonly idleLimit: string;
  readonly at: string;
  readonly output: string;
}

interface ExportOptions {
  readonly raw?: boolean;
  readonly format: string;
  readonly file?: string;
}

const formats: Readonly<Record<string, ExportFormat | undefined>> = {
  jsonl: ExportFormat.JSONL,
  raw: ExportFormat.RAW,
  asciicast: ExportFormat.ASCIICAST,
};

/** `sessions list|show|replay|watch|kill|export`. */
export function addSessions(program: Command, run: Run): void {
  const sessions = program.command('sessions').description('logins to connections, living and recorded');
  const output = ['-o, --output <format>', 'table, json or yaml', 'table'] as const;
  sessions
    .command('list', { isDefault: true })
    .description('newest first; yours, or all as an administrator or auditor')
    .option('--connection <name>', 'to this connection')
    .option('--user <name>', 'of this person or service account')
    .option('--live', 'those that live')
    .option('--before <time>', 'that started before: 2026-11-24T10:00:00Z')
    .option('-n, --limit <count>', 'how many', '50')
    .option(...output)
    .action((options: ListOptions, command: Command) => list(run, options, command));
  sessions
    .command('show <id>')
    .description('one session')
    .option(...output)
    .action((id: string, options: { output: string }, command: Command) => show(run, id, options.output, command));
  sessions
    .command('replay <id>')
    .description('play a recording as readable tables')
    .option('--speed <factor>', '1 is as it was; max is without pauses', '1')
    .option('--max-pause, --idle-limit <seconds>', 'longer pauses are cut to this', '3')
    .option('--at <time>', 'begin there: 90, 1:30, 1:02:03', '0')
    .option('-o, --output <format>', 'table (readable text), json (an event a line) or yaml', 'table')
    .action((id: string, options: ReplayOptions, command: Command) => replay(run, id, options, command));
  sessions
    .command('watch <id>')
    .description('look on while a session goes')
    .option('-o, --output <format>', 'table (readable text), json (an event a line) or yaml', 'table')
    .action((id: string, options: { output: string }, command: Command) => watch(run, id, options.output, command));
  sessions
    .command('kill <id>')
    .description('end a session now')
    .option('--reason <text>', 'told to whoever it is')
    .action(async (id: string, { reason = '' }: { reason?: string }, command: Command) => {
      await run.awaited('ending it', (await run.api(command)).sessions.killSession({ id, reason }));
      run.note(`session ${id} is ended`);
    });
  sessions
    .command('export <id>')
    .description('a recording as lines of JSON, or as it is kept')
    .option('--raw', 'the recording as it is kept')
    .option('--format <format>', 'jsonl, raw, or asciicast for terminal sessions', 'jsonl')
    .option('--file <path>', 'write there; a file that exists is not touched')
    .action((id: string, options: ExportOptions, command: Command) => exportOne(run, id, options, command));
}

async function list(run: Run, options: ListOptions, command: Command): Promise<void> {
  const limit = Number(options.limit);
  if (!Number.isInteger(limit) || limit < 1 || limit > 500)
    throw usage(`--limit is a count from 1 to 500, not "${options.limit}"`);
  const before = options.before === undefined ? {} : { before: timestampFromDate(dateOf(options.before)) };
  const { connection = '', user: principal = '', live = false } = options;
  const api = await run.api(command);
  const found = await run.awaited(
    'asking',
    api.sessions.listSessions({ connection, principal, live, limit, ...before }),
  );
  await run.list(options.output, SessionSchema, found.sessions, columns, 'there are no sessions');
  const last = found.sessions.at(-1)?.startedAt;
  if (found.more && last !== undefined) run.note(`more with: --before ${timestampDate(last).toISOString()}`);
}

async function show(run: Run, id: string, output: string, command: Command): Promise<void> {
  const { session } = await run.awaited('asking', (await run.api(command)).sessions.getSession({ id }));
  if (session === undefined) throw new Failure('the gateway answered without a session');
  await run.show(output, SessionSchema, session, [
    ['id', session.id],
    ['who', fullNameOf(session.principal)],
    ['connection', `${session.connection} (${session.protocol})`],
    ['agent', session.agent],
    ['from', session.sourceAddress],
    ['client', session.application],
    ['started', clockTime(session.startedAt)],
    ['ended', session.endedAt === undefined ? 'it lives' : clockTime(session.endedAt)],
    ['lasted', lasted(session)],
    ['because', session.endReason],
    ['statements', String(session.statements)],
    ['refused', String(session.refused)],
  ]);
}

async function replay(run: Run, id: string, options: ReplayOptions, command: Command): Promise<void> {
  const format = formatOf(options.output);
  const pace = { speed: speedOf(options.speed), maxPauseMs: secondsOf(options.idleLimit) * 1000 };
  const fromUs = BigInt(Math.round(secondsOf(options.at) * 1_000_000));
  const { signal } = run.stop;
  const batches = (await run.api(command)).sessions.replaySession({ id, fromUs }, { signal });
  if (format !== 'table') return writeEvents(run, batches, format);
  return play(batches, pace, {
    printer: new TranscriptPrinter(run.out.width, run.style, run.out.isTTY),
    write: (text) => run.out.write(text),
    signal,
  });
}

async function watch(run: Run, id: string, output: string, command: Command): Promise<void> {
  const format = formatOf(output);
  const { signal } = run.stop;
  const batches = (await run.api(command)).sessions.watchSession({ id }, { signal });
  if (format !== 'table') return writeEvents(run, batches, format);
  return follow(batches, {
    printer: new TranscriptPrinter(run.out.width, run.style, run.out.isTTY),
    write: (text) => run.out.write(text),
    signal,
  });
}

type Batches = AsyncIterable<{ readonly events: readonly TranscriptEvent[] }>;

async function writeEvents(run: Run, batches: Batches, format: Exclude<Format, 'table'>): Promise<void> {
  for await (const { events } of batches) {
    await run.out.write(events.map((event) => writtenLine(plainOf(TranscriptEventSchema, event), format)).join(''));
  }
}

async function exportOne(run: Run, id: string, options: ExportOptions, command: Command): Promise<void> {
  const { file } = options;
  const format = formats[options.raw ? 'raw' : options.format];
  if (format === undefined) throw usage(`"${options.format}" is no format`, 'There are: jsonl, raw, asciicast');
  const raw = format === ExportFormat.RAW;
  if (raw && file === undefined && run.out.isTTY)
    throw usage('a raw recording is no text for a terminal', 'Give it a --file, or send it on with >');
  const { sessions } = await run.api(command);
  const chunks = sessions.exportSession({ id, format }, { signal: run.stop.signal });
  if (file === undefined) {
    for await (const { chunk } of chunks) await run.out.write(chunk);
    return;
  }
  const bytes = async function* () {
    for await (const { chunk } of chunks) yield chunk;
  };
  try {
    await pipeline(Readable.from(bytes()), createWriteStream(file, { flags: 'wx', mode: 0o600 }));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new Failure(`${file} exists; it is not overwritten`);
  }
  run.note(`${id} is in ${file}`);
}

function lasted({ startedAt, endedAt }: Session): string {
  if (startedAt === undefined) return '-';
  const end = endedAt === undefined ? Date.now() : timestampDate(endedAt).getTime();
  return span(Math.max(0, end - timestampDate(startedAt).getTime()));
}

function dateOf(text: string): Date {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) throw usage(`"${text}" is no time`, 'Such as: 2026-11-24T10:00:00Z');
  return date;
}

function speedOf(text: string): number {
  if (text === 'max') return Number.POSITIVE_INFINITY;
  const speed = Number(text);
  if (!(speed > 0 && speed <= 1000)) throw usage(`"${text}" is no speed`, 'Such as: 0.5, 2, max');
  return speed;
}

/** `90`, `1:30`, `1:02:03.5`. */
function secondsOf(text: string): number {
  if (!/^(\d{1,5}:){0,2}\d{1,7}(\.\d+)?$/.test(text))
    throw usage(`"${text}" is no time in a session`, 'Such as: 90, 1:30, 1:02:03');
  return text.split(':').reduce((sum, each) => sum * 60 + Number(each), 0);
}
