import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { query } from '@sallyport/shared/wire/postgres/frontend.ts';
import { startPostgres, type TestPostgres } from '../../harness/postgres.ts';
import { Stack } from '../../harness/stack.ts';
import { type Message, WireClient } from '../../harness/wire-client.ts';
import { Random } from '../generated/random.ts';
import { type Step, sequence } from './machine.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000_000);
const runs = Number(process.env['RUNS'] ?? 1_500);
/** Connections of the gateway: without masks, and with one on a table that nothing here touches. */
const connections = ['plain', 'veiled'] as const;

const resources = (port: number): string => `
${connections
  .map(
    (name) => `kind: Connection
name: ${name}
spec:
  protocol: postgres
  agent: test-agent
  target: { host: 127.0.0.1, port: ${port}, database: ${name}, tls: disable }
  credential: { username: postgres }
---
`,
  )
  .join('')}kind: User
name: alice
spec: { groups: [engineering] }
---
kind: Rule
name: everything
spec: { who: { any: true }, then: allow }
---
kind: Mask
name: elsewhere
spec: { connections: { names: [veiled] }, columns: [public.untouched.secret] }
`;

/** Messages that differ by nature or by design: keys, process numbers, where in its source the server raised an error. */
function told({ type, body }: Message, isVeiled: boolean): string | undefined {
  if (type === 'K') return undefined;
  if (type === 'S') return undefined;
  if (type === 'T') return `T ${withoutNumbers(body).toString('latin1')}`;
  // Behind a veil payloads are hidden.
  if (type === 'A') return `A ${isVeiled ? body.subarray(4, body.indexOf(0, 4)) : body.subarray(4)}`;
  if (type !== 'E' && type !== 'N') return `${type} ${body.toString('latin1')}`;
  const fields = body
    .toString('utf8')
    .split('\0')
    .filter((field) => !/^[FLRWDHqp]/.test(field));
  // Behind a veil what a message quotes is hidden.
  return `${type} ${fields.filter((field) => !isVeiled || /^[SVC]/.test(field)).join('|')}`;
}

/** A RowDescription without the numbers of tables: a temporary one has another in each session. */
function withoutNumbers(body: Buffer): Buffer {
  const copy = Buffer.from(body);
  for (let at = 2; at < copy.length; at += 18) {
    at = copy.indexOf(0, at) + 1;
    copy.fill(0, at, at + 4);
  }
  return copy;
}

describe('random orders of messages', () => {
  let database: TestPostgres;
  let stack: Stack;
  let token: string;
  before(async () => {
    database = await startPostgres({ max_connections: 50 });
    for (const name of connections) {
      const setup = await WireClient.open({ port: database.port, database: 'postgres', user: 'postgres' });
      await setup.ask(query(`create database ${name}`));
      await setup.end();
      const inside = await WireClient.open({ port: database.port, database: name, user: 'postgres' });
      await inside.ask(query('create table fuzz (id int); create table untouched (secret text)'));
      await inside.end();
    }
    stack = await Stack.start();
    await stack.apply(resources(database.port));
    token = await stack.token('alice');
  });
  after(async () => {
    await stack.stop();
    await database.stop();
  });

  /** What comes of a sequence on a fresh session, up to rest or the end. */
  async function played(client: WireClient, steps: readonly Step[], isVeiled: boolean): Promise<string[]> {
    await client.ask(query('truncate fuzz'));
    client.send(...steps.map(({ bytes }) => bytes), query('rollback'), query("select 'rest'"));
    const answers: string[] = [];
    for (;;) {
      const round = await client.ready();
      for (const message of round) {
        const what = told(message, isVeiled);
        if (what !== undefined) answers.push(what);
      }
      if (client.closed || round.some(({ type, body }) => type === 'D' && body.includes('rest'))) break;
    }
    await client.end();
    return answers;
  }

  const direct = (name: string) => WireClient.open({ port: database.port, database: name, user: 'postgres' });
  const through = (name: string) =>
    WireClient.open({ port: stack.ports.postgres, database: name, password: token, user: 'alice' });

  /** Undefined where both answer alike. The gateway may end a session whose order it cannot follow, never answer otherwise. */
  async function difference(name: string, steps: readonly Step[]): Promise<string | undefined> {
    const isVeiled = name === 'veiled';
    const there = await played(await direct(name), steps, isVeiled);
    const here = await played(await through(name), steps, isVeiled);
    const last = here.at(-1) ?? '';
    const isEnded = last.includes('FATAL') && /ERR_WIRE|08P01|0A000/.test(last);
    // What is refused behind a veil is compared up to there.
    const refusedAt = isVeiled ? here.findIndex((what) => what.startsWith('E ') && what.includes('C42501')) : -1;
    const compared = refusedAt >= 0 ? here.slice(0, refusedAt) : isEnded ? here.slice(0, -1) : here;
    if (isEnded) ended += 1;
    if (refusedAt >= 0) refused += 1;
    for (const [i, what] of compared.entries()) {
      // Prepared by SQL, described by the protocol: behind a veil its columns are nobody's.
      if (isVeiled && what !== there[i] && /^T ..column1/s.test(what)) {
        refused += 1;
        return undefined;
      }
      if (what !== there[i]) return `answer ${i}: the target says ${there[i]}, the gateway ${what}`;
    }
    return !isEnded && refusedAt < 0 && here.length < there.length
      ? `the gateway is silent where the target says ${there[here.length]}`
      : undefined;
  }
  let ended = 0;
  let refused = 0;
  let unsteady = 0;

  /** The shortest part of a sequence that still differs, taking away one message at a time. */
  async function shrunk(name: string, steps: readonly Step[]): Promise<readonly Step[]> {
    let least = steps;
    for (let at = least.length - 2; at >= 0; at--) {
      const less = least.toSpliced(at, 1);
      if ((await difference(name, less)) !== undefined) least = less;
    }
    return least;
  }

  for (const name of connections) {
    it(`${runs} sequences of seed ${seed}, ${name}: the target's own replies`, { timeout: 900_000 }, async () => {
      const random = new Random(seed);
      ended = refused = unsteady = 0;
      for (let run = 0; run < runs; run++) {
        const steps = sequence(random);
        if ((await difference(name, steps)) === undefined) continue;
        // Once may be two sessions in each other's way; what is wrong is wrong again.
        if ((await difference(name, steps)) === undefined) {
          unsteady += 1;
          continue;
        }
        const least = await shrunk(name, steps);
        const why = await difference(name, least);
        assert.fail(`seed ${seed}, run ${run}: ${why}\n${least.map((step) => `  ${step.name}`).join('\n')}`);
      }
      console.log(
        `wire: seed ${seed}, ${name}: ${runs} sequences alike, ${ended} sessions ended by the gateway, ${refused} refused, ${unsteady} differed once`,
      );
      assert.ok(unsteady < runs / 100, `${unsteady} sequences differed once`);
      assert.ok(ended < runs / 3, `${ended} of ${runs} sessions were ended`);
    });
  }
});
