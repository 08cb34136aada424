import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { readRecording } from '../../gateway/src/recording/reader.ts';
import { Recordings } from '../../gateway/src/recording/recordings.ts';

const child = join(import.meta.dirname, 'crash-child.ts');

describe('a recording whose gateway is killed', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'sallyport-crash-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** Kills the writer at some moment behind `atLeast` entries; resolves to the last entry that it told of. */
  async function killed(path: string, seed: number, atLeast: number): Promise<number> {
    const writer = spawn(process.execPath, [child, path, String(seed)], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = once(writer, 'exit');
    let told = '';
    for await (const chunk of writer.stdout) {
      told += chunk;
      if (Number(told.trimEnd().split('\n').at(-1)) >= atLeast) writer.kill('SIGKILL');
    }
    await exited;
    return Number(told.slice(0, told.lastIndexOf('\n')).split('\n').at(-1));
  }

  for (let round = 1; round <= 4; round++) {
    it(`holds all that was acknowledged, round ${round}`, async () => {
      const path = join(folder, `${round}.rec`);
      const last = await killed(path, round, Math.floor(Math.random() * 150));
      const recording = await readRecording(path);
      let n = 0;
      for await (const { kind, payload } of recording) {
        assert.equal(payload.readUInt32BE(), n);
        assert.equal(kind, n % 3 === 0 ? 'request' : 'reply');
        assert.ok(payload.subarray(4).every((byte) => byte === (n & 0xff)));
        n++;
      }
      assert.ok(n > last, `${last} was acknowledged, ${n} entries are there`);
      assert.equal(recording.ending.end, undefined);
    });
  }
});

describe('a large recording', () => {
  it('is written and read in bounded memory', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-large-'));
    try {
      const recordings = new Recordings(folder);
      const session = {
        connection: 'c',
        protocol: 'postgres',
        principal: { id: 'a', name: 'a' },
        startedAt: Date.now(),
      };
      const writer = recordings.create('large', session);
      const payload = Buffer.alloc(65_000, 'x');
      const before = process.memoryUsage().rss;
      let peak = before;
      for (let i = 0; i < 4_800; i++) writer.entry('reply', payload);
      await writer.close('');
      const recording = await recordings.open('large');
      assert.ok(recording);
      let bytes = 0;
      for await (const entry of recording) {
        bytes += entry.payload.length;
        peak = Math.max(peak, process.memoryUsage.rss());
      }
      assert.equal(bytes, 312_000_000);
      const grownMb = (peak - before) / 1e6;
      assert.ok(grownMb < 120, `resident memory grew by ${grownMb.toFixed(0)} MB`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
