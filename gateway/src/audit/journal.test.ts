import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { JournalRecord } from './chain.ts';
import { newEvent } from './events.ts';
import { Journal, type JournalOptions } from './journal.ts';
import { verifyJournal } from './verify.ts';
import { type Disk, disk } from './writer.ts';

const root = mkdtempSync(join(tmpdir(), 'sallyport-journal-'));
after(() => rmSync(root, { recursive: true, force: true }));
const folder = () => mkdtempSync(join(root, 'j-'));
const event = (n: number, text = 'x') => newEvent('postgres.query', { connection: 'db', data: { n, text } });
const numbers = (records: readonly JournalRecord[]) => records.map((record) => record.event.data['n']);
const files = (dir: string) => readdirSync(dir).filter((name) => name.endsWith('.journal'));
const unavailable = (why: RegExp) => (error: { code?: string; message?: string }) =>
  error.code === 'ERR_JOURNAL_UNAVAILABLE' && why.test(error.message ?? '');

async function all<T>(from: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const each of from) found.push(each);
  return found;
}

async function written(count: number, options: JournalOptions = {}): Promise<string> {
  const dir = folder();
  const journal = await Journal.open(dir, options);
  for (let n = 1; n <= count; n++) journal.append(event(n));
  await journal.close();
  return dir;
}

describe('the journal', () => {
  it('numbers its records, chains them, and goes on where it was', async () => {
    const dir = await written(3);
    const journal = await Journal.open(dir);
    assert.equal(journal.head.sequence, 3);
    assert.equal(journal.recovery, undefined);
    assert.equal(journal.append(event(4)), 4);
    const records = await all(journal.read());
    assert.deepEqual(numbers(records), [1, 2, 3, 4]);
    assert.equal(records.at(-1)?.hash, journal.head.hash);
    await journal.close();
    assert.deepEqual(await verifyJournal(dir), { records: 4, segments: 1, head: journal.head });
  });

  it('begins new files, reads across them from any place, both ways', async () => {
    const dir = await written(50, { segmentBytes: 1500 });
    assert.ok(files(dir).length > 5);
    const journal = await Journal.open(dir);
    for (const from of [0, 1, 17, 49, 50, 99]) {
      const expected = Array.from({ length: Math.max(0, 50 - from) }, (_, i) => from + i + 1);
      assert.deepEqual(numbers(await all(journal.read({ after: from }))), expected);
    }
    const back = numbers(await all(journal.readBackwards()));
    assert.deepEqual(
      back,
      Array.from({ length: 50 }, (_, i) => 50 - i),
    );
    assert.deepEqual(numbers(await journal.latest(3, ({ data }) => (data['n'] as number) % 10 === 0)), [30, 40, 50]);
    await journal.close();
    assert.equal((await verifyJournal(dir)).records, 50);
  });

  it('reads lines longer than its buffers, both ways', async () => {
    const dir = folder();
    const journal = await Journal.open(dir);
    const sizes = [1, 60_000, 65_536, 10, 50_000, 3];
    for (const size of sizes)
      journal.append(newEvent('x', { data: { n: size, a: 'é'.repeat(size), b: '\u0001'.repeat(size) } }));
    const there = await all(journal.read());
    assert.deepEqual(numbers(there), sizes);
    assert.deepEqual((await all(journal.readBackwards())).reverse(), there);
    await journal.close();
    assert.equal((await verifyJournal(dir)).problem, undefined);
  });

  it('cuts a last record that is torn at any byte, tells so, and goes on', async () => {
    const dir = await written(3);
    const file = join(dir, files(dir)[0] as string);
    const whole = readFileSync(file);
    const lastLine = whole.lastIndexOf(0x0a, whole.length - 2) + 1;
    for (let cut = lastLine + 1; cut < whole.length; cut++) {
      const torn = folder();
      cpSync(dir, torn, { recursive: true });
      rmSync(join(torn, 'durable'));
      truncateSync(join(torn, files(torn)[0] as string), cut);
      const journal = await Journal.open(torn);
      assert.equal(journal.recovery?.cutBytes, cut - lastLine);
      assert.equal(journal.append(event(9)), 3);
      await journal.close();
      assert.equal((await verifyJournal(torn)).records, 3);
    }
  });

  it('refuses to start where records that were on the disk are gone', async () => {
    const dir = await written(5);
    const file = join(dir, files(dir)[0] as string);
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.slice(0, text.lastIndexOf('\n', text.length - 2) + 1));
    await assert.rejects(Journal.open(dir), unavailable(/record 5 was on the disk/));
    assert.match((await verifyJournal(dir)).problem?.what ?? '', /ends with 4/);
    rmSync(file);
    await assert.rejects(Journal.open(dir), unavailable(/there is no journal/));
  });

  it('refuses to start on a changed record and names file and line', async () => {
    const dir = await written(5);
    const file = join(dir, files(dir)[0] as string);
    writeFileSync(file, readFileSync(file, 'utf8').replace('"n":3', '"n":8'));
    await assert.rejects(Journal.open(dir), unavailable(/\.journal:4: record 3 does not match its hash/));
    // The refusal let the folder go.
    await assert.rejects(Journal.open(dir), unavailable(/record 3/));
  });

  it('refuses to start when a file in the middle is gone or does not fit', async () => {
    const dir = await written(50, { segmentBytes: 1500 });
    rmSync(join(dir, files(dir)[3] as string));
    await assert.rejects(Journal.open(dir), unavailable(/does not end with record/));
    const other = await written(50, { segmentBytes: 1500 });
    rmSync(join(other, files(other)[0] as string));
    await assert.rejects(Journal.open(other), unavailable(/earlier files are missing/));
  });

  it('belongs to one gateway at a time', async () => {
    const dir = folder();
    const journal = await Journal.open(dir);
    await assert.rejects(
      Journal.open(dir),
      unavailable(new RegExp(`in use by another gateway \\(process ${process.pid}\\)`)),
    );
    await journal.close();
    await (await Journal.open(dir)).close();
  });
});

describe('a follower', () => {
  it('gets everything in order while others append, across files, and ends by its signal', async () => {
    const journal = await Journal.open(folder(), { segmentBytes: 4000 });
    const stop = new AbortController();
    const followers = [0, 1, 2].map(async (which) => {
      const seen: number[] = [];
      for await (const { sequence } of journal.read({ follow: true, durable: which === 2, signal: stop.signal })) {
        if (seen.push(sequence) === 600) break;
      }
      return seen;
    });
    const writers = [0, 1, 2].map(async () => {
      for (let i = 0; i < 100; i++) {
        journal.append(event(i));
        await journal.appendDurable(event(i));
      }
    });
    await Promise.all(writers);
    for (const seen of await Promise.all(followers))
      assert.deepEqual(
        seen,
        Array.from({ length: 600 }, (_, i) => i + 1),
      );
    const late = all(journal.read({ after: 600, follow: true, signal: stop.signal }));
    stop.abort();
    assert.deepEqual(await late, []);
    const closing = all(journal.read({ after: 600, follow: true }));
    await journal.close();
    assert.deepEqual(await closing, []);
  });
});

describe('durability', () => {
  it('is shared: many callers, few syncs, none before its own', async () => {
    let syncs = 0;
    const counting: Disk = {
      ...disk,
      syncLater: (fd, done) => {
        syncs += 1;
        disk.syncLater(fd, done);
      },
    };
    const journal = await Journal.open(folder(), { disk: counting, syncIntervalMs: 60_000 });
    const told = Array.from({ length: 100 }, (_, n) =>
      journal.appendDurable(event(n)).then((sequence) => assert.ok(journal.durable.sequence >= sequence)),
    );
    await Promise.all(told);
    assert.equal(syncs, 2);
    await journal.close();
  });

  it('comes by itself within the interval', async () => {
    const journal = await Journal.open(folder(), { syncIntervalMs: 1 });
    journal.append(event(1));
    assert.equal(journal.durable.sequence, 0);
    for await (const { sequence } of journal.read({ follow: true, durable: true })) {
      assert.equal(sequence, 1);
      break;
    }
    assert.equal(journal.durable.sequence, 1);
    await journal.close();
  });

  it('is there when append returns, with sync: always', async () => {
    const journal = await Journal.open(folder(), { sync: 'always' });
    journal.append(event(1));
    assert.equal(journal.durable.sequence, 1);
    await journal.close();
  });
});

const failure = (code: string) => Object.assign(new Error(code), { code });

describe('a failing disk', () => {
  it('refuses events while it is full, undoes what was half written, and recovers by itself', async () => {
    let room = Number.POSITIVE_INFINITY;
    const small: Disk = {
      ...disk,
      write(fd, bytes, offset, length, position) {
        if (room <= 0) throw failure('ENOSPC');
        const written = disk.write(fd, bytes, offset, Math.min(length, room), position);
        room -= written;
        return written;
      },
    };
    const dir = folder();
    const journal = await Journal.open(dir, { disk: small });
    journal.append(event(1));
    room = 40;
    for (let i = 0; i < 3; i++) assert.throws(() => journal.append(event(2)), unavailable(/the disk is full/));
    await assert.rejects(journal.appendDurable(event(2)), unavailable(/the disk is full/));
    assert.equal(journal.head.sequence, 1);
    room = Number.POSITIVE_INFINITY;
    assert.equal(await journal.appendDurable(event(2)), 2);
    await journal.close();
    assert.equal((await verifyJournal(dir)).records, 2);
  });

  it('holds events back until what it left can be cut off', async () => {
    let broken = false;
    const stuck: Disk = {
      ...disk,
      write(fd, bytes, offset, length, position) {
        if (!broken) return disk.write(fd, bytes, offset, length, position);
        if (offset > 0) throw failure('EIO');
        return disk.write(fd, bytes, 0, length - 3, position);
      },
      truncate(fd, length) {
        if (broken) throw failure('EIO');
        disk.truncate(fd, length);
      },
    };
    const dir = folder();
    const journal = await Journal.open(dir, { disk: stuck });
    journal.append(event(1));
    broken = true;
    assert.throws(() => journal.append(event(2, 'much longer than what follows')), unavailable(/I\/O error/));
    assert.throws(() => journal.append(event(2)), unavailable(/I\/O error/));
    broken = false;
    journal.append(event(2));
    await journal.close();
    assert.equal((await verifyJournal(dir)).records, 2);
  });

  it('tells those who wait for a sync that fails, writes anew what it may have lost, and recovers', async () => {
    let broken = true;
    const positions: number[] = [];
    const failing: Disk = {
      ...disk,
      write(fd, bytes, offset, length, position) {
        positions.push(position);
        return disk.write(fd, bytes, offset, length, position);
      },
      sync(fd) {
        if (broken) throw failure('EIO');
        disk.sync(fd);
      },
      syncLater: (fd, done) => (broken ? setImmediate(done, failure('EIO')) : disk.syncLater(fd, done)),
    };
    const dir = folder();
    const journal = await Journal.open(dir, { disk: failing });
    await assert.rejects(journal.appendDurable(event(1)), unavailable(/I\/O error/));
    assert.throws(() => journal.append(event(2)), unavailable(/I\/O error/));
    assert.equal(journal.durable.sequence, 0);
    broken = false;
    positions.length = 0;
    assert.equal(await journal.appendDurable(event(2)), 2);
    assert.equal(journal.durable.sequence, 2);
    assert.ok(
      (positions[0] as number) < (positions[1] as number),
      'the first record was written again before the second',
    );
    await journal.close();
    assert.equal((await verifyJournal(dir)).records, 2);
  });

  it('keeps to the old file when a new one cannot be begun', async () => {
    let broken = false;
    const failing: Disk = {
      ...disk,
      write(fd, bytes, offset, length, position) {
        if (broken && position === 0) throw failure('ENOSPC');
        return disk.write(fd, bytes, offset, length, position);
      },
    };
    const dir = folder();
    const journal = await Journal.open(dir, { disk: failing, segmentBytes: 300 });
    journal.append(event(1));
    broken = true;
    assert.throws(() => journal.append(event(2)), unavailable(/disk is full/));
    assert.equal(files(dir).length, 1);
    broken = false;
    assert.equal(journal.append(event(2)), 2);
    assert.equal(files(dir).length, 2);
    await journal.close();
    assert.equal((await verifyJournal(dir)).records, 2);
  });
});
