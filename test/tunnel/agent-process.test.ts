import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { Bench } from './bench.ts';

const entry = join(import.meta.dirname, '../../agent/src/main.ts');

describe('the agent as a process', () => {
  let bench: Bench;
  let folder: string;
  const children: ChildProcess[] = [];
  before(async () => {
    bench = await Bench.start();
    folder = mkdtempSync(join(tmpdir(), 'sallyport-agent-'));
  });
  after(async () => {
    for (const child of children) child.kill('SIGKILL');
    await bench.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function start(name: string, token?: string, more: readonly string[] = []): ChildProcess {
    const args = ['--gateway', `127.0.0.1:${bench.port}`, '--data', join(folder, name), ...more];
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', entry, ...args], {
      env: { PATH: process.env['PATH'], ...(token === undefined ? {} : { SALLYPORT_JOIN_TOKEN: token }) },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    children.push(child);
    return child;
  }

  it('enrols at its first start, keeps its identity to itself, and needs no token later', async () => {
    const first = bench.happened('agent.up', 'keeper');
    const child = start('keeper', await bench.hub.createJoinToken('keeper'));
    await first;
    assert.equal(statSync(join(folder, 'keeper/identity.json')).mode & 0o777, 0o600);
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    assert.deepEqual(await exit, [0, null]);
    const again = bench.happened('agent.up', 'keeper');
    start('keeper');
    await again;
  });

  it('one that is frozen is noticed within the keepalive, and comes back when it thaws', async () => {
    const up = bench.happened('agent.up', 'frozen');
    const child = start('frozen', await bench.hub.createJoinToken('frozen'));
    await up;
    const lost = bench.happened('agent.lost', 'frozen');
    const from = performance.now();
    child.kill('SIGSTOP');
    await lost;
    assert.ok(performance.now() - from < 10_000);
    const back = bench.happened('agent.up', 'frozen');
    child.kill('SIGCONT');
    await back;
  });

  it('says what to do without a token, and with a damaged identity', async () => {
    const without = start('tokenless');
    const exit = once(without, 'exit');
    assert.match(await text(without.stderr as Readable), /sallyport agents join-token NAME/);
    assert.deepEqual(await exit, [1, null]);
    writeFileSync(join(folder, 'keeper/identity.json'), '{');
    const damaged = start('keeper');
    assert.match(await text(damaged.stderr as Readable), /identity\.json cannot be read.*remove it and enrol anew/);
  });
});
