import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Failure } from './failures.ts';
import { findProcess, runProcess } from './processes.ts';

describe('a process', () => {
  it('is what was built, else the source of the checkout', () => {
    assert.match(
      findProcess('gateway', () => true),
      /dist\/gateway\.mjs$/,
    );
    assert.match(
      findProcess('gateway', (path) => path.endsWith('.ts')),
      /gateway\/src\/main\.ts$/,
    );
    assert.match(
      findProcess('agent', (path) => path.endsWith('.ts')),
      /\/agent\/src\/main\.ts$/,
    );
    assert.throws(() => findProcess('agent', () => false), Failure);
  });

  it('ends the command with what it ended with', async () => {
    assert.equal(await runProcess(process.execPath, ['-e', 'process.exit(9)'], process.env), 9);
    assert.equal(await runProcess(process.execPath, ['-e', 'process.kill(process.pid, "SIGKILL")'], process.env), 137);
  });

  it('is told of signals', async () => {
    const ended = runProcess(
      process.execPath,
      [
        '-e',
        'process.on("SIGTERM", () => process.exit(4)); setInterval(() => {}, 1e6); process.kill(process.ppid, "SIGTERM")',
      ],
      process.env,
    );
    assert.equal(await ended, 4);
  });
});
