import { bind, describe, execute, parse, query, sync } from '@sallyport/shared/wire/postgres/frontend.ts';
import { errorOf, type Message, WireClient } from '../harness/wire-client.ts';
import type { Attempt, AttemptClass, Expectation, Open, Way } from './attempt.ts';
import { searchReplies } from './search.ts';
import { ledgerState, type Place, type Stage } from './stage.ts';
import { worldNames } from './worlds.ts';

/** One attempt, one way, in all the places that it is for. */
export interface Outcome {
  readonly title: string;
  readonly way: Way | 'scene';
  /** What is wrong; empty where the attempt failed as it should. */
  readonly faults: readonly string[];
  readonly refused: boolean;
}

interface Run {
  readonly bytes: Buffer;
  /** The last statement's; of a scene all of it. */
  readonly error: string | undefined;
  readonly broken: string | undefined;
}

const messages: Readonly<Record<Way, (sql: string) => Buffer[]>> = {
  query: (sql) => [query(sql)],
  text: (sql) => [parse('', sql), bind({}), describe('portal'), execute(), sync()],
  binary: (sql) => [parse('', sql), describe('statement'), bind({ resultFormats: [1] }), execute(), sync()],
  undescribed: (sql) => [parse('', sql), bind({ resultFormats: [1] }), execute(), sync()],
  cursor: (sql) => [query(`declare walk binary cursor for ${sql}`), query('fetch all from walk')],
  copy: (sql) => [query(`copy (${sql}) to stdout`)],
};

/** Rounds of ReadyForQuery that each way gets. */
const rounds = (way: Way): number => (way === 'cursor' ? 2 : 1);

export const attemptsOf = ({ attempts }: AttemptClass): Attempt[] =>
  attempts.map((attempt) => (typeof attempt === 'string' ? { steps: [attempt] } : attempt));

/** What the client knows anyway. */
export const saidBy = ({ title = '', steps = [], settings = {}, scene }: Attempt): Buffer =>
  Buffer.from([title, ...steps, ...Object.values(settings), scene?.toString() ?? ''].join('\n'));

const MAX_TITLE = 160;

export function titleOf({ title, steps = [] }: Attempt): string {
  const whole = title ?? steps.at(-1) ?? 'untitled';
  return whole.length > MAX_TITLE ? `${whole.slice(0, MAX_TITLE)}…` : whole;
}

/** Runs an attempt in each of its ways. */
export async function tried(stage: Stage, against: AttemptClass['against'], attempt: Attempt): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const way of attempt.scene === undefined
    ? (attempt.ways ?? (['query', 'text', 'binary'] as const))
    : (['scene'] as const)) {
    const outcome =
      against === 'vault' ? await inBothWorlds(stage, attempt, way) : await atTheLedger(stage, attempt, way);
    outcomes.push({ title: titleOf(attempt), way, ...outcome });
  }
  return outcomes;
}

async function inBothWorlds(
  stage: Stage,
  attempt: Attempt,
  way: Way | 'scene',
): Promise<Omit<Outcome, 'title' | 'way'>> {
  const [east, west] = await Promise.all(worldNames.map((world) => played(stage, world, attempt, way)));
  if (attempt.restore !== undefined) for (const world of worldNames) await stage.direct(world, attempt.restore);
  if (east === undefined || west === undefined) throw new Error('a world is missing');
  const said = saidBy(attempt);
  const faults = [
    ...new Set([...searchReplies(east.bytes, said), ...searchReplies(west.bytes, said)].map((what) => `told ${what}`)),
    ...unexpected(east, attempt.expect ?? 'silent'),
    ...[east.broken, west.broken].filter((what) => what !== undefined),
  ];
  if (attempt.varies === undefined && !steady(east.bytes).equals(steady(west.bytes))) {
    faults.push(
      `the worlds differ: ${east.error ?? 'no error'} / ${west.error ?? 'no error'}: ${firstDifference(east.bytes, west.bytes)}`,
    );
  }
  return { faults, refused: isRefusal(east.error) };
}

async function atTheLedger(
  stage: Stage,
  attempt: Attempt,
  way: Way | 'scene',
): Promise<Omit<Outcome, 'title' | 'way'>> {
  const before = await stateOf(stage);
  const run = await played(stage, 'ledger', { ...attempt, bare: true }, way);
  const after = await stateOf(stage);
  if (attempt.restore !== undefined) await stage.direct('ledger', attempt.restore);
  const faults = unexpected(run, attempt.expect ?? 'refused');
  if (run.broken !== undefined) faults.push(run.broken);
  if (before !== after) faults.push('the ledger was changed');
  return { faults, refused: isRefusal(run.error) };
}

const stateOf = async (stage: Stage): Promise<string> => (await stage.direct('ledger', ledgerState)).rows[0].state;

const isRefusal = (error: string | undefined): boolean =>
  error?.startsWith('42501 ') === true && !error.includes('permission denied');

function unexpected({ error }: Run, expect: Expectation): string[] {
  if (expect === 'refused' && !isRefusal(error)) return [`not refused: ${error ?? 'no error'}`];
  if (expect === 'answered' && error !== undefined) return [`not answered: ${error}`];
  return [];
}

async function played(stage: Stage, place: Place, attempt: Attempt, way: Way | 'scene'): Promise<Run> {
  const opened: WireClient[] = [];
  const keep = (client: WireClient): WireClient => {
    client.forget();
    opened.push(client);
    return client;
  };
  const open: Open = Object.assign(
    async (settings?: Readonly<Record<string, string>>) => keep(await stage.client(place, settings)),
    {
      bare: () => keep(WireClient.bare(stage.login.port)),
      login: { database: place, password: stage.login.password },
    },
  );
  const isPlain = way !== 'scene' && isReusable(attempt, way);
  const client = isPlain ? keep(await idle(stage, place)) : await open(attempt.settings);
  const errors: (string | undefined)[] = [];
  let broken: string | undefined;
  try {
    if (way === 'scene') await attempt.scene?.(client, open);
    else errors.push(...(await stepsOf(client, attempt, way)));
  } catch (error) {
    broken = `it broke off: ${error instanceof Error ? error.message : String(error)}`;
  }
  const bytes = Buffer.concat(opened.map((one) => one.received));
  if (!isPlain) await Promise.all(opened.map((one) => one.end()));
  return {
    bytes,
    error: way === 'scene' ? errorIn(bytes) : (errors.find((error) => isRefusal(error)) ?? errors.at(-1)),
    broken,
  };
}

/** One session a place for plain queries, which leave nothing behind; others get sessions of their own. */
const sessions = new Map<string, WireClient>();

const isReusable = ({ steps = [], settings, bare }: Attempt, way: Way): boolean =>
  steps.length === 1 &&
  settings === undefined &&
  bare !== true &&
  way !== 'cursor' &&
  /^\s*(?:select|with|values|table)\b/i.test(steps[0] ?? '');

async function idle(stage: Stage, place: Place): Promise<WireClient> {
  const key = `${stage.login.port}/${place}`;
  const known = sessions.get(key);
  if (known !== undefined && !known.closed) return known;
  const client = await stage.client(place);
  sessions.set(key, client);
  return client;
}

/** The errors of each step; the transaction around them is ended in any case. */
async function stepsOf(client: WireClient, attempt: Attempt, way: Way): Promise<(string | undefined)[]> {
  const errors: (string | undefined)[] = [];
  const steps = attempt.steps ?? [];
  if (attempt.bare !== true) await client.ask(query('begin'));
  for (const [i, step] of steps.entries()) {
    const last = i === steps.length - 1;
    client.send(...(last ? messages[way](step) : messages.query(step)));
    const answer: Message[] = await client.ready(last ? rounds(way) : 1);
    errors.push(errorOf(answer) ?? (client.closed ? 'the session ended' : undefined));
  }
  if (attempt.bare !== true) await client.ask(query('rollback'));
  return errors;
}

function errorIn(bytes: Buffer): string | undefined {
  const found: Message[] = [];
  for (let at = 0; at + 5 <= bytes.length; ) {
    const end = at + 1 + bytes.readUInt32BE(at + 1);
    if (end <= at || end > bytes.length) break;
    found.push({ type: String.fromCharCode(bytes[at] ?? 0), body: bytes.subarray(at + 5, end) });
    at = end;
  }
  return found.map((message) => errorOf([message])).find((error) => isRefusal(error)) ?? errorOf(found);
}

/** Without what is another's by nature: keys of cancellation, process numbers of notifications, random salts. */
function steady(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  for (let at = 0; at + 5 <= copy.length; ) {
    const end = at + 1 + copy.readUInt32BE(at + 1);
    if (end <= at || end > copy.length) break;
    if (copy[at] === 0x4b) copy.fill(0, at + 5, end);
    if (copy[at] === 0x41) copy.fill(0, at + 5, at + 9);
    at = end;
  }
  return copy;
}

function firstDifference(east: Buffer, west: Buffer): string {
  const [one, other] = [steady(east), steady(west)];
  let at = 0;
  while (at < one.length && one[at] === other[at]) at++;
  const part = (bytes: Buffer): string => JSON.stringify(bytes.toString('latin1', Math.max(0, at - 30), at + 50));
  return `${part(one)} / ${part(other)}`;
}
