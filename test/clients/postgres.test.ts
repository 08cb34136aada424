import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { connect as connectTls, createSecureContext } from 'node:tls';
import type { Action } from '@sallyport/shared/access/action.ts';
import type { Denial, Verdict } from '@sallyport/shared/access/verdict.ts';
import type { StreamHandlers, TunnelStream } from '@sallyport/shared/tunnel/stream.ts';
import { type BackendKeyData, decodeBackendKeyData } from '@sallyport/shared/wire/postgres/backend.ts';
import { MessageCutter } from '@sallyport/shared/wire/postgres/cutter.ts';
import { cancelRequest, sslRequest, startupMessage } from '@sallyport/shared/wire/postgres/startup.ts';
import { Backend } from '@sallyport/shared/wire/postgres/types.ts';
import pg from 'pg';
import postgres from 'postgres';
import { postgresProtocol } from '../../gateway/src/protocols/postgres/protocol.ts';
import { SqlReader } from '../../gateway/src/protocols/postgres/sql/reader.ts';
import type { Backing, Matter } from '../../gateway/src/protocols/protocol.ts';
import { type Desk, Relay } from '../../gateway/src/sessions/relay.ts';
import { selfSigned } from '../harness/certificate.ts';
import { startPostgres, type TestPostgres } from '../harness/postgres.ts';
import { psql } from '../harness/psql.ts';

/*
 * The gateway's PostgreSQL side and the relay between stock clients and a real server. The tunnel is a plain socket
 * here and the rules are five lines, so what is tested is that a client notices nothing but refusals.
 */

/** A target that was logged in to: its socket, its key, what came behind ReadyForQuery. */
async function login(port: number, settings: Readonly<Record<string, string>>) {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  await once(socket, 'connect');
  socket.write(startupMessage(Object.entries({ user: 'postgres', database: 'postgres', ...settings })));
  const statuses: Record<string, string> = {};
  let key: BackendKeyData = { processId: 0, secretKey: Buffer.alloc(0) };
  let ready = false;
  const cutter = new MessageCutter({ maxBufferedBytes: 65_536 });
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    cutter.push(chunk, {
      message(type, buffer, start, end) {
        if (type === Backend.BackendKeyData) key = decodeBackendKeyData(buffer, start, end);
        if (type === Backend.ParameterStatus) {
          const [name = '', value = ''] = buffer.toString('utf8', start + 5, end).split('\0');
          statuses[name] = value;
        }
        ready ||= type === Backend.ReadyForQuery;
      },
    });
    if (ready) break;
  }
  socket.pause();
  return { socket, statuses, key };
}

function streamOver(socket: Socket): TunnelStream {
  return {
    attach(handlers: StreamHandlers) {
      socket.on('data', handlers.onData).on('drain', handlers.onDrain).on('end', handlers.onEnd);
      socket.on('error', () => {}).on('close', () => handlers.onClose(undefined));
    },
    write: (bytes) => socket.write(bytes),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    end: () => void socket.end(),
    destroy: () => void socket.destroy(),
  };
}

const backing: Backing = {
  connection: {
    name: 'shop',
    protocol: 'postgres',
    agent: '',
    target: { host: '', port: 1, tls: 'disable' },
    credential: { username: '' },
    labels: {},
  },
  principal: () => ({ id: 'user:any', name: 'any', groups: [], claims: {} }),
  place: 'shop',
  veil: undefined,
  estimates: false,
  readsBody: false,
  judgesEffects: false,
  isHarmlessFunction: () => false,
  side: () => Promise.reject(new Error('nobody asks the target here')),
  signal: new AbortController().signal,
};

describe('stock PostgreSQL clients through the relay', () => {
  const sql = new SqlReader();
  let server: TestPostgres;
  let gateway: Server;
  let port: number;
  let decided: PromiseWithResolvers<Denial | undefined>;
  let asked: PromiseWithResolvers<Action>;
  const performed: Action[] = [];
  const recorded: Buffer[] = [];
  const clients = new Set<Socket>();

  const decide = ({ action }: Matter): Verdict => {
    if (action.verb === 'delete')
      return { outcome: 'deny', rule: 'no-deletes', reason: 'deleting is not allowed here' };
    if (action.verb !== 'truncate') return { outcome: 'allow', rule: 'everything-else' };
    return { outcome: 'approve', rule: 'ask-first', approvers: { groups: [], users: [], count: 1, timeoutMs: 60_000 } };
  };

  const desk: Desk = {
    stages: { since: () => {} },
    scribe: () => assert.fail('a PostgreSQL exchange is kept as it was sent'),
    decide,
    perform: ({ action }) => void performed.push(action),
    refused: () => {},
    record: (reply) => void recorded.push(reply),
    approve(action, _rule, _approvers, tell, signal) {
      tell('waiting for approval', 'an approver decides');
      signal.addEventListener('abort', () =>
        decided.resolve({ reason: 'cancelled', message: 'the request was cancelled' }),
      );
      asked.resolve(action);
      return decided.promise;
    },
  };

  async function serve(client: Socket): Promise<void> {
    const protocol = postgresGate;
    const visitor = await protocol.greet(client, { address: '127.0.0.1', loopback: true }, AbortSignal.timeout(10_000));
    if (visitor === undefined) return;
    const secret = await visitor.askSecret(AbortSignal.timeout(10_000));
    if (secret !== 'token') return visitor.turnAway({ reason: 'unauthenticated', message: 'the token is not valid' });
    for await (const exchange of visitor.welcome(backing)) {
      const { socket, statuses, key } = await login(server.port, exchange.settings);
      const relay = new Relay(exchange, streamOver(socket), desk);
      const cancel = async () => {
        if (relay.cancelHeld()) return;
        const side = connect({ host: '127.0.0.1', port: server.port });
        side.end(cancelRequest(key.processId, key.secretKey)).resume();
        await once(side, 'close');
      };
      await relay.run(exchange.begin(statuses, cancel));
    }
  }

  const postgresGate = postgresProtocol(createSecureContext(selfSigned()), sql);
  const line = () => `host=127.0.0.1 port=${port} dbname=shop user=alice sslmode=disable`;
  const run = (script: string, args: readonly string[] = [], signal?: AbortSignal) =>
    psql(line(), script, { password: 'token', args, ...(signal === undefined ? {} : { signal }) });

  before(async () => {
    await sql.start();
    server = await startPostgres();
    gateway = createServer({ noDelay: true }, (socket) => {
      clients.add(socket.on('error', () => {}));
      serve(socket).catch(() => socket.destroy());
    });
    gateway.listen(0, '127.0.0.1');
    await once(gateway, 'listening');
    ({ port } = gateway.address() as { port: number });
    await run(
      'create table item (id int primary key, name text); insert into item select i, md5(i::text) from generate_series(1, 1000) i',
    );
  });

  after(async () => {
    for (const client of clients) client.destroy();
    gateway.close();
    await sql.stop();
    await server.stop();
  });

  it('psql runs a query, and its reply was recorded before it was sent', async () => {
    const { status, out } = await run('select count(*), 4711 from item;');
    assert.equal(status, 0);
    assert.equal(out.trim(), '1000|4711');
    assert.ok(Buffer.concat(recorded).includes('4711'));
  });

  it('a wrong token is turned away with a native error', async () => {
    const { status, err } = await psql(line(), 'select 1', { password: 'wrong' });
    assert.notEqual(status, 0);
    assert.match(err, /FATAL: {2}the token is not valid/);
  });

  it('a startup parameter that is not on the list is refused by name', async () => {
    const { err } = await psql(`${line()} options='-c role=postgres'`, 'select 1', { password: 'token' });
    assert.match(err, /startup parameter "options" is not allowed/);
  });

  it('a refused statement gets a native error naming the rule, and the session lives on', async () => {
    const { out, err } = await run('\\set VERBOSITY verbose\ndelete from item;\nselect count(*) from item;');
    assert.match(err, /ERROR: {2}42501: deleting is not allowed here \(rule "no-deletes"\)/);
    assert.equal(out.trim(), '1000');
  });

  it('a refusal aborts the transaction as a native error would', async () => {
    const { err, out } = await run(
      "begin; insert into item values (0, 'x');\ndelete from item;\nselect 1;\ncommit;\nselect count(*) from item;",
    );
    assert.match(err, /25P02|current transaction is aborted/);
    assert.match(out, /ROLLBACK\n1000/);
  });

  it('COPY in and out, cursors and errors pass as they are', async () => {
    const script = `create temp table c (a int, b text);
      copy c from stdin;\n1\tone\n2\ttwo\n\\.
      copy c to stdout;
      begin; declare k cursor for select a from c order by a; fetch 1 from k; fetch 1 from k; commit;
      select 1/0;`;
    const { out, err } = await run(script);
    assert.match(out, /1\tone\n2\ttwo/);
    assert.match(out, /1\n2\nCOMMIT/);
    assert.match(err, /division by zero/);
  });

  it('a large result and a large message come through whole', async () => {
    const { out } = await run(
      "select repeat('x', 300000);\nselect sum(length(repeat('y', 100))) from generate_series(1, 100000);",
    );
    assert.equal(out, `${'x'.repeat(300_000)}\n10000000\n`);
  });

  it('Ctrl-C in psql cancels what runs', async () => {
    const interrupt = new AbortController();
    const running = run("select 'started' from pg_sleep(0);\nselect pg_sleep(30);", [], interrupt.signal);
    const watcher = new pg.Client({ host: '127.0.0.1', port: server.port, user: 'postgres', database: 'postgres' });
    await watcher.connect();
    const sleeping =
      "select 1 from pg_stat_activity where query like 'select pg_sleep(30)%' and wait_event = 'PgSleep'";
    while ((await watcher.query(sleeping)).rowCount === 0);
    await watcher.end();
    interrupt.abort();
    assert.match((await running).err, /canceling statement due to user request/);
  });

  it('an approval holds the statement in place, tells the client, and lets it go on', async () => {
    [decided, asked] = [Promise.withResolvers(), Promise.withResolvers()];
    await run('create table doomed as select 1 as a');
    const running = run('truncate doomed;\nselect count(*) from doomed;');
    assert.equal((await asked.promise).text, 'truncate doomed;');
    decided.resolve(undefined);
    const { out, err } = await running;
    assert.match(err, /NOTICE: {2}waiting for approval/);
    assert.match(out, /TRUNCATE TABLE\n0/);
  });

  it('Ctrl-C ends the wait for an approval, and the statement does not run', async () => {
    [decided, asked] = [Promise.withResolvers(), Promise.withResolvers()];
    const interrupt = new AbortController();
    const running = run('truncate item;', [], interrupt.signal);
    await asked.promise;
    interrupt.abort();
    assert.match((await running).err, /the request was cancelled/);
    assert.equal((await run('select count(*) from item;')).out.trim(), '1000');
  });

  it('node-postgres: parameters, named statements, a refusal at Parse inside a pipeline', async () => {
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'alice', password: 'token', database: 'shop' });
    await client.connect();
    const named = { name: 'by-id', text: 'select name from item where id = $1' };
    const [first, second] = [
      await client.query({ ...named, values: [1] }),
      await client.query({ ...named, values: [2] }),
    ];
    assert.notEqual(first.rows[0].name, second.rows[0].name);
    assert.deepEqual(performed.at(-1)?.parameters, ['2']);
    await assert.rejects(client.query('delete from item where id = $1', [1]), { code: '42501' });
    assert.equal((await client.query('select count(*)::int as n from item')).rows[0].n, 1000);
    await client.end();
  });

  it('postgres.js: pipelined queries, a transaction, COPY by stream', async () => {
    const sql = postgres({ host: '127.0.0.1', port, username: 'alice', password: 'token', database: 'shop', max: 1 });
    const names = await Promise.all([1, 2, 3].map((id) => sql`select id from item where id = ${id}`));
    assert.deepEqual(
      names.map(([row]) => row?.['id']),
      [1, 2, 3],
    );
    await assert.rejects(
      sql.begin(async (tx) => {
        await tx`insert into item values (${5000}, ${'x'})`;
        await tx`delete from item where id = ${5000}`;
      }),
      { code: '42501' },
    );
    assert.equal((await sql`select count(*)::int as n from item`)[0]?.['n'], 1000);
    await sql.end();
  });

  it('a cancel that comes when nothing runs leaves the next statement alone', async () => {
    const sql = postgres({ host: '127.0.0.1', port, username: 'alice', password: 'token', database: 'shop', max: 1 });
    for (let round = 0; round < 20; round++) {
      const done = sql`select ${round}::int as n`;
      await done;
      done.cancel();
      assert.equal((await sql`select ${round}::int as n`)[0]?.['n'], round);
    }
    await sql.end();
  });

  it('psql by TLS, asked for with an SSLRequest', async () => {
    const conninfo = line().replace('sslmode=disable', 'sslmode=require');
    const { out } = await psql(conninfo, '\\conninfo\nselect 42;', { password: 'token' });
    assert.match(out, /SSL connection \(protocol: TLSv1\.3/);
    assert.match(out, /^42$/m);
  });

  it('TLS at once is taken with the ALPN protocol "postgresql" and not without it', async () => {
    const options = { host: '127.0.0.1', port, rejectUnauthorized: false };
    const right = connectTls({ ...options, ALPNProtocols: ['postgresql'] });
    right.write(startupMessage([['user', 'alice']]));
    assert.equal(((await once(right, 'data')) as [Buffer])[0][0], Backend.Authentication);
    right.destroy();
    const wrong = connectTls(options).on('error', () => {});
    wrong.write(startupMessage([['user', 'alice']]));
    await once(wrong, 'close');
    assert.equal(wrong.bytesRead, 0);
  });

  it('plaintext behind an SSLRequest is fatal (CVE-2021-23214)', async () => {
    const stuffing = connect({ host: '127.0.0.1', port });
    stuffing.write(Buffer.concat([sslRequest(), startupMessage([['user', 'alice']])]));
    assert.equal(((await once(stuffing, 'data')) as [Buffer])[0][0], Backend.ErrorResponse);
    await once(stuffing, 'close');
  });

  it('garbage and a GSSAPI request are answered as PostgreSQL answers them', async () => {
    const garbage = connect({ host: '127.0.0.1', port });
    garbage.write(Buffer.alloc(64, 0xff));
    const [answer] = (await once(garbage, 'data')) as [Buffer];
    assert.equal(answer[0], Backend.ErrorResponse);
    const gss = connect({ host: '127.0.0.1', port });
    gss.write(Buffer.from('0000000804d21630', 'hex'));
    assert.equal(String((await once(gss, 'data'))[0]), 'N');
    garbage.destroy();
    gss.destroy();
  });
});
