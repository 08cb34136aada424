import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Unavailable } from '@sallyport/shared/errors/errors.ts';
import { exportLines } from './export.ts';
import { HEAD_BYTES, RecordingDamaged, type RecordingHeader } from './format.ts';
import { readRecording } from './reader.ts';
import { RecordingWriter } from './writer.ts';

const header: RecordingHeader = {
  sessionId: 's1',
  connection: 'prod-db',
  protocol: 'postgres',
  principal: { id: 'user:alice', name: 'alice@example.com' },
  startedAt: Date.UTC(2026, 0, 2, 3, 4, 5),
};

describe('a recording', () => {
  let folder: string;
  let files = 0;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'sallyport-recording-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const newPath = () => join(folder, `${files++}.rec`);

  async function written(...payloads: readonly (string | Buffer)[]): Promise<string> {
    const writer = RecordingWriter.create(newPath(), header);
    for (const payload of payloads) writer.entry(typeof payload === 'string' ? 'request' : 'reply', payload);
    await writer.close('the client left');
    return writer.path;
  }

  async function read(path: string) {
    const recording = await readRecording(path);
    const entries: [string, string][] = [];
    for await (const { kind, payload } of recording) entries.push([kind, payload.toString('latin1')]);
    return { entries, header: recording.header, ending: recording.ending };
  }

  it('gives back what was written, in order and whole', async () => {
    const long = Buffer.alloc(700_000, 'long');
    const read1 = await read(await written('{"a":1}', Buffer.from([0, 255, 10]), '', Buffer.alloc(0), long, '{}'));
    assert.deepEqual(read1.header, header);
    assert.deepEqual(read1.entries, [
      ['request', '{"a":1}'],
      ['reply', '\0\xff\n'],
      ['request', ''],
      ['reply', ''],
      ['reply', long.toString('latin1')],
      ['request', '{}'],
    ]);
    assert.deepEqual(read1.ending, { end: { why: 'the client left', droppedReplyBytes: 0 }, truncated: false });
  });

  it('keeps the order of entries that may wait for the next, and writes them by itself in the end', async () => {
    const writer = RecordingWriter.create(newPath(), header);
    writer.entrySoon('request', 'a');
    writer.entrySoon('request', 'b'.repeat(3000));
    writer.entrySoon('request', 'c'.repeat(3000));
    writer.entry('reply', Buffer.from('d'));
    writer.entrySoon('request', 'e');
    writer.entry('reply', Buffer.alloc(100_000, 'f'));
    writer.entrySoon('request', 'g');
    await writer.growth.beyond(writer.sizeBytes, undefined);
    const { entries } = await read(writer.path);
    assert.deepEqual(
      entries.map(([kind, payload]) => `${kind}:${payload[0]}${payload.length}`),
      ['request:a1', 'request:b3000', 'request:c3000', 'reply:d1', 'request:e1', 'reply:f100000', 'request:g1'],
    );
    await writer.close('');
  });

  it('says when things happened', async () => {
    const recording = await readRecording(await written('{}', '{}', '{}'));
    const times: number[] = [];
    for await (const { timeUs } of recording) times.push(timeUs);
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
    assert.ok(times.every((timeUs) => Number.isInteger(timeUs) && timeUs < 10_000_000));
  });

  it('is for its owner alone, and never written over', () => {
    const path = newPath();
    RecordingWriter.create(path, header);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.throws(() => RecordingWriter.create(path, header), { code: 'ERR_RECORDING_UNAVAILABLE', part: 'recording' });
  });

  it('is in the file when entry() returns', async () => {
    const writer = RecordingWriter.create(newPath(), header);
    for (const size of [1, 2000, 2048, 2049, 100_000]) {
      writer.entry('reply', Buffer.alloc(size, 1));
      assert.equal(statSync(writer.path).size, writer.sizeBytes);
      const seen = await read(writer.path);
      assert.equal(seen.entries.at(-1)?.[1].length, size);
      assert.deepEqual(seen.ending, { end: undefined, truncated: false });
    }
    await writer.close('');
  });

  it('drops a last frame that was torn at any of its bytes, and says so', async () => {
    const path = await written('{"kept":true}', Buffer.from('the reply'));
    const bytes = readFileSync(path);
    const endBytes = HEAD_BYTES + JSON.stringify({ why: 'the client left', droppedReplyBytes: 0 }).length;
    const lastAt = bytes.length - endBytes - HEAD_BYTES - 'the reply'.length;
    for (let cut = lastAt; cut < bytes.length - endBytes; cut++) {
      writeFileSync(path, bytes.subarray(0, cut));
      const { entries, ending } = await read(path);
      assert.deepEqual(entries, [['request', '{"kept":true}']]);
      assert.deepEqual(ending, { end: undefined, truncated: cut > lastAt });
    }
  });

  it('takes zeros up to the end for a frame that never reached the disk', async () => {
    const path = await written('{}');
    const endAt =
      statSync(path).size - HEAD_BYTES - JSON.stringify({ why: 'the client left', droppedReplyBytes: 0 }).length;
    truncateSync(path, endAt);
    appendFileSync(path, Buffer.alloc(600_000));
    const { entries, ending } = await read(path);
    assert.deepEqual(entries, [['request', '{}']]);
    assert.deepEqual(ending, { end: undefined, truncated: true });
    appendFileSync(path, 'x');
    await assert.rejects(read(path), { code: 'ERR_RECORDING_DAMAGED', offsetBytes: endAt });
  });

  it('reports a changed byte wherever it is', async () => {
    const path = await written('{"n":1}', Buffer.from('abc'));
    const bytes = readFileSync(path);
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 1 << (at % 8);
      writeFileSync(path, changed);
      await assert.rejects(read(path), (error) => error instanceof RecordingDamaged && error.offsetBytes <= at);
    }
  });

  it('counts what is beyond its cap instead of keeping it, and keeps what was asked', async () => {
    const writer = RecordingWriter.create(newPath(), header, { maxBytes: 5_000 });
    writer.entry('reply', Buffer.alloc(3_000, 'a'));
    writer.entry('reply', Buffer.alloc(3_000, 'b'));
    writer.entry('reply', Buffer.from('c'));
    writer.entry('request', '{"text":"SELECT 1"}');
    await writer.close('');
    const { entries, ending } = await read(writer.path);
    assert.deepEqual(entries.slice(1), [
      ['note', '{"type":"truncated","maxBytes":5000}'],
      ['request', '{"text":"SELECT 1"}'],
    ]);
    assert.equal(ending.end?.droppedReplyBytes, 3_001);
  });

  it('takes nothing more once it is closed', async () => {
    const writer = RecordingWriter.create(newPath(), header);
    await Promise.all([writer.close('once'), writer.close('twice')]);
    assert.throws(() => writer.entry('reply', Buffer.from('x')), Unavailable);
    assert.equal((await read(writer.path)).ending.end?.why, 'once');
  });

  it('takes back a part of a frame when the disk is full', async () => {
    const path = newPath();
    const script = `
      process.on('SIGXFSZ', () => {});
      const { RecordingWriter } = await import(${JSON.stringify(join(import.meta.dirname, 'writer.ts'))});
      const writer = RecordingWriter.create(${JSON.stringify(path)}, ${JSON.stringify(header)});
      let kept = 0;
      try { for (;; kept++) writer.entry('reply', Buffer.alloc(3000, 65 + kept)); }
      catch (error) { console.log(JSON.stringify({ kept, code: error.code })); }
      writer.entry('note', '{}');
      process.kill(process.pid, 'SIGKILL');`;
    const run = spawnSync(
      'sh',
      ['-c', 'ulimit -f 32; exec "$0" --input-type=module -e "$1"', process.execPath, script],
      {
        encoding: 'utf8',
      },
    );
    assert.equal(run.signal, 'SIGKILL', run.stderr);
    const { kept, code } = JSON.parse(run.stdout);
    assert.equal(code, 'ERR_RECORDING_UNAVAILABLE');
    const { entries, ending } = await read(path);
    assert.deepEqual(entries.slice(kept), [['note', '{}']]);
    assert.ok(kept > 3);
    assert.equal(ending.truncated, false);
  });

  it('leaves as lines of JSON', async () => {
    const recording = await readRecording(
      await written('{"text":"SELECT 1","kind":"postgres.query"}', Buffer.from([1, 2])),
    );
    const lines: Record<string, unknown>[] = [];
    for await (const text of exportLines(recording)) lines.push(JSON.parse(text));
    const [first, request, reply, last] = lines;
    assert.deepEqual(first, { header });
    assert.deepEqual(request?.['value'], { text: 'SELECT 1', kind: 'postgres.query' });
    assert.equal(reply?.['base64'], 'AQI=');
    assert.deepEqual(last, { ending: { end: { why: 'the client left', droppedReplyBytes: 0 }, truncated: false } });
  });
});
