import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { MessageCutter } from '@sallyport/shared/wire/postgres/cutter.ts';
import { passwordMessage, query } from '@sallyport/shared/wire/postgres/frontend.ts';
import { startupMessage } from '@sallyport/shared/wire/postgres/startup.ts';
import { Backend } from '@sallyport/shared/wire/postgres/types.ts';
import { residentBytes } from '../bench/contender.ts';
import { initialise } from '../bench/pgbench.ts';
import { Fixture } from './fixture.ts';

const run = promisify(execFile);

describe('many sessions at once', () => {
  let all: Fixture;
  before(async () => {
    all = await Fixture.start();
    await initialise(all.database.port, 1);
    await all.stack.apply(
      `kind: Connection\nname: bench\nspec:\n  protocol: postgres\n  agent: test-agent\n  target: { host: 127.0.0.1, port: ${all.database.port}, database: postgres, tls: disable }\n  credential: { username: postgres }`,
    );
  });
  after(() => all.stop());

  /** `pgbench` with so many clients; resolves to what it printed. */
  async function pgbench(...args: readonly string[]): Promise<string> {
    const where = ['-h', '127.0.0.1', '-p', String(all.stack.ports.postgres), '-U', 'dana', 'bench'];
    const env = { PATH: process.env['PATH'], PGPASSWORD: all.tokens.dana, PGSSLMODE: 'require', LC_ALL: 'C.UTF-8' };
    const { stdout } = await run('pgbench', ['-n', '-j', '2', ...args, ...where], { env });
    return stdout;
  }

  for (const mode of ['simple', 'extended', 'prepared']) {
    it(`pgbench runs its transactions in ${mode} mode`, async () => {
      const out = await pgbench('-M', mode, '-c', '8', '-t', '20');
      assert.match(out, /number of transactions actually processed: 160\/160/);
      assert.match(out, /number of failed transactions: 0/);
    });
  }

  /** Logs in, asks for more than it will ever read, and stops reading. */
  async function stall(): Promise<Socket> {
    const socket = connect({ host: '127.0.0.1', port: all.stack.ports.postgres });
    await once(socket, 'connect');
    socket.write(startupMessage(Object.entries({ user: 'dana', database: 'bench' })));
    const cutter = new MessageCutter({ maxBufferedBytes: 65_536, streamAboveBytes: 32_768 });
    let asked = false;
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
      cutter.push(chunk as Buffer, {
        streams: () => true,
        part: () => undefined,
        message(type, buffer, start) {
          if (type === Backend.Authentication && buffer.readUInt32BE(start + 5) === 3) {
            socket.write(passwordMessage(all.tokens.dana));
          }
          if (type === Backend.ReadyForQuery) {
            socket.write(query("select repeat('x', 10000) from generate_series(1, 100000)"));
            asked = true;
          }
        },
      });
      if (asked) break;
    }
    socket.pause();
    return socket;
  }

  it('clients that stop reading slow nobody, and what is held for them is bounded', async () => {
    const stalled = await Promise.all(Array.from({ length: 10 }, stall));
    const before = residentBytes(all.stack.gateway?.pid ?? 0) + residentBytes(all.stack.agent?.pid ?? 0);
    const out = await pgbench('-S', '-M', 'prepared', '-c', '8', '-t', '500');
    assert.match(out, /number of transactions actually processed: 4000\/4000/);
    const after = residentBytes(all.stack.gateway?.pid ?? 0) + residentBytes(all.stack.agent?.pid ?? 0);
    // Each of the ten asked for a gigabyte.
    assert.ok(after - before < 300e6, `${after - before} bytes more`);
    for (const socket of stalled) socket.destroy();
  });
});
