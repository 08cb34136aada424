import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JournalRecord } from './chain.ts';
import type { Cursor } from './cursor.ts';
import { type Lane, lanesOf } from './lane.ts';

const record = (sequence: number, id = `id${sequence}`) =>
  ({ sequence, hash: `h${sequence}`, event: { id }, line: '' }) as unknown as JournalRecord;

/** A journal of ten records. */
const journal = {
  head: { sequence: 10, hash: 'h10' },
  async *read({ after = 0 } = {}) {
    for (let n = after + 1; n <= 10; n++) yield record(n);
  },
};

async function lane(cursor: Partial<Cursor>, found: readonly number[], last = 1000): Promise<Lane> {
  const [audit] = lanesOf({ journalId: 'j', sequence: 0, hash: '', streams: {}, ...cursor });
  assert.ok(audit);
  audit.begin(last);
  for (const n of found) audit.saw(true, n, `h${n}`, `id${n}`);
  await audit.confirm(journal);
  return audit;
}

const had = (from: Lane) => Array.from({ length: 10 }, (_, i) => i + 1).filter((n) => from.has(record(n)));

describe('what a stream has already', () => {
  it('is what was found behind the cursor, and a gap stays a gap', async () => {
    assert.deepEqual(had(await lane({ sequence: 2, hash: 'h2' }, [3, 4, 6, 7])), [1, 2, 3, 4, 6, 7]);
    assert.deepEqual(had(await lane({ sequence: 2, hash: 'h2' }, [4, 5])), [4, 5]);
  });

  it('begins, without a cursor, with the oldest that the stream still keeps', async () => {
    assert.deepEqual(had(await lane({}, [4, 5])), [1, 2, 3, 4, 5]);
  });

  it('is nothing where this journal has another record of that number', async () => {
    const [audit] = lanesOf({ journalId: 'j', sequence: 0, hash: '', streams: {} });
    audit?.begin(10);
    for (const n of [1, 2]) audit?.saw(true, n, 'of another history', 'other');
    await audit?.confirm(journal);
    assert.deepEqual(had(audit as Lane), []);
    assert.deepEqual(had(await lane({}, [10, 11])), []);
  });

  it('is looked for from the start in a stream that was made anew', async () => {
    const streams = { SALLYPORT_AUDIT: 500 };
    assert.equal((await lane({ sequence: 2, streams }, [])).base, 500);
    assert.equal((await lane({ sequence: 2, streams }, [], 499)).base, 0);
  });
});

describe('the order in a stream', () => {
  it('is asked for by the id before, unless others write there too', async () => {
    const alone = await lane({}, []);
    assert.deepEqual([alone.follow('a'), alone.follow('b'), alone.follow('c')], [undefined, 'a', 'b']);
    const shared = await lane({}, []);
    shared.saw(false, 0, '', '');
    assert.deepEqual([shared.follow('a'), shared.follow('b')], [undefined, undefined]);
  });

  it('keeps the place to look from before whatever was stored out of turn', async () => {
    const audit = await lane({ sequence: 2, hash: 'h2', streams: { SALLYPORT_AUDIT: 20 } }, [4, 5]);
    assert.equal(audit.behind(record(3), 30), 20);
    assert.equal(audit.behind(record(4), undefined), 20);
    assert.equal(audit.behind(record(6), 31), 31);
  });
});
