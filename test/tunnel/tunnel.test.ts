import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { EnrolRequestSchema } from '@sallyport/proto/tunnel/v1/tunnel_pb';
import { initialCreditBytes } from '@sallyport/shared/tunnel/exchange.ts';
import { formatJoinToken, parseJoinToken } from '@sallyport/shared/tunnel/identity.ts';
import { controlPart, encodePacket } from '@sallyport/shared/tunnel/packet.ts';
import { defaultKeepalive } from '@sallyport/shared/tunnel/service.ts';
import type { TunnelStream } from '@sallyport/shared/tunnel/stream.ts';
import { Leases } from '../../agent/src/credentials/leases.ts';
import { tunnelClient } from '../../agent/src/dialer/client.ts';
import { Dialer } from '../../agent/src/dialer/dialer.ts';
import { enrol } from '../../agent/src/dialer/enrol.ts';
import { newKey } from '../../agent/src/dialer/identity.ts';
import { Bench, echo, send, targets } from './bench.ts';

/** Reads a stream to its end. */
function drained(stream: TunnelStream, onDrain: () => void = () => undefined): Promise<Buffer> {
  const chunks: Buffer[] = [];
  return new Promise((resolve, reject) => {
    stream.attach({
      onData: (bytes) => void chunks.push(Buffer.from(bytes)),
      onDrain,
      onEnd: () => resolve(Buffer.concat(chunks)),
      onClose: (error) => (error === undefined ? resolve(Buffer.concat(chunks)) : reject(error)),
    });
  });
}

describe('the tunnel', () => {
  let bench: Bench;
  before(async () => {
    bench = await Bench.start();
  });
  after(() => bench.stop());

  describe('joining', () => {
    it('a token enrols one agent, once', async () => {
      const joinToken = await bench.hub.createJoinToken('once');
      const order = { gateway: bench.gateway, joinToken, labels: {}, version: '0' };
      assert.equal((await enrol(order)).name, 'once');
      await assert.rejects(enrol(order), /unknown, used or expired/);
    });

    it('a token of another gateway is refused before its secret is sent', async () => {
      const token = parseJoinToken(await bench.hub.createJoinToken('elsewhere'));
      assert.ok(token);
      const joinToken = formatJoinToken({ ...token, fingerprint: randomBytes(32).toString('base64url') });
      const order = { gateway: bench.gateway, labels: {}, version: '0' };
      await assert.rejects(enrol({ ...order, joinToken }), /not the gateway that the join token is from/);
      assert.equal((await enrol({ ...order, joinToken: formatJoinToken(token) })).name, 'elsewhere');
    });

    it('what is no Ed25519 key is no identity, and the token stays good', async () => {
      const joinToken = await bench.hub.createJoinToken('keyless');
      const secret = parseJoinToken(joinToken)?.secret ?? '';
      const client = tunnelClient(bench.gateway, bench.authority.caCertificate, defaultKeepalive);
      const request = create(EnrolRequestSchema, { secret, publicKey: Buffer.from('no key') });
      await assert.rejects(
        new Promise((resolve, reject) =>
          client.enrol(request, { deadline: Date.now() + 10_000 }, (error, answer) =>
            error ? reject(error) : resolve(answer),
          ),
        ),
        /Ed25519/,
      );
      client.close();
      assert.equal((await enrol({ gateway: bench.gateway, joinToken, labels: {}, version: '0' })).name, 'keyless');
    });

    it('a gateway that never answers is given up, and the token stays good', async () => {
      const joinToken = await bench.hub.createJoinToken('patient');
      const order = { gateway: bench.gateway, joinToken, labels: {}, version: '0' };
      const { enrol: store } = bench.store;
      bench.store.enrol = () => new Promise(() => undefined);
      await assert.rejects(enrol({ ...order, answerMs: 200 }), /it gave no answer within 0.2 s/);
      bench.store.enrol = store;
      assert.equal((await enrol(order)).name, 'patient');
    });

    it('another key than the enrolled one does not prove it', async () => {
      const identity = await bench.enrolled('impostor');
      const said = Promise.withResolvers<string>();
      const dialer = new Dialer({
        gateway: bench.gateway,
        identity: { ...identity, key: newKey() },
        labels: {},
        version: '0',
        connectors: [],
        leases: new Leases(),
        log: (_text, facts) => said.resolve(String(facts?.['why'])),
      });
      dialer.start();
      assert.match(await said.promise, /could not prove/);
      await dialer.stop(0);
    });
  });

  describe('exchanges', () => {
    before(async () => {
      await bench.agent('echo', targets(echo));
    });

    it('bytes come back as they went, however they are cut', async () => {
      const stream = await bench.open('echo');
      const bytes = randomBytes(6_000_000);
      const pump = send(stream, bytes, () => 1 + Math.floor(Math.random() * 100_000));
      const read = drained(stream, pump.drained);
      pump.attach();
      const hash = (all: Buffer) => createHash('sha256').update(all).digest('hex');
      assert.equal(hash(await read), hash(bytes));
    });

    it('two hundred at once', async () => {
      const results = await Promise.all(
        Array.from({ length: 200 }, async (_, i) => {
          const stream = await bench.open('echo');
          const bytes = Buffer.alloc(30_000, i);
          const pump = send(stream, bytes, () => 7_000);
          const read = drained(stream, pump.drained);
          pump.attach();
          return (await read).equals(bytes);
        }),
      );
      assert.ok(results.every((same) => same));
    });

    it('nobody connected is said at once', async () => {
      await assert.rejects(bench.open('nobody'), { code: 'ERR_AGENT_UNAVAILABLE' });
    });
  });

  describe('one that stalls', () => {
    /** How much a target has been let send. */
    let sent = 0;
    before(async () => {
      await bench.agent(
        'mixed',
        targets((stream, settings) => {
          if (settings['kind'] !== 'flood') return echo(stream);
          const chunk = Buffer.alloc(16_384);
          const pump = (): void => {
            while (stream.write(chunk)) sent += chunk.length;
            sent += chunk.length;
          };
          stream.attach({ onData: () => undefined, onDrain: pump, onEnd: () => undefined, onClose: () => undefined });
          pump();
          return undefined;
        }),
      );
    });

    it('holds no more than its window, and the others go on', async () => {
      const stalled = await bench.open('mixed', { kind: 'flood' });
      stalled.pause();
      stalled.attach({
        onData: () => undefined,
        onDrain: () => undefined,
        onEnd: () => undefined,
        onClose: () => undefined,
      });
      for (let round = 0; round < 5; round++) {
        const stream = await bench.open('mixed');
        const bytes = randomBytes(1_000_000);
        const pump = send(stream, bytes, () => 30_000);
        const read = drained(stream, pump.drained);
        pump.attach();
        assert.ok((await read).equals(bytes));
      }
      assert.ok(sent <= initialCreditBytes + 512 * 1024, `${sent} bytes were sent to somebody who reads nothing`);
      stalled.destroy();
    });

    it('and one that does not take what it is sent holds no more either', async () => {
      const stuck = Promise.withResolvers<void>();
      await bench.agent(
        'deaf',
        targets((stream) => {
          stream.pause();
          stream.attach({
            onData: () => undefined,
            onDrain: () => undefined,
            onEnd: () => undefined,
            onClose: () => undefined,
          });
          stuck.resolve();
        }),
      );
      const stream = await bench.open('deaf');
      await stuck.promise;
      stream.attach({
        onData: () => undefined,
        onDrain: () => undefined,
        onEnd: () => undefined,
        onClose: () => undefined,
      });
      let written = 0;
      while (stream.write(Buffer.alloc(16_384))) written += 16_384;
      assert.ok(written <= 1_048_576, `${written} bytes were taken for somebody who takes nothing`);
      stream.destroy();
    });

    it('a target that never answers delays nobody, and is given up with its caller', async () => {
      const given = Promise.withResolvers<unknown>();
      await bench.agent('slow', {
        protocol: 'postgres',
        open: ({ settings }, signal) => {
          if (settings['kind'] !== 'hang') return targets(echo).open({} as never, signal);
          return new Promise((_, reject) => {
            signal.addEventListener('abort', () => {
              given.resolve(signal.reason);
              reject(signal.reason);
            });
          });
        },
      });
      const giveUp = new AbortController();
      const hanging = bench.open('slow', { kind: 'hang' }, giveUp.signal);
      const stream = await bench.open('slow');
      assert.deepEqual(stream.greeting, { served: 'yes' });
      stream.destroy();
      giveUp.abort(new Error('enough'));
      await assert.rejects(hanging, /enough/);
      await given.promise;
    });
  });

  describe('a peer that breaks the rules is cut off', () => {
    /** Speaks for an agent by hand, as far as its proof. */
    async function raw(name: string) {
      const identity = await bench.enrolled(name);
      const lost = bench.happened('agent.lost', name);
      const up = bench.happened('agent.up', name);
      const client = tunnelClient(bench.gateway, identity.ca, defaultKeepalive);
      const call = client.connect();
      const { AgentTunnel } = await import('../../agent/src/dialer/tunnel.ts');
      new AgentTunnel(call, {
        identity,
        labels: {},
        version: '0',
        connectors: [targets(echo)],
        leases: new Leases(),
        onUp: () => undefined,
        onLost: () => undefined,
      });
      await up;
      return { call, lost };
    }

    it('data for an exchange that was never opened', async () => {
      const { call, lost } = await raw('talkative');
      call.write(encodePacket([{ exchange: 7, bytes: Buffer.from('hello'), isData: true }]));
      assert.match((await lost).reason ?? '', /never opened/);
    });

    it('more data than its credit', async () => {
      const { call, lost } = await raw('greedy');
      const stream = await bench.open('greedy');
      stream.pause();
      stream.attach({
        onData: () => undefined,
        onDrain: () => undefined,
        onEnd: () => undefined,
        onClose: () => undefined,
      });
      for (let i = 0; i < 40; i++) {
        call.write(encodePacket([{ exchange: 1, bytes: Buffer.alloc(16_384), isData: true }]));
      }
      assert.match((await lost).reason ?? '', /more than its credit/);
    });

    it('an exchange that it opens twice, or opens and then says that it could not', async () => {
      for (const [name, kind] of [
        ['twice', { case: 'opened', value: { greeting: { served: 'again' } } }],
        ['unsure', { case: 'openFailed', value: { code: 'ERR_TARGET_AUTH', message: 'no' } }],
      ] as const) {
        const { call, lost } = await raw(name);
        const stream = await bench.open(name);
        stream.attach({
          onData: () => undefined,
          onDrain: () => undefined,
          onEnd: () => undefined,
          onClose: () => undefined,
        });
        call.write(encodePacket([controlPart(1, kind)]));
        assert.match((await lost).reason ?? '', /Exchange 1 was opened before/);
      }
    });

    it('bytes that are no packet', async () => {
      const { call, lost } = await raw('garbled');
      call.write(Buffer.from('garbage that is no packet'));
      assert.ok((await lost).reason);
    });
  });

  it('a hub that stops takes nothing new while what is open ends', async () => {
    const own = await Bench.start();
    await own.agent('late', targets(echo));
    const open = await own.open('late');
    const stopping = own.hub.stop(5_000);
    await assert.rejects(own.open('late'), /The gateway is stopping/);
    await assert.rejects(own.enrolled('newcomer'), /stopping/);
    open.destroy();
    await stopping;
    await own.stop();
  });

  describe('loss', () => {
    it('an agent comes back when its gateway does', async () => {
      await bench.agent('loyal', targets(echo));
      await bench.hub.stop();
      bench.hub = bench.newHub();
      const back = bench.happened('agent.up', 'loyal');
      await bench.hub.start(`127.0.0.1:${bench.port}`);
      await back;
      const stream = await bench.open('loyal');
      assert.deepEqual(stream.greeting, { served: 'yes' });
      stream.destroy();
    });

    it('a drained agent lets what is open end, and takes nothing new', async () => {
      const dialer = await bench.agent('leaving', targets(echo));
      const stream = await bench.open('leaving');
      const gone = dialer.stop(10_000);
      const pump = send(stream, Buffer.alloc(100_000), () => 10_000);
      const read = drained(stream, pump.drained);
      pump.attach();
      assert.equal((await read).length, 100_000);
      await gone;
      await assert.rejects(bench.open('leaving'), { code: 'ERR_AGENT_UNAVAILABLE' });
    });
  });
});
