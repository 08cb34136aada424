import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { createSecureContext, TLSSocket } from 'node:tls';
import type { TlsMode } from '@sallyport/shared/access/connection.ts';
import type { Opening } from '@sallyport/shared/tunnel/opening.ts';
import { query, terminate } from '@sallyport/shared/wire/postgres/frontend.ts';
import { Boundary } from '../../boundary/boundary.ts';
import { credentialResolver } from '../../credentials/resolver.ts';
import { postgresConnector } from './connector.ts';
import { dial } from './dial.ts';
import { secure } from './secure.ts';
import { type Cluster, freePort, startCluster } from './testing/cluster.ts';
import { TestStream } from './testing/stream.ts';

const { signal } = new AbortController();
const boundary = new Boundary(['127.0.0.0/8:*', 'localhost:*', 'private', '*.invalid:*']);
const connector = postgresConnector(credentialResolver(), { boundary });
let cluster: Cluster;

before(async () => {
  cluster = await startCluster();
});
after(() => cluster.stop());

function opening(user: string, tls: TlsMode, target: Partial<Opening['target']> = {}, password = 'hush'): Opening {
  return {
    protocol: 'postgres',
    target: { host: 'localhost', port: cluster.port, database: 'postgres', tls, ...target },
    credential: { username: user, password },
    settings: { application_name: 'test' },
    connection: 'test',
    session: 'test',
  };
}

const end = Buffer.from('ZI').subarray(0, 1);

/** Runs a statement and gives back everything until the server is ready again. */
async function ask(stream: TestStream, text: string): Promise<string> {
  stream.received = Buffer.alloc(0);
  stream.send(query(text));
  await stream.until(() => stream.received.subarray(-6, -5).equals(end) || stream.isClosed);
  return stream.received.toString('latin1');
}

/** Logs in, asks one question, leaves. */
async function answerTo(what: Opening, text: string, from = connector): Promise<string> {
  const session = await from.open(what, signal);
  const stream = new TestStream();
  session.relay(stream);
  const answer = await ask(stream, text);
  stream.send(terminate());
  stream.sendEnd();
  await stream.until(() => stream.hasEnded || stream.isClosed);
  stream.destroy();
  return answer;
}

const isEncrypted = "SELECT 'ssl=' || ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

test('each TLS mode encrypts as libpq says', async () => {
  for (const tls of ['disable', 'allow'] as const) {
    assert.match(await answerTo(opening('scram', tls), isEncrypted), /ssl=false/, tls);
  }
  for (const tls of ['prefer', 'require'] as const) {
    assert.match(await answerTo(opening('scram', tls), isEncrypted), /ssl=true/, tls);
  }
  for (const tls of ['require', 'verify-ca', 'verify-full'] as const) {
    assert.match(await answerTo(opening('scram', tls, { ca: cluster.ca }), isEncrypted), /ssl=true/, tls);
  }
});

test('allow and prefer try the other way when the server refuses the first', async () => {
  assert.match(await answerTo(opening('tlsonly', 'allow'), isEncrypted), /ssl=true/);
  assert.match(await answerTo(opening('plainonly', 'prefer'), isEncrypted), /ssl=false/);
  await assert.rejects(connector.open(opening('plainonly', 'require'), signal), { code: 'ERR_TARGET_AUTH' });
  await assert.rejects(connector.open(opening('tlsonly', 'disable'), signal), /SQLSTATE 28000/);
});

test('a wrong authority or a wrong host name is refused where the mode checks it', async () => {
  const code = 'ERR_TARGET_UNREACHABLE';
  for (const tls of ['require', 'verify-ca', 'verify-full'] as const) {
    await assert.rejects(connector.open(opening('scram', tls, { ca: cluster.otherCa }), signal), { code }, tls);
  }
  await assert.rejects(connector.open(opening('scram', 'verify-full'), signal), { code });
  const byAddress = { host: '127.0.0.1', ca: cluster.ca };
  await assert.rejects(connector.open(opening('scram', 'verify-full', byAddress), signal), /name in the certificate/);
  assert.match(await answerTo(opening('scram', 'verify-ca', byAddress), isEncrypted), /ssl=true/);
});

test('logs in by every method, and tells what the server said of itself', async () => {
  for (const user of ['scram', 'md5user', 'clear', 'trusted']) {
    for (const tls of ['disable', 'require'] as const) {
      assert.match(await answerTo(opening(user, tls), "SELECT 'me=' || current_user"), new RegExp(`me=${user}`));
    }
  }
  const session = await connector.open(opening('scram', 'require'), signal);
  assert.match(session.greeting['server_version'] ?? '', /^15\./);
  assert.equal(session.greeting['application_name'], 'test');
  session.close();
});

test('a password goes out in clear text only over TLS or when TLS is disabled by name', async () => {
  await assert.rejects(connector.open(opening('clear', 'allow'), signal), /tls: require/);
});

test('protocol 3.2 is negotiated down by an older server', async () => {
  const newer = postgresConnector(credentialResolver(), { boundary, minor: 2 });
  assert.match(await answerTo(opening('scram', 'require'), 'SELECT 40 + 2', newer), /42/);
});

test('a wrong password or a missing one is told without the secret', async () => {
  for (const user of ['scram', 'md5user', 'clear']) {
    await assert.rejects(connector.open(opening(user, 'require', {}, 'wr0ng-s3cret'), signal), (error: Error) => {
      assert.match(error.message, /SQLSTATE 28P01/);
      assert.doesNotMatch(JSON.stringify([error.message, error.stack, String(error.cause)]), /wr0ng-s3cret/);
      return (error as { code?: string }).code === 'ERR_TARGET_AUTH';
    });
  }
  await assert.rejects(connector.open(opening('scram', 'require', {}, 'env:SALLYPORT_NONE'), signal), {
    code: 'ERR_CREDENTIAL_UNRESOLVED',
  });
  await assert.rejects(connector.open(opening('scram', 'require', { database: 'nope' }), signal), /3D000/);
});

test('an unknown host, a refused port and a silent host are told apart', async () => {
  const code = 'ERR_TARGET_UNREACHABLE';
  const unknown = opening('scram', 'require', { host: 'no-such-host.invalid' });
  await assert.rejects(connector.open(unknown, signal), { code, message: /no-such-host\.invalid:\d+ .*resolve/ });
  const refused = opening('scram', 'require', { port: await freePort() });
  await assert.rejects(connector.open(refused, signal), { code, message: /connection refused/ });
  await withListener(
    () => {},
    async (port) => {
      const hasty = postgresConnector(credentialResolver(), { boundary, timeoutMs: 200 });
      for (const tls of ['disable', 'prefer', 'require'] as const) {
        await assert.rejects(hasty.open(opening('scram', tls, { port, host: '127.0.0.1' }), signal), {
          code,
          message: /within 200 ms/,
        });
      }
    },
  );
});

test('the caller can give up', async () => {
  await withListener(
    () => {},
    async (port, server) => {
      const controller = new AbortController();
      server.once('connection', () => controller.abort());
      const attempt = connector.open(opening('scram', 'require', { port, host: '127.0.0.1' }), controller.signal);
      await assert.rejects(attempt, /given up/);
    },
  );
});

test('plaintext behind the answer to the request for TLS is fatal', async () => {
  await withListener(
    (socket) => socket.once('data', () => socket.write('SE')),
    async (port) => {
      await assert.rejects(
        connector.open(opening('scram', 'require', { port, host: '127.0.0.1' }), signal),
        /unencrypted/,
      );
    },
  );
});

test('a server that says Ok in the middle of SCRAM is not believed', async () => {
  const sasl = Buffer.from('R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0', 'latin1');
  const ok = Buffer.from('R\0\0\0\x08\0\0\0\0', 'latin1');
  await withListener(
    (socket) => socket.once('data', () => socket.write(Buffer.concat([sasl, ok]))),
    async (port) => {
      const forged = connector.open(opening('scram', 'disable', { port, host: '127.0.0.1' }), signal);
      await assert.rejects(forged, { code: 'ERR_TARGET_AUTH', message: /out of turn/ });
    },
  );
});

test('channel binding finds a server in the middle that an unchecked certificate lets pass', async () => {
  const inTheMiddle = async (client: Socket) => {
    await once(client, 'data');
    client.write('S');
    const secureContext = createSecureContext({ key: cluster.otherKey, cert: cluster.otherCa });
    const fooled = new TLSSocket(client, { isServer: true, secureContext }).on('error', () => {});
    const { socket } = await dial('127.0.0.1', cluster.port, signal);
    const upstream = await secure(socket, opening('scram', 'require').target);
    fooled.pipe(upstream!).pipe(fooled);
  };
  await withListener(inTheMiddle, async (port) => {
    const target = { port, host: '127.0.0.1' };
    assert.match(await answerTo(opening('trusted', 'require', target), 'SELECT 40 + 2'), /42/, 'it does relay');
    await assert.rejects(connector.open(opening('scram', 'require', target), signal), /channel binding/);
  });
});

test('cancels what runs, encrypted or not', async () => {
  for (const tls of ['disable', 'require'] as const) {
    const session = await connector.open(opening('trusted', tls), signal);
    const stream = new TestStream();
    session.relay(stream);
    const answer = ask(stream, "SELECT 'begun'; SELECT pg_sleep(30)");
    await sleeping();
    await session.cancel(signal);
    assert.match(await answer, /57014/, tls);
    stream.destroy();
  }
});

test('a slow reader holds the target back and loses nothing', async () => {
  const session = await connector.open(opening('trusted', 'require'), signal);
  const stream = new TestStream();
  stream.roomBytes = 1_000_000;
  session.relay(stream);
  stream.send(query("SELECT repeat('x', 1000) FROM generate_series(1, 30000)"));
  await stream.until(() => stream.receivedBytes >= stream.roomBytes);
  assert.match(await answerTo(opening('trusted', 'require'), 'SELECT 1'), /SELECT 1/);
  assert.ok(stream.receivedBytes < 1_200_000, `${stream.receivedBytes} bytes came though nobody read`);
  stream.roomBytes = Number.POSITIVE_INFINITY;
  stream.drain();
  await stream.until(() => stream.received.subarray(-6, -5).equals(end));
  assert.ok(stream.receivedBytes > 30_000_000);
  stream.destroy();
});

test('leaving by the tunnel ends the server process', async () => {
  const session = await connector.open(opening('trusted', 'require'), signal);
  const stream = new TestStream();
  session.relay(stream);
  const pid = Number(/pid=(\d+)/.exec(await ask(stream, "SELECT 'pid=' || pg_backend_pid()"))?.[1]);
  stream.destroy();
  const gone = `DO $$ BEGIN WHILE EXISTS (SELECT FROM pg_stat_activity WHERE pid = ${pid}) LOOP
    PERFORM pg_sleep(0.01); PERFORM pg_stat_clear_snapshot(); END LOOP; END $$`;
  assert.match(await answerTo(opening('trusted', 'require'), gone), /DO/);
});

test('a target that takes its leave is heard to the end, one that is killed is reported', async () => {
  const polite = new TestStream();
  const first = await connector.open(opening('trusted', 'require'), signal);
  first.relay(polite);
  polite.send(query('SELECT pg_terminate_backend(pg_backend_pid())'));
  await polite.until(() => polite.hasEnded || polite.isClosed);
  assert.match(polite.received.toString('latin1'), /57P01/);
  assert.equal(polite.error, undefined);
  polite.destroy();

  const abrupt = new TestStream();
  const second = await connector.open(opening('trusted', 'require'), signal);
  second.relay(abrupt);
  const pid = Number(/pid=(\d+)/.exec(await ask(abrupt, "SELECT 'pid=' || pg_backend_pid()"))?.[1]);
  cluster.kill(pid);
  await abrupt.until(() => abrupt.isClosed);
  assert.match(abrupt.error?.message ?? '', /closed the connection/);
});

async function sleeping(): Promise<void> {
  const wait = `DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'
    AND pid <> pg_backend_pid()) LOOP PERFORM pg_stat_clear_snapshot(); END LOOP; END $$`;
  assert.match(await answerTo(opening('trusted', 'disable'), wait), /DO/);
}

async function withListener(
  onConnection: (socket: Socket) => unknown,
  run: (port: number, server: Server) => Promise<void>,
): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    onConnection(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  try {
    await run(typeof address === 'object' && address !== null ? address.port : 0, server);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}
