import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Attempts } from './attempts.ts';

const times = (count: number, act: () => void) => {
  for (let i = 0; i < count; i++) act();
};

describe('wrong passwords', () => {
  it('cost ever more time, up to a minute', () => {
    const attempts = new Attempts(() => 0);
    const bob = { user: 'bob', address: '192.0.2.1' };
    times(4, () => attempts.failed(bob));
    const waits = [attempts.waitMs(bob)];
    times(8, () => {
      attempts.failed(bob);
      waits.push(attempts.waitMs(bob));
    });
    assert.deepEqual(
      waits,
      [0, 1, 2, 4, 8, 16, 32, 60, 60].map((seconds) => seconds * 1000),
    );
  });

  it('count for the user from everywhere, and for the address with every user', () => {
    const attempts = new Attempts(() => 0);
    let i = 0;
    times(5, () => attempts.failed({ user: 'bob', address: `192.0.2.${i++}` }));
    assert.equal(attempts.waitMs({ user: 'bob', address: '203.0.113.1' }), 1000);
    assert.equal(attempts.waitMs({ user: 'eve', address: '192.0.2.1' }), 0);
    times(20, () => attempts.failed({ user: `user-${i++}`, address: '198.51.100.1' }));
    assert.equal(attempts.waitMs({ user: 'eve', address: '198.51.100.1' }), 1000);
    assert.equal(attempts.waitMs({ user: 'eve', address: '::ffff:198.51.100.1' }), 1000);
  });

  it('count for the network of an IPv6 address', () => {
    const attempts = new Attempts(() => 0);
    let i = 0;
    times(20, () => attempts.failed({ user: `user-${i}`, address: `2001:db8::${(++i).toString(16)}` }));
    assert.equal(attempts.waitMs({ user: 'eve', address: '2001:db8:0:0:ffff::1' }), 1000);
    assert.equal(attempts.waitMs({ user: 'eve', address: '2001:db8:0:1::1' }), 0);
  });

  it('are forgotten by a success and by time', () => {
    let now = 0;
    const attempts = new Attempts(() => now);
    const bob = { user: 'bob', address: '192.0.2.1' };
    times(6, () => attempts.failed(bob));
    attempts.succeeded(bob);
    assert.deepEqual([attempts.waitMs(bob), attempts.size], [0, 0]);
    times(6, () => attempts.failed(bob));
    now += 2_000;
    assert.equal(attempts.waitMs(bob), 0);
    now += 16 * 60_000;
    attempts.failed(bob);
    assert.equal(attempts.waitMs(bob), 0);
  });

  it('take bounded memory, the longest unused go first', () => {
    const attempts = new Attempts(() => 0, 10);
    let i = 0;
    times(100, () => {
      attempts.failed({ user: 'bob', address: 'a' });
      attempts.failed({ user: `user-${i++}${'x'.repeat(1_000)}`, address: 'a' });
    });
    assert.equal(attempts.size, 10);
    assert.equal(attempts.waitMs({ user: 'bob', address: 'b' }), 60_000);
  });
});
