import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  bind,
  describe as describeNamed,
  execute,
  parse,
  query,
  sync,
} from '@sallyport/shared/wire/postgres/frontend.ts';
import { errorOf, type Message, WireClient } from '../../harness/wire-client.ts';
import { searchReplies } from '../search.ts';
import { Stage } from '../stage.ts';
import { worldNames } from '../worlds.ts';
import { type Generated, Grammar } from './grammar.ts';
import { Random } from './random.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000_000);
const queries = Number(process.env['QUERIES'] ?? 10_000);

type Build = (sql: string, number: number) => readonly Buffer[];
const described: Build = (sql) => [parse('', sql), bind({}), describeNamed('portal'), execute(), sync()];
const forms: Readonly<Record<string, Build>> = {
  simple: (sql) => [query(sql)],
  text: described,
  binary: (sql) => [parse('', sql), describeNamed('statement'), bind({ resultFormats: [1] }), execute(), sync()],
  undescribed: (sql) => [parse('', sql), bind({ resultFormats: [1] }), execute(), sync()],
  cursor: (sql, i) => [query(`declare walk${i} cursor for ${sql}; fetch all from walk${i}`)],
  'binary cursor': (sql, i) => [query(`declare walk${i} binary cursor for ${sql}; fetch all from walk${i}`)],
  copy: (sql) => [query(`copy (${sql}) to stdout`)],
  csv: (sql) => [query(`copy (${sql}) to stdout (format csv)`)],
  'binary copy': (sql) => [query(`copy (${sql}) to stdout (format binary)`)],
};
const anyStatement = ['simple', 'text', 'binary', 'undescribed'];

/** One statement between BEGIN and ROLLBACK, sent in one piece. */
async function asked(client: WireClient, messages: readonly Buffer[]): Promise<Message[]> {
  client.send(query('begin'), ...messages, query('rollback'));
  await client.ready();
  const answer = await client.ready();
  await client.ready();
  return answer;
}

const bytesOf = (messages: readonly Message[]): Buffer =>
  Buffer.concat(messages.flatMap(({ type, body }) => [Buffer.from(type), lengthOf(body), body]));

function lengthOf(body: Buffer): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(body.length + 4);
  return bytes;
}

/** Rows in any order: what no ORDER BY orders comes as it comes. */
const rowsOf = (messages: readonly Message[]): string =>
  messages
    .filter(({ type }) => type === 'D' || type === 'd')
    .map(({ body }) => body.toString('latin1'))
    .sort()
    .join('\n');

describe('random queries', () => {
  let stage: Stage;
  let clients: { east: WireClient; west: WireClient; direct: WireClient };
  before(async () => {
    stage = await Stage.start();
    clients = {
      east: await stage.client('east'),
      west: await stage.client('west'),
      direct: await WireClient.open({ port: stage.port('east'), database: 'postgres', user: 'postgres' }),
    };
  });
  after(async () => {
    await Promise.all(Object.values(clients).map((client) => client.end()));
    await stage.stop();
  });

  it(`${queries} of seed ${seed} tell nothing, and free ones are answered`, { timeout: 1_200_000 }, async () => {
    const random = new Random(seed);
    const grammar = new Grammar(random);
    const faults: string[] = [];
    const total = { valid: 0, free: 0, refused: 0, answered: 0 };
    for (let i = 0; i < queries && faults.length < 20; i++) {
      // What was rolled back would make tables of other sizes, other plans, and rows in another order.
      if (i % 200 === 0) for (const world of worldNames) await stage.direct(world, 'vacuum');
      const made = grammar.statement();
      const form = random.pick(made.isQuery ? Object.keys(forms) : anyStatement);
      const fault = await tried(made, forms[form]?.(made.sql, i) ?? [], total);
      if (fault !== undefined) faults.push(`${form}: ${made.sql}\n    ${fault}`);
    }
    console.log(
      `random queries: seed ${seed}, ${queries} queries in two worlds, ${total.valid} valid, ${total.answered} answered, ` +
        `${total.refused} refused, ${total.free} free of protected tables, ${faults.length} faults`,
    );
    assert.deepEqual(faults, []);
    assert.ok(total.valid > queries / 2, `only ${total.valid} of ${queries} were valid`);
  });

  it('nothing of them was written down', () => {
    assert.deepEqual(stage.written(Buffer.alloc(0)), []);
  });

  async function tried(
    made: Generated,
    messages: readonly Buffer[],
    total: Record<'valid' | 'free' | 'refused' | 'answered', number>,
  ) {
    const [east, west, direct] = await Promise.all([
      asked(clients.east, messages),
      asked(clients.west, messages),
      asked(clients.direct, messages),
    ]);
    const [error, native] = [errorOf(east), errorOf(direct)];
    if (native === undefined) total.valid += 1;
    if (error === undefined) total.answered += 1;
    else if (error.startsWith('42501')) total.refused += 1;
    if (made.isFree) total.free += 1;
    for (const world of ['east', 'west'] as const) {
      if (!clients[world].closed) continue;
      clients[world] = await stage.client(world);
      return `the session ended: ${error}`;
    }
    const told = searchReplies(Buffer.concat([bytesOf(east), bytesOf(west)]));
    if (told.length > 0) return `told ${told.join(', ')}`;
    if (!bytesOf(east).equals(bytesOf(west)))
      return `the worlds differ: ${error ?? 'no error'} / ${errorOf(west) ?? 'no error'}`;
    if (!made.isFree || native !== undefined) return undefined;
    if (error !== undefined) return `refused although nothing protected is in it: ${error}`;
    return rowsOf(east) === rowsOf(direct) ? undefined : "other rows than the target's";
  }
});
