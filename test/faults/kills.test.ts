import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectNats } from 'nats';
import { Fixture, inDatabase } from '../end-to-end/fixture.ts';
import { startNats, type TestNats } from '../harness/nats.ts';
import { journalled, performed, recorded } from './checker.ts';
import { Load } from './load.ts';

/*
 * Processes are killed at moments that nobody chose while clients work. Afterwards what clients were told, what the database
 * did, and what journal, recordings and NATS hold are laid beside each other.
 */

describe('whatever is killed, nothing that was acknowledged is lost', () => {
  let all: Fixture;
  let nats: TestNats;
  before(async () => {
    nats = await startNats();
    all = await Fixture.start({ config: `nats: { url: "${nats.url}" }` });
    await inDatabase(all.database, 'create table numbered (n int primary key); grant all on numbered to app');
  });
  after(async () => {
    await all.stop();
    await nats.stop();
  });

  it('gateway, agent, NATS and backends, several times each', { timeout: 120_000 }, async () => {
    const load = new Load(all, 6);
    await load.more(50);
    let faults = 0;
    for (let round = 0; round < 3; round++) {
      await load.more(20 + Math.floor(Math.random() * 60));
      await all.stack.kill('gateway');
      await all.stack.startGateway();
      await all.stack.agentUp();
      await load.more(20 + Math.floor(Math.random() * 60));
      await all.stack.kill('agent');
      await all.stack.startAgent();
      await load.more(20 + Math.floor(Math.random() * 60));
      await nats.kill();
      // The gateway serves on while NATS is away.
      await load.more(50);
      await nats.restart();
      await load.more(20 + Math.floor(Math.random() * 60));
      const victims = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app'";
      await inDatabase(all.database, victims);
      faults += 4;
    }
    await load.more(50);
    await load.stop();
    const lastKnown = await sequenceInNats(nats, all);
    const inTarget = new Set<number>(
      (await inDatabase(all.database, 'select n from numbered')).rows.map(({ n }: { n: number }) => n),
    );
    const exit = once(all.stack.gateway as NonNullable<typeof all.stack.gateway>, 'exit');
    all.stack.gateway?.kill('SIGTERM');
    assert.deepEqual(await exit, [0, null]);

    const events = await journalled(all.stack.dataFolder);
    const [inJournal, inRecordings] = [performed(events), await recorded(all.stack.dataFolder)];
    const missing = (from: ReadonlySet<number>) => [...load.acknowledged].filter((number) => !from.has(number));
    assert.deepEqual(missing(inTarget), [], 'acknowledged and not in the database');
    assert.deepEqual(missing(inJournal), [], 'acknowledged and not in the journal');
    assert.deepEqual(missing(inRecordings), [], 'acknowledged and not in a recording');
    assert.deepEqual(
      [...inTarget].filter((number) => !inJournal.has(number)),
      [],
      'done and not in the journal',
    );
    assert.deepEqual(lastKnown.duplicates, [], 'published twice');
    assert.deepEqual(lastKnown.disorder, 0, 'published out of order');
    const published = new Set(lastKnown.ids);
    const unpublished = events.slice(0, lastKnown.upTo).filter(({ id }) => !published.has(id));
    assert.deepEqual(unpublished, [], 'journalled and not published');
    console.log(
      `faults ${faults}, acknowledged ${load.acknowledged.size}, connections lost ${load.failures}, lost 0, duplicated 0`,
    );
  });
});

/** What JetStream holds once it has caught up with the journal's head of this moment. */
async function sequenceInNats(nats: TestNats, all: Fixture) {
  const { events = [] } = await all.stack.cli(['audit', 'tail', '--last', '1', '-o', 'json']).then(({ out }) => ({
    events: out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { sequence: string | number }),
  }));
  const upTo = Number(events.at(-1)?.sequence ?? 0);
  const connection = await connectNats({ servers: nats.url });
  try {
    const manager = await connection.jetstreamManager();
    const found: { id: string; sequence: number }[] = [];
    for (const until = Date.now() + 30_000; Date.now() < until; await delay(100)) {
      const { state } = await manager.streams.info('SALLYPORT_AUDIT');
      for (let at = found.length + 1; at <= state.last_seq; at++) {
        const message = await manager.streams.getMessage('SALLYPORT_AUDIT', { seq: at });
        found.push({ id: message.header.get('ce-id'), sequence: Number(message.header.get('ce-sequence')) });
      }
      if ((found.at(-1)?.sequence ?? 0) >= upTo) break;
    }
    const ids = found.map(({ id }) => id);
    const seen = new Set<string>();
    const duplicates = ids.filter((id) => seen.has(id) || !seen.add(id));
    const disorder = found.filter(({ sequence }, i) => i > 0 && sequence <= (found[i - 1]?.sequence ?? 0)).length;
    return { ids, duplicates, disorder, upTo };
  } finally {
    await connection.close();
  }
}
