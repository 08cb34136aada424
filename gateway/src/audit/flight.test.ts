import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Flight } from './flight.ts';

const never = new AbortController().signal;
const item = (n: number) => ({ n, sizeBytes: 10 });

describe('a flight', () => {
  it('lands in order, however the acknowledgements come', async () => {
    const landed: number[] = [];
    const flight = new Flight<ReturnType<typeof item>>(10, 1000, ({ n }) => landed.push(n));
    const acknowledge = [1, 2, 3, 4].map((n) => flight.add(item(n)));
    acknowledge[1]?.();
    acknowledge[3]?.();
    assert.deepEqual(landed, []);
    acknowledge[0]?.();
    assert.deepEqual(landed, [1, 2]);
    const all = flight.landedAll(never);
    acknowledge[2]?.();
    await all;
    assert.deepEqual(landed, [1, 2, 3, 4]);
  });

  for (const [what, count, bytes] of [
    ['items', 2, 1000],
    ['bytes', 100, 20],
  ] as const) {
    it(`has no room beyond its ${what}, until one lands or it is given up`, async () => {
      const flight = new Flight<ReturnType<typeof item>>(count, bytes, () => undefined);
      const first = flight.add(item(1));
      await flight.room(never);
      flight.add(item(2));
      let free = false;
      const room = flight.room(never).then(() => {
        free = true;
      });
      await new Promise(setImmediate);
      assert.equal(free, false);
      first();
      await room;
      flight.add(item(3));
      const giveUp = new AbortController();
      const given = flight.room(giveUp.signal);
      giveUp.abort();
      await given;
      assert.equal(flight.empty, false);
    });
  }
});
