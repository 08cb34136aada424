import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { startupMessage } from '@sallyport/shared/wire/postgres/startup.ts';
import { Backend } from '@sallyport/shared/wire/postgres/types.ts';
import { residentBytes } from '../bench/contender.ts';
import { Fixture } from './fixture.ts';

const entry = join(import.meta.dirname, '../../gateway/src/main.ts');

describe('bad input disturbs nobody', () => {
  let all: Fixture;
  before(async () => {
    all = await Fixture.start();
  });
  after(() => all.stop());

  /** Sends bytes and reads until the gateway closes. */
  async function answered(port: number, ...chunks: readonly Buffer[]): Promise<Buffer> {
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('error', () => undefined);
    const received: Buffer[] = [];
    socket.on('data', (bytes: Buffer) => received.push(bytes));
    const closed = once(socket, 'close');
    for (const chunk of chunks) socket.write(chunk);
    await closed;
    return Buffer.concat(received);
  }

  const stillServes = async (): Promise<void> =>
    assert.equal((await all.psql('alice', 'select count(*) from orders;')).out.trim(), '100');

  const startup = startupMessage(Object.entries({ user: 'alice', database: 'shop' }));

  it('garbage, giants and lies on the PostgreSQL port get a native error and are closed', async () => {
    const { postgres } = all.stack.ports;
    const giant = Buffer.alloc(8);
    giant.writeInt32BE(0x7fffffff, 0);
    const negative = Buffer.from([0x80, 0, 0, 0, 0, 3, 0, 0]);
    const wrong = Buffer.concat([startup, Buffer.from([0x51, 0, 0, 0, 8, 1, 2, 3, 4])]);
    const long = Buffer.concat([startup, Buffer.from([0x70, 0x7f, 0xff, 0xff, 0xff])]);
    for (const bytes of [randomBytes(64), giant, negative, Buffer.from('GET / HTTP/1.1\r\n\r\n'), wrong, long]) {
      const answer = await answered(postgres, bytes);
      const error = answer[0] === Backend.Authentication ? answer.subarray(9) : answer;
      assert.equal(error[0], Backend.ErrorResponse, bytes.toString('hex').slice(0, 40));
      assert.match(error.toString('latin1'), /FATAL/);
    }
    await stillServes();
    const tail = await all.stack.cli(['audit', 'tail', '--type', 'session.rejected', '--last', '10', '-o', 'json']);
    assert.match(tail.out, /"reason": ?"protocol"/);
  });

  it('garbage on the tunnel’s and the API’s port', async () => {
    await answered(all.stack.ports.tunnel, randomBytes(256));
    await answered(all.stack.ports.web, randomBytes(256));
    const oversized = await fetch(`http://127.0.0.1:${all.stack.ports.web}/sallyport.api.v1.IdentityService/WhoAmI`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${all.tokens.alice}` },
      body: JSON.stringify({ x: 'y'.repeat(200_000) }),
    });
    assert.ok(oversized.status >= 400);
    await stillServes();
  });

  it('a thousand who say nothing cost little, and the next one is served', async () => {
    const before = residentBytes(all.stack.gateway?.pid ?? 0);
    const silent: Socket[] = [];
    for (let i = 0; i < 1_000; i++) {
      const socket = connect({ host: '127.0.0.1', port: all.stack.ports.postgres });
      socket.on('error', () => undefined);
      silent.push(socket);
      await once(socket, 'connect');
    }
    await stillServes();
    const each = (residentBytes(all.stack.gateway?.pid ?? 0) - before) / 1_000;
    assert.ok(each < 60_000, `${each} bytes each`);
    for (const socket of silent) socket.destroy();
  });

  describe('a gateway that is told wrong', () => {
    let folder: string;
    before(() => {
      folder = mkdtempSync(join(tmpdir(), 'sallyport-config-'));
    });
    after(() => rmSync(folder, { recursive: true, force: true }));

    async function started(config: string) {
      const file = join(folder, 'gateway.yaml');
      writeFileSync(file, config);
      const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', entry, '--config', file], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      const exit = once(child, 'exit');
      const said = await text(child.stderr as Readable);
      return { status: (await exit)[0] as number, said };
    }

    it('says file, line and the nearest right key', async () => {
      const { status, said } = await started('data: ./x\nlisten:\n  postgers: 127.0.0.1:1\n');
      assert.equal(status, 78);
      assert.match(said, /gateway\.yaml:3: unknown key "postgers"; did you mean postgres\?/);
    });

    it('says which address is taken', async () => {
      const { postgres } = all.stack.ports;
      const { status, said } = await started(
        `data: ./y\nlisten: { web: "off", tunnel: "off", kubernetes: "off", postgres: "127.0.0.1:${postgres}" }\n`,
      );
      assert.equal(status, 1);
      assert.match(said, new RegExp(`EADDRINUSE.*${postgres}`));
    });

    it('says that another gateway has the data folder', async () => {
      const { status, said } = await started(
        `data: ${all.stack.dataFolder}\nlisten: { web: "off", tunnel: "off", kubernetes: "off", postgres: "off" }\n`,
      );
      assert.equal(status, 1);
      assert.match(said, /journal/);
    });
  });
});
