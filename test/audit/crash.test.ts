import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, describe, it } from 'node:test';
import { Journal } from '../../gateway/src/audit/journal.ts';
import { verifyJournal } from '../../gateway/src/audit/verify.ts';

const root = mkdtempSync(join(tmpdir(), 'sallyport-crash-'));
const children = new Set<ChildProcess>();
after(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(root, { recursive: true, force: true });
});

interface Appender {
  readonly pid: number;
  readonly lines: AsyncIterableIterator<string>;
  kill(): Promise<string[]>;
}

function appender(dir: string, bodyBytes: number, segmentBytes: number): Appender {
  const script = join(import.meta.dirname, 'appender.ts');
  const child = spawn(process.execPath, [script, dir, String(segmentBytes), String(bodyBytes)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.add(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    pid: child.pid as number,
    lines,
    async kill() {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      const rest: string[] = [];
      for (let next = await lines.next(); next.done !== true; next = await lines.next()) rest.push(next.value);
      await gone;
      return rest;
    },
  };
}

async function until(lines: AsyncIterator<string>, met: (line: string) => boolean): Promise<string> {
  for (;;) {
    const { value, done } = await lines.next();
    assert.ok(done !== true, 'the child ended');
    if (met(value)) return value;
  }
}

describe('a journal whose gateway is killed', () => {
  it('has everything that was acknowledged, an unbroken chain, and a folder that the next one may take', async () => {
    const dir = mkdtempSync(join(root, 'kill-'));
    let acknowledged = 0;
    for (let round = 0; round < 4; round++) {
      const child = appender(dir, 100, 16_384);
      const opened = Number((await until(child.lines, (line) => line.startsWith('open'))).split(' ')[1]);
      assert.ok(opened >= acknowledged, `record ${acknowledged} was acknowledged, ${opened} were found`);
      const goal = opened + 100 + round * 37;
      await until(child.lines, (line) => Number(line) >= goal);
      if (round === 0)
        await assert.rejects(Journal.open(dir), new RegExp(`another gateway \\(process ${child.pid}\\)`));
      acknowledged = Number((await child.kill()).at(-1) ?? goal);
    }
    const journal = await Journal.open(dir);
    assert.ok(journal.head.sequence >= acknowledged);
    await journal.close();
    const { problem, records } = await verifyJournal(dir);
    assert.equal(problem, undefined);
    assert.equal(records, journal.head.sequence);
  });
});

describe('a journal at a limit of the system', () => {
  it('refuses events after a write that was truly cut short, and goes on when there is room', async () => {
    const dir = mkdtempSync(join(root, 'limit-'));
    const child = appender(dir, 1000, 1_000_000);
    await until(child.lines, (line) => line.startsWith('open'));
    const limit = (soft: string) => execFileSync('prlimit', ['--pid', String(child.pid), `--fsize=${soft}:`]);
    limit('40000');
    const refused = await until(child.lines, (line) => line.startsWith('refused'));
    assert.match(refused, /the journal cannot be written: the file has reached the limit/);
    limit('unlimited');
    await until(child.lines, (line) => Number(line) > 100);
    await child.kill();
    await (await Journal.open(dir)).close();
    const { problem, records } = await verifyJournal(dir);
    assert.equal(problem, undefined);
    assert.ok(records > 100);
  });
});
