import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Throttle } from './throttle.ts';

describe('a throttle', () => {
  it('gives so many at once, then one a while; keys do not share', () => {
    let now = 0;
    const throttle = new Throttle({ burst: 2, refillMs: 1000 }, () => now);
    assert.deepEqual([throttle.take('a'), throttle.take('a'), throttle.take('a')], [0, 0, 1000]);
    assert.equal(throttle.take('b'), 0);
    now = 400;
    assert.equal(throttle.take('a'), 600);
    now = 1000;
    assert.equal(throttle.take('a'), 0);
    assert.notEqual(throttle.take('a'), 0);
    now = 1_000_000;
    assert.deepEqual(
      [throttle.take('a'), throttle.take('a'), throttle.take('a')],
      [0, 0, 1000],
      'never more than the burst',
    );
  });

  it('remembers so many keys and no more; those in use stay', () => {
    const throttle = new Throttle({ burst: 1, refillMs: 1000 }, () => 0, 10);
    throttle.take('mine');
    for (let count = 0; count < 1000; count++) {
      throttle.take(`other${count}`);
      assert.notEqual(throttle.take('mine'), 0);
    }
    assert.equal(throttle.size, 10);
  });

  it('is not moved by a clock that goes back', () => {
    let now = 5000;
    const throttle = new Throttle({ burst: 1, refillMs: 1000 }, () => now);
    throttle.take('a');
    now = 0;
    assert.equal(throttle.take('a'), 1000);
  });
});
