import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { missing, superfluous } from './approver.ts';
import { eligibleFor, emptySeats, openSeat, seatsOf } from './panel.ts';
import type { Approval } from './store.ts';
import { person, Room, wish } from './testing/requests.ts';

const never = new AbortController().signal;
const legalAndDba = { groups: [], users: [], count: 1, eachOf: ['dba', 'legal'] };

/** The definition, for comparison: the most seats that any assignment fills. */
function mostFilled(seats: readonly string[], people: readonly (readonly string[])[]): number {
  const [kind, ...rest] = seats;
  if (kind === undefined) return 0;
  const without = mostFilled(rest, people);
  const taken = people.flatMap((kinds, at) => (kinds.includes(kind) ? [people.toSpliced(at, 1)] : []));
  return Math.max(without, ...taken.map((others) => 1 + mostFilled(rest, others)));
}

describe('a panel of several groups', () => {
  it('fills exactly as many seats as any assignment could', () => {
    const kinds = ['a', 'b', 'c', openSeat];
    // Every panel of up to four people over these kinds, in a fixed order.
    for (let code = 0; code < 16 ** 3; code += 7) {
      const people = [code & 15, (code >> 4) & 15, (code >> 8) & 15].map((bits) =>
        kinds.filter((_, at) => bits & (1 << at)),
      );
      for (const seats of [
        ['a', 'b'],
        ['a', 'b', 'c'],
        ['a', openSeat, openSeat],
        ['a', 'b', 'c', openSeat],
      ]) {
        const filled = seats.length - emptySeats(seats, people).length;
        assert.equal(filled, mostFilled(seats, people), JSON.stringify([seats, people]));
      }
    }
  });

  it('moves somebody over when who comes later fits in one seat only', () => {
    assert.deepEqual(emptySeats(['a', 'b'], [['a', 'b'], ['a']]), []);
    assert.deepEqual(emptySeats(['a', 'b'], [['a', 'b']]).length, 1);
  });

  it('counts the open seats only where somebody is named for them', () => {
    assert.deepEqual(seatsOf({ ...legalAndDba, timeoutMs: 1 }), ['dba', 'legal']);
    assert.deepEqual(seatsOf({ ...legalAndDba, users: ['eve'], timeoutMs: 1 }), ['dba', 'legal', openSeat]);
    assert.deepEqual(eligibleFor({ ...legalAndDba, groups: ['dba'], timeoutMs: 1 }, person('x', 'dba')), [
      'dba',
      openSeat,
    ]);
  });
});

describe('a request that several groups decide', () => {
  const both = person('both', 'dba', 'legal');
  const dba = person('bob', 'dba');
  const lawyer = person('lea', 'legal');

  it('is approved when each group has one, in either order', async () => {
    for (const [first, second] of [
      [both, dba],
      [both, lawyer],
      [dba, both],
      [dba, lawyer],
    ] as const) {
      const room = await Room.open();
      const { id, outcome } = await room.desk.request(wish(legalAndDba), never);
      const pending = await room.desk.decide(id, first, true);
      assert.equal((pending as Approval).state, 'pending');
      assert.equal(((await room.desk.decide(id, second, true)) as Approval).state, 'approved');
      assert.equal(await outcome, undefined);
    }
  });

  it('refuses an approval that changes nothing, and says whom it waits for', async () => {
    const room = await Room.open();
    const { id } = await room.desk.request(wish(legalAndDba), never);
    await room.desk.decide(id, dba, true);
    const denial = await room.desk.decide(id, person('carl', 'dba'), true);
    assert.ok('message' in denial);
    assert.match(denial.hint ?? '', /one of legal/);
    const approval = (await room.desk.get(id)) as Approval;
    assert.deepEqual(missing(approval), ['legal']);
    assert.ok(superfluous(approval, person('carl', 'dba')));
    assert.equal(superfluous(approval, both), undefined);
    const rejected = await room.desk.decide(id, person('carl', 'dba'), false, 'no');
    assert.equal((rejected as Approval).state, 'rejected');
  });

  it('two who approve at once do not both take the last seat', async () => {
    const room = await Room.open();
    const { id } = await room.desk.request(wish(legalAndDba), never);
    const answers = await Promise.all(
      [dba, person('carl', 'dba'), lawyer].map((who) => room.desk.decide(id, who, true)),
    );
    assert.equal(answers.filter((answer) => 'message' in answer).length, 1);
    assert.equal(((await room.desk.get(id)) as Approval).decisions.length, 2);
  });

  it('is over without effect where the effect fails, and the approver hears it', async () => {
    const room = await Room.open();
    const effect = async () => Promise.reject(new Error('disk full'));
    const { id, outcome } = await room.desk.request({ ...wish(), effect }, never);
    await assert.rejects(room.desk.decide(id, dba, true), /disk full/);
    assert.equal((await outcome)?.reason, 'unavailable');
    assert.equal((await room.desk.get(id))?.state, 'cancelled');
    assert.equal(room.types.at(-1), 'approval.cancelled');
  });
});
