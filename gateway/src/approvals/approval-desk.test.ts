import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { Unavailable } from '@sallyport/shared/errors/errors.ts';
import type { Approval } from './store.ts';
import { MemoryApprovalStore } from './testing/memory-store.ts';
import { asker, bob, carol, person, Room, wish } from './testing/requests.ts';

const never = new AbortController().signal;
const state = (answer: object) => ('state' in answer ? answer.state : answer);
const reason = (answer: object | undefined) => (answer !== undefined && 'reason' in answer ? answer.reason : answer);
const waiting = async (outcome: Promise<unknown>) =>
  assert.equal(await Promise.race([outcome, new Promise((r) => setImmediate(r, 'waiting'))]), 'waiting');

describe('a request for approval', () => {
  it('is durable and visible before the requester hears of it', async () => {
    const room = await Room.open();
    const go = room.hold();
    const asked = room.desk.request(wish(), never);
    await waiting(asked);
    assert.equal(room.store.kept.size, 0);
    go();
    const { id, approval, outcome } = await asked;
    assert.match(id, /^apr-[a-z2-7]{8}$/);
    assert.deepEqual(room.types, ['approval.requested']);
    assert.deepEqual(room.events[0]?.approval, approval);
    assert.deepEqual(await room.desk.list({ state: 'pending' }), [approval]);
    await waiting(outcome);
  });

  it('shows exactly what was asked, whatever becomes of it', async () => {
    const room = await Room.open();
    const parameters: (string | undefined)[] = ['7', undefined];
    const action = { ...wish().action, text: `SELECT '${'x'.repeat(100_000)}'`, parameters };
    const { id } = await room.desk.request(wish({}, { action }), never);
    parameters[0] = '8';
    action.text = 'DROP TABLE users';
    const shown = await room.desk.get(id);
    assert.equal(shown?.action.text?.length, 100_009);
    assert.deepEqual(shown?.action.parameters, ['7', undefined]);
    assert.deepEqual([shown?.connection, shown?.role, shown?.requester.id], ['prod-db', 'app_ro', 'user:alice']);
    assert.throws(() => ((shown as { rule: string }).rule = 'another'), TypeError);
    await room.desk.decide(id, bob, true, '');
    assert.deepEqual(room.events[1]?.approval.action, shown?.action);
  });

  it('is not made where it cannot be journalled or kept', async () => {
    const down = await Room.open({ journal: async () => Promise.reject(new Error('disk full')) });
    await assert.rejects(down.desk.request(wish(), never), /disk full/);
    const room = await Room.open();
    room.store.putApproval = async () => Promise.reject(new Error('store down'));
    await assert.rejects(room.desk.request(wish(), never), /store down/);
    assert.deepEqual(room.types, ['approval.requested', 'approval.cancelled']);
  });

  it('is one of so many for a session and in all', async () => {
    const room = await Room.open({ maxPending: 3, maxPendingPerSession: 2 });
    const full = (error: unknown) => error instanceof Unavailable && error.code === 'ERR_APPROVALS_UNAVAILABLE';
    const results = await Promise.allSettled([1, 2, 3].map(() => room.desk.request(wish(), never)));
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'rejected'],
    );
    await room.desk.request(wish({}, { sessionId: 's2' }), never);
    await assert.rejects(room.desk.request(wish({}, { sessionId: 's3' }), never), full);
    const [first] = results;
    assert.ok(first?.status === 'fulfilled');
    await room.desk.decide(first.value.id, bob, false, '');
    await first.value.outcome;
    await room.desk.request(wish(), never);
  });
});

describe('a decision', () => {
  it('releases the request when it is durable, at once', async () => {
    const room = await Room.open();
    const { id, outcome } = await room.desk.request(wish(), never);
    const go = room.hold();
    const decided = room.desk.decide(id, bob, true, 'looks right');
    await waiting(outcome);
    const kept = Promise.withResolvers<void>();
    room.store.putApproval = () => kept.promise;
    go();
    assert.equal(await outcome, undefined);
    assert.deepEqual(room.types, ['approval.requested', 'approval.decided']);
    kept.resolve();
    const approval = (await decided) as Approval;
    assert.equal(approval.state, 'approved');
    assert.deepEqual(
      approval.decisions.map(({ at, ...rest }) => [typeof at, rest]),
      [['number', { by: 'user:bob', name: 'bob', approved: true, reason: 'looks right' }]],
    );
  });

  it('is not made where the journal fails, and can be made again', async () => {
    const room = await Room.open();
    const { id, outcome } = await room.desk.request(wish(), never);
    room.journalFails = true;
    await assert.rejects(room.desk.decide(id, bob, true, ''), (error) => {
      return error instanceof Unavailable && error.code === 'ERR_JOURNAL_UNAVAILABLE';
    });
    await waiting(outcome);
    assert.equal((await room.desk.get(id))?.state, 'pending');
    room.journalFails = false;
    assert.equal(state(await room.desk.decide(id, bob, true, '')), 'approved');
    assert.equal(await outcome, undefined);
  });

  it('stands where the store fails behind the journal', async () => {
    const room = await Room.open();
    const { id, outcome } = await room.desk.request(wish(), never);
    room.store.putApproval = async () => Promise.reject(new Error('store down'));
    assert.equal(state(await room.desk.decide(id, bob, true, '')), 'approved');
    assert.equal(await outcome, undefined);
    assert.match(String(room.errors[0]), /store down/);
  });

  it('of rejection ends it, whatever others said', async () => {
    const room = await Room.open();
    const { id, outcome } = await room.desk.request(wish({ count: 3 }), never);
    assert.equal(state(await room.desk.decide(id, bob, true, '')), 'pending');
    assert.equal(state(await room.desk.decide(id, carol, false, 'not\r\n\0 today')), 'rejected');
    const denial = await outcome;
    assert.equal(denial?.reason, 'rejected');
    assert.equal(denial?.rule, 'big-reads');
    assert.equal(denial?.message, `carol rejected the request ${id}: not today`);
  });

  it('is counted for distinct people', async () => {
    const room = await Room.open();
    const { id, outcome } = await room.desk.request(wish({ count: 2 }), never);
    const both = await Promise.all([room.desk.decide(id, bob, true), room.desk.decide(id, bob, true)]);
    assert.equal(state(both[0]), 'pending');
    assert.match((both[1] as { message: string }).message, /you have approved .* already/);
    await waiting(outcome);
    assert.equal(state(await room.desk.decide(id, carol, true)), 'approved');
    assert.equal(await outcome, undefined);
    assert.deepEqual(room.types, ['approval.requested', 'approval.decided', 'approval.decided']);
  });

  for (const [who, principal, wanted] of [
    ['the requester', asker, /your?s/],
    ['the requester under another name', { ...asker, name: 'bob' }, /your?s/],
    ['somebody else', person('dave', 'eng'), /may not decide/],
    ['a service account in the group', { id: 'service:bot', name: 'bot', groups: ['dba'], claims: {} }, /may not/],
  ] as const) {
    it(`is not for ${who}`, async () => {
      const room = await Room.open();
      const { id, outcome } = await room.desk.request(wish({ users: ['erin'] }), never);
      for (const approved of [true, false]) {
        const denial = await room.desk.decide(id, principal, approved, '');
        assert.equal(reason(denial), 'forbidden');
        assert.match('message' in denial ? denial.message : '', wanted);
        assert.match('hint' in denial ? String(denial.hint) : '', /the group dba, erin/);
      }
      await waiting(outcome);
      assert.deepEqual(room.types, ['approval.requested']);
    });
  }

  for (const [how, approvers, principal] of [
    ['one of several groups', { groups: ['sre', 'dba'] }, bob],
    ['name', { groups: [], users: ['zoe'] }, person('zoe')],
    ['id', { groups: [], users: ['user:zoe'] }, person('zoe')],
  ] as const) {
    it(`is for approvers by ${how}`, async () => {
      const room = await Room.open();
      const { id } = await room.desk.request(wish(approvers), never);
      assert.equal(state(await room.desk.decide(id, principal, true)), 'approved');
    });
  }

  it('may have a further condition', async () => {
    const room = await Room.open();
    const { id } = await room.desk.request(wish({}, { mayDecide: ({ name }) => name === 'carol' }), never);
    assert.equal(reason(await room.desk.decide(id, bob, true)), 'forbidden');
    assert.equal(state(await room.desk.decide(id, carol, true)), 'approved');
  });

  it('is made once', async () => {
    const room = await Room.open();
    const { id } = await room.desk.request(wish(), never);
    await room.desk.decide(id, bob, true);
    const late = await room.desk.decide(id, carol, false);
    assert.match('message' in late ? late.message : '', /has been approved already by bob/);
    const nothing = await room.desk.decide('apr-nothing', carol, true);
    assert.match('message' in nothing ? nothing.message : '', /no approval apr-nothing is known/);
  });

  it('of two at once: one counts', async () => {
    const room = await Room.open();
    const { id, outcome } = await room.desk.request(wish(), never);
    const [first, second] = await Promise.all([room.desk.decide(id, bob, true), room.desk.decide(id, carol, false)]);
    assert.equal(state(first), 'approved');
    assert.equal(reason(second), 'forbidden');
    assert.equal(await outcome, undefined);
    assert.deepEqual(room.types, ['approval.requested', 'approval.decided']);
  });
});

describe('the end of a request', () => {
  it('comes when its time is over', async () => {
    const room = await Room.open();
    const { id, outcome } = await room.desk.request(wish({ timeoutMs: 5 }), never);
    const denial = await outcome;
    assert.equal(denial?.reason, 'expired');
    assert.equal(denial?.rule, 'big-reads');
    assert.deepEqual(room.types, ['approval.requested', 'approval.expired']);
    assert.equal((await room.desk.get(id))?.state, 'expired');
    assert.equal(reason(await room.desk.decide(id, bob, true)), 'expired');
  });

  it('is in force before its timer is', async () => {
    let now = 1_000;
    const room = await Room.open({ clock: () => now });
    const { id, outcome } = await room.desk.request(wish(), never);
    now += 60_000;
    assert.equal(reason(await room.desk.decide(id, bob, true)), 'expired');
    await waiting(outcome);
  });

  it('waits for a decision that is being written down', async () => {
    const room = await Room.open();
    const { id, outcome } = await room.desk.request(wish({ timeoutMs: 20 }), never);
    const go = room.hold();
    const decided = room.desk.decide(id, bob, true);
    await once(AbortSignal.timeout(40), 'abort');
    go();
    assert.equal(state(await decided), 'approved');
    assert.equal(await outcome, undefined);
    assert.deepEqual(room.types, ['approval.requested', 'approval.decided']);
  });

  it('comes also where it cannot be journalled', async () => {
    const room = await Room.open();
    const { outcome } = await room.desk.request(wish({ timeoutMs: 5 }), never);
    room.journalFails = true;
    assert.equal((await outcome)?.reason, 'expired');
    assert.match(String(room.errors[0]), /disk full/);
  });

  it('comes when the requester takes it back, also before it is shown', async () => {
    const room = await Room.open();
    const client = new AbortController();
    const { id, outcome } = await room.desk.request(wish(), client.signal);
    client.abort();
    assert.equal((await outcome)?.reason, 'cancelled');
    assert.equal(reason(await room.desk.decide(id, bob, true)), 'cancelled');
    assert.deepEqual(room.types, ['approval.requested', 'approval.cancelled']);
    const gone = await room.desk.request(wish(), AbortSignal.abort());
    assert.equal((await gone.outcome)?.reason, 'cancelled');
  });

  it('by the requester during a decision: it stands, and nothing runs', async () => {
    const room = await Room.open();
    const client = new AbortController();
    const { id, outcome } = await room.desk.request(wish(), client.signal);
    const go = room.hold();
    const decided = room.desk.decide(id, bob, true);
    await waiting(decided);
    client.abort();
    assert.equal((await outcome)?.reason, 'cancelled');
    go();
    assert.equal(state(await decided), 'approved');
    assert.equal((await outcome)?.reason, 'cancelled');
    assert.deepEqual(room.types, ['approval.requested', 'approval.decided']);
  });

  it('by the requester stands before decisions that wait their turn', async () => {
    const room = await Room.open();
    const client = new AbortController();
    const { id } = await room.desk.request(wish({ count: 2 }), client.signal);
    const go = room.hold();
    const decisions = [room.desk.decide(id, bob, true), room.desk.decide(id, carol, true)];
    await waiting(decisions[0] as Promise<unknown>);
    client.abort();
    go();
    const [first, second] = await Promise.all(decisions);
    assert.equal(state(first as object), 'pending');
    assert.equal(reason(second), 'cancelled');
  });

  it('comes for all when the desk closes', async () => {
    const room = await Room.open();
    const asked = await Promise.all(
      [wish(), wish({}, { sessionId: 's2' })].map((one) => room.desk.request(one, never)),
    );
    await room.desk.close();
    for (const { outcome, id } of asked) {
      const denial = await outcome;
      assert.equal(denial?.reason, 'cancelled');
      assert.match(denial?.message ?? '', /the gateway is stopping/);
      assert.equal(room.store.kept.get(id)?.state, 'cancelled');
    }
    await assert.rejects(room.desk.request(wish(), never), Unavailable);
  });

  it('comes at the next start where the gateway was killed', async () => {
    const store = new MemoryApprovalStore();
    const before = await Room.open({ store });
    const { id } = await before.desk.request(wish(), never);
    const next = await Room.open({ store });
    assert.equal((await next.desk.get(id))?.state, 'cancelled');
    assert.deepEqual(next.types, ['approval.cancelled']);
    assert.equal(reason(await next.desk.decide(id, bob, true)), 'cancelled');
  });
});

describe('a watcher', () => {
  it('sees every change from the moment it asked', async () => {
    const room = await Room.open();
    const stop = new AbortController();
    const seen: string[] = [];
    const feed = room.desk.watch(stop.signal);
    const { id } = await room.desk.request(wish({ count: 2 }), never);
    await room.desk.decide(id, bob, true);
    await room.desk.decide(id, carol, true);
    for await (const approval of feed) {
      seen.push(`${approval.state} ${approval.decisions.length}`);
      if (seen.length === 3) stop.abort();
    }
    assert.deepEqual(seen, ['pending 0', 'pending 1', 'approved 2']);
  });

  it('is woken, and ends with the desk', async () => {
    const room = await Room.open();
    const feed = room.desk.watch(never);
    const first = feed.next();
    const { id } = await room.desk.request(wish(), never);
    assert.equal((await first).value?.id, id);
    await room.desk.close();
    assert.equal((await feed.next()).value?.state, 'cancelled');
    assert.equal((await feed.next()).done, true);
    assert.equal((await room.desk.watch(never).next()).done, true);
  });

  it('that does not read is told so, and holds nobody up', async () => {
    const room = await Room.open({ maxPendingPerSession: 2_000 });
    const feed = room.desk.watch(never);
    for (let i = 0; i < 1_001; i++) await room.desk.request(wish(), never);
    await assert.rejects(feed.next(), /fell more than 1000 changes behind/);
    assert.equal((await feed.next()).done, true);
  });
});
