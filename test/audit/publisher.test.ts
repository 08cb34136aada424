import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { type ConnectionOptions, connect, headers, type JsMsg, type NatsConnection } from 'nats';
import { newEvent } from '../../gateway/src/audit/events.ts';
import { Journal } from '../../gateway/src/audit/journal.ts';
import { Publisher, type PublisherOptions, type PublisherStatus } from '../../gateway/src/audit/publisher.ts';
import { selfSigned } from '../harness/certificate.ts';
import { startNats } from '../harness/nats.ts';

const root = mkdtempSync(join(tmpdir(), 'sallyport-publisher-'));
const closing: (() => Promise<unknown>)[] = [];
after(async () => {
  for (const close of closing.reverse()) await close();
  rmSync(root, { recursive: true, force: true });
});

async function newJournal(): Promise<Journal> {
  const journal = await Journal.open(mkdtempSync(join(root, 'j-')), { syncIntervalMs: 5 });
  closing.push(() => journal.close());
  return journal;
}

function write(journal: Journal, count: number): void {
  for (let i = 0; i < count; i++) {
    journal.append(newEvent('postgres.query', { connection: 'prod.db', data: { text: `select ${i}` } }));
  }
}

/** A started publisher, and the moments of its life to wait for. */
function publisher(options: PublisherOptions) {
  const waiting = new Set<{ met: (status: PublisherStatus) => boolean; resolve: (status: PublisherStatus) => void }>();
  const made: Publisher = Publisher.create({
    ...options,
    onState: (status) => {
      for (const each of waiting) if (each.met(status)) each.resolve(status);
    },
  });
  made.start();
  closing.push(() => made.stop());
  const state = (met: (status: PublisherStatus) => boolean): Promise<PublisherStatus> =>
    met(made.status()) ? Promise.resolve(made.status()) : new Promise((resolve) => void waiting.add({ met, resolve }));
  return { made, state };
}

async function client(url: string, options: ConnectionOptions = {}): Promise<NatsConnection> {
  const connection = await connect({ servers: url, ...options });
  closing.push(() => connection.close());
  return connection;
}

interface Told {
  readonly id: string;
  readonly sequence: number;
  readonly subject: string;
  readonly message: JsMsg;
}

/** Reads a stream from its start until `count` of `source` are there; anything more in it is read too. */
async function stream(url: string, name: string, count: number, source?: string): Promise<Told[]> {
  const connection = await client(url);
  const consumer = await connection.jetstream().consumers.get(name);
  const told: Told[] = [];
  const messages = await consumer.consume();
  for await (const message of messages) {
    const header = (key: string) => message.headers?.get(key) ?? '';
    if (source === undefined || header('ce-source') === source) {
      told.push({ id: header('ce-id'), sequence: Number(header('ce-sequence')), subject: message.subject, message });
    }
    if (told.length >= count && message.info.pending === 0) break;
  }
  return told;
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);
const sequences = (told: readonly Told[]) => told.map(({ sequence }) => sequence);
const idsOf = async (journal: Journal) => {
  const ids: string[] = [];
  for await (const { event } of journal.read()) ids.push(event.id);
  return ids;
};

describe('the publisher', () => {
  it('tells CloudEvents whose chain the receiver can check, approvals on their own subjects too', async () => {
    const nats = await startNats();
    closing.push(nats.stop);
    const journal = await newJournal();
    write(journal, 2);
    journal.append(newEvent('agent.up', { data: {} }));
    for (const type of ['approval.requested', 'approval.decided', 'approval.expired', 'approval.cancelled']) {
      await journal.appendDurable(newEvent(type, { connection: 'db', data: { id: 'a' } }));
    }
    publisher({ journal, url: nats.url });
    const told = await eventually(() => stream(nats.url, 'SALLYPORT_AUDIT', 7));
    assert.deepEqual(sequences(told), upTo(7));
    assert.deepEqual(
      [told[0]?.subject, told[2]?.subject, told[3]?.subject],
      ['sallyport.audit.prod_db.postgres.query', 'sallyport.audit._.agent.up', 'sallyport.audit.db.approval.requested'],
    );
    const records = await journal.latest(7);
    for (const [i, { message }] of told.entries()) {
      const [header, record] = [(key: string) => message.headers?.get(key), records[i]];
      assert.deepEqual(
        ['ce-specversion', 'ce-id', 'ce-type', 'ce-time', 'content-type', 'Nats-Msg-Id', 'ce-hash'].map(header),
        [
          '1.0',
          record?.event.id,
          record?.event.type,
          record?.event.time,
          'application/json',
          record?.event.id,
          record?.hash,
        ],
      );
      assert.deepEqual(message.json(), record?.event);
      const before = told[i - 1]?.message.headers?.get('ce-hash');
      const text = `${before} {"sequence":${i + 1},"event":${message.string()}}`;
      if (before !== undefined) assert.equal(hash('sha256', text, 'hex'), header('ce-hash'));
    }
    const approvals = await stream(nats.url, 'SALLYPORT_APPROVALS', 4);
    assert.deepEqual(
      approvals.map(({ subject }) => subject.split('.')[2]),
      ['requested', 'decided', 'expired', 'decided'],
    );
  });

  it('is in order and exactly once though NATS is killed again and again in mid-stream', async () => {
    const nats = await startNats();
    closing.push(nats.stop);
    const journal = await newJournal();
    const { made, state } = publisher({ journal, url: nats.url });
    await state(({ state }) => state === 'up');
    for (let round = 0; round < 3; round++) {
      write(journal, 1500);
      const stop = made.status().published + 300;
      while (made.status().published < stop) await new Promise((resolve) => setImmediate(resolve));
      await nats.kill();
      const down = await state(({ state }) => state === 'down');
      assert.ok(down.lag > 0 && down.lastError !== undefined);
      write(journal, 100);
      await nats.restart();
      await state(({ state }) => state === 'up');
    }
    const told = await stream(nats.url, 'SALLYPORT_AUDIT', 4800);
    assert.deepEqual(sequences(told), upTo(4800));
    assert.deepEqual(
      told.map(({ id }) => id),
      await idsOf(journal),
    );
  });

  it('goes on exactly once after a restart, with its cursor lost and beyond the dedupe window, beside another gateway', async () => {
    const nats = await startNats();
    closing.push(nats.stop);
    const [journal, other] = [await newJournal(), await newJournal()];
    const streams = { dedupeWindowMs: 100 };
    const first = publisher({ journal, url: nats.url, streams });
    await first.state(({ state }) => state === 'up');
    publisher({ journal: other, url: nats.url, streams });
    write(journal, 400);
    write(other, 300);
    await journal.appendDurable(newEvent('approval.requested', { data: {} }));
    await eventually(() => stream(nats.url, 'SALLYPORT_AUDIT', 701));
    await first.made.stop();
    rmSync(join(journal.dir, 'published.json'));
    // Long enough for NATS to forget every Nats-Msg-Id: it looks each window's length.
    await new Promise((resolve) => setTimeout(resolve, 500));
    write(journal, 50);
    const second = publisher({ journal, url: nats.url, streams });
    await second.state(({ state }) => state === 'up');
    const source = `/sallyport/journals/${journal.id}`;
    assert.deepEqual(sequences(await stream(nats.url, 'SALLYPORT_AUDIT', 451, source)), upTo(451));
    await second.made.stop();
    write(journal, 5);
    publisher({ journal, url: nats.url, streams });
    assert.deepEqual(sequences(await stream(nats.url, 'SALLYPORT_AUDIT', 456, source)), upTo(456));
    assert.equal((await stream(nats.url, 'SALLYPORT_APPROVALS', 1)).length, 1);
  });

  it('never holds the journal up while NATS is away', async () => {
    const journal = await newJournal();
    const { made, state } = publisher({ journal, url: 'nats://127.0.0.1:1' });
    const { lastError } = await state(({ state }) => state === 'down');
    assert.match(lastError ?? '', /NATS cannot be reached/);
    write(journal, 10);
    assert.equal(made.status().lag, 10);
  });

  it('leaves a stream that is there as it is', async () => {
    const nats = await startNats();
    closing.push(nats.stop);
    const manager = await (await client(nats.url)).jetstreamManager();
    await manager.streams.add({
      name: 'SALLYPORT_AUDIT',
      subjects: ['sallyport.audit.>'],
      max_msgs: 5,
      deny_delete: true,
    });
    const journal = await newJournal();
    write(journal, 3);
    publisher({ journal, url: nats.url });
    await stream(nats.url, 'SALLYPORT_AUDIT', 3);
    const { config } = await manager.streams.info('SALLYPORT_AUDIT');
    assert.deepEqual([config.max_msgs, config.deny_delete], [5, true]);
  });
});

/** What docs/nats.md tells an operator to configure. */
function permissions(): string {
  const page = readFileSync(join(import.meta.dirname, '../../docs/nats.md'), 'utf8');
  const block = /```conf\n([^`]+)```/.exec(page)?.[1] ?? '';
  return block.replace('$GATEWAY_PASSWORD', 'gateway-secret').replace('$SECURITY_PASSWORD', 'security-secret');
}

describe('the publisher and a guarded NATS', () => {
  it('proves itself over TLS by files; a reader may read and nothing else', async () => {
    const certificate = selfSigned();
    const nats = await startNats({ tls: certificate, config: permissions() });
    closing.push(nats.stop);
    const [ca, passwordFile] = [join(root, 'ca.pem'), join(root, 'password')];
    writeFileSync(ca, certificate.cert);
    writeFileSync(passwordFile, 'gateway-secret\n');
    const journal = await newJournal();
    write(journal, 3);
    const options = { journal, url: nats.url, credentials: { user: 'gateway', passwordFile }, tls: { ca } };
    const { made, state } = publisher(options);
    await state(({ state }) => state === 'up');
    const login = { user: 'security', pass: 'security-secret', tls: { caFile: ca }, inboxPrefix: '_INBOX_security' };
    const reader = await client(nats.url, login);
    const live = reader.subscribe('sallyport.audit.>', { max: 1 });
    await reader.flush();
    write(journal, 1);
    for await (const message of live) assert.match(message.headers?.get('ce-type') ?? '', /^postgres\.query$/);
    const told: number[] = [];
    for await (const message of await (await reader.jetstream().consumers.get('SALLYPORT_AUDIT')).consume()) {
      if (told.push(Number(message.headers?.get('ce-sequence'))) === 4) break;
    }
    assert.deepEqual(told, upTo(4));
    // The gateway's own permissions let it look for what the streams have.
    await made.stop();
    rmSync(join(journal.dir, 'published.json'));
    write(journal, 1);
    const again = publisher(options);
    await again.state(({ state }) => state === 'up');
    const rest = await reader.jetstream().consumers.get('SALLYPORT_AUDIT');
    for await (const message of await rest.consume()) {
      told.push(Number(message.headers?.get('ce-sequence')));
      if (message.headers?.get('ce-sequence') === '5') break;
    }
    assert.deepEqual(told.slice(4), upTo(5));
    const forged = headers();
    forged.set('ce-type', 'session.start');
    await assert.rejects(reader.request('sallyport.audit.db.session.start', '{}', { timeout: 2000, headers: forged }));
    await assert.rejects(reader.request('$JS.API.STREAM.DELETE.SALLYPORT_AUDIT', '', { timeout: 2000 }));
    await assert.rejects(reader.request('$JS.API.STREAM.PURGE.SALLYPORT_AUDIT', '', { timeout: 2000 }));
  });

  it('says that its credentials were refused, and not what they were', async () => {
    const nats = await startNats({ config: permissions() });
    closing.push(nats.stop);
    const passwordFile = join(root, 'wrong');
    writeFileSync(passwordFile, 'not-the-secret');
    const journal = await newJournal();
    const { state } = publisher({ journal, url: nats.url, credentials: { user: 'gateway', passwordFile } });
    const { lastError } = await state(({ state }) => state === 'down');
    assert.equal(lastError, 'NATS refused the credentials');
    assert.throws(() => Publisher.create({ journal, url: 'nats://me:secret@host' }), /credentials do not belong/);
  });

  it('does not speak to a server without TLS, or with a certificate of another CA, where TLS is asked for', async () => {
    const ca = join(root, 'other.pem');
    writeFileSync(ca, selfSigned().cert);
    for (const options of [{}, { tls: selfSigned() }]) {
      const nats = await startNats(options);
      closing.push(nats.stop);
      const { state } = publisher({ journal: await newJournal(), url: nats.url, tls: { ca } });
      const { lastError } = await state(({ state }) => state === 'down' || state === 'up');
      assert.match(lastError ?? 'up', /TLS|certificate|self.signed/i);
    }
  });
});

/** The streams are made by the publisher: until then there is nothing to read. */
async function eventually<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
