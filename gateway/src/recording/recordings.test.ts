import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type RecordedSession, Recordings } from './recordings.ts';

const session = (startedAt: number): RecordedSession => ({
  connection: 'prod-db',
  protocol: 'postgres',
  principal: { id: 'user:alice', name: 'alice' },
  startedAt,
});
const newYear = Date.UTC(2026, 0, 1, 23, 59);

describe('the recordings of a gateway', () => {
  let folder: string;
  let recordings: Recordings;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sallyport-recordings-'));
    recordings = new Recordings(join(folder, 'recordings'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('lie in a folder a day and are found again, also by a gateway that did not write them', async () => {
    const writer = recordings.create('one', session(newYear));
    assert.equal(writer.path, join(folder, 'recordings/2026/01/01/one.rec'));
    await recordings.create('two', session(newYear + 3_600_000)).close('');
    const later = new Recordings(join(folder, 'recordings'));
    assert.equal(await later.find('one'), writer.path);
    assert.equal(await later.find('two', newYear + 3_600_000), join(folder, 'recordings/2026/01/02/two.rec'));
    assert.equal(await later.find('three'), undefined);
    const opened = await later.open('one');
    assert.equal(opened?.header.sessionId, 'one');
    await opened?.close();
    assert.equal(await later.sizeBytes('one'), writer.sizeBytes);
    await writer.close('');
  });

  it('are reached by session ids only, not by paths', async () => {
    for (const id of ['../one', 'a/b', '', '.', 'x'.repeat(65)]) {
      assert.throws(() => recordings.create(id, session(newYear)), RangeError);
      assert.equal(await recordings.find(id), undefined);
    }
  });

  it('are watched from the start and on, to the end of the session', async () => {
    const writer = recordings.create('one', session(newYear));
    writer.entry('request', '0');
    const watched = await recordings.watch('one', AbortSignal.timeout(10_000));
    assert.ok(watched);
    const seen: string[] = [];
    for await (const { payload } of watched) {
      seen.push(payload.toString('latin1', 0, 3));
      if (seen.length < 4) writer.entry('reply', Buffer.alloc(300_000, String(seen.length)));
      else void writer.close('enough');
    }
    assert.deepEqual(seen, ['0', '111', '222', '333']);
    assert.equal(watched.ending.end?.why, 'enough');
  });

  it('can be watched no longer, and by several at once', async () => {
    const writer = recordings.create('one', session(newYear));
    const leaving = new AbortController();
    const [left, stayed] = await Promise.all([
      recordings.watch('one', leaving.signal),
      recordings.watch('one', AbortSignal.timeout(10_000)),
    ]);
    assert.ok(left && stayed);
    const count = async (entries: AsyncIterable<unknown>) => {
      let entriesSeen = 0;
      for await (const _ of entries) entriesSeen++;
      return entriesSeen;
    };
    const counts = Promise.all([count(left), count(stayed)]);
    leaving.abort();
    writer.entry('request', '{}');
    writer.entry('request', '{}');
    await writer.close('');
    const [leftCount, stayedCount] = await counts;
    assert.ok(leftCount < 2);
    assert.equal(stayedCount, 2);
    assert.equal(left.ending.truncated, false);
  });

  it('are swept once they are old, but not under a living session', async () => {
    const living = recordings.create('living', session(newYear));
    const ended = recordings.create('ended', session(newYear + 86_400_000));
    const fresh = recordings.create('fresh', session(newYear));
    await ended.close('');
    await fresh.close('');
    const weekAgo = new Date(Date.now() - 7 * 86_400_000);
    for (const { path } of [living, ended]) utimesSync(path, weekAgo, weekAgo);
    const freedBytes = ended.sizeBytes;
    assert.deepEqual(await recordings.sweep(86_400_000), { removed: 1, freedBytes });
    assert.equal(existsSync(join(ended.path, '..')), false, 'the day is empty');
    assert.ok(existsSync(living.path) && existsSync(fresh.path));
    await living.close('');
  });

  it('are removed one by one, when their session is over', async () => {
    const writer = recordings.create('one', session(newYear));
    assert.equal(await recordings.remove('one'), false);
    await writer.close('');
    assert.equal(await recordings.remove('one'), true);
    assert.equal(await recordings.open('one'), undefined);
    assert.equal(await recordings.remove('one'), false);
  });

  it('begin with an error where nothing can be written', () => {
    const nowhere = new Recordings('/dev/null/recordings');
    assert.throws(() => nowhere.create('one', session(newYear)), { code: 'ERR_RECORDING_UNAVAILABLE' });
  });
});
