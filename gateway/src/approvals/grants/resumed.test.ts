import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Approval } from '../store.ts';
import { carol } from '../testing/requests.ts';
import { alice, bob, caseOf, Office, terms } from './testing/office.ts';

const never = new AbortController().signal;
const asked = async (office: Office, rest = {}): Promise<Approval> => {
  const approval = await office.requests.request(caseOf(rest), { reason: 'the nightly job is stuck' });
  assert.ok('id' in approval, JSON.stringify(approval));
  return approval;
};
/** As a gateway stops that is told to. */
const stop = async (office: Office): Promise<void> => {
  office.requests.close();
  await office.grants.close();
  await office.room.desk.close();
};
const soon = (): Promise<void> => new Promise((next) => setImmediate(next));
const said = (answer: object): string => ('message' in answer ? String(answer.message) : JSON.stringify(answer));

describe('a request that waits over a restart', () => {
  for (const [how, end] of [
    ['stopped', stop],
    ['killed', async () => undefined],
  ] as const) {
    it(`of a gateway that was ${how} is approved afterwards and gives the grant`, async () => {
      const before = await Office.open();
      const { id, expiresAt } = await asked(before);
      await end(before);
      assert.ok(!before.types.includes('access.rejected'), before.types.join());
      const office = await Office.restarted(before, before.now + 60_000);
      assert.equal((await office.room.desk.get(id))?.state, 'pending');
      assert.equal((await office.room.desk.get(id))?.expiresAt, expiresAt);
      const decided = await office.room.desk.decide(id, bob, true);
      assert.equal('state' in decided && decided.state, 'approved');
      const [grant] = [...office.store.kept.values()];
      assert.deepEqual([grant?.approvalId, grant?.principal.id, grant?.startsAt], [id, alice.id, office.now]);
      assert.deepEqual(office.types, ['access.granted']);
      await soon();
      assert.equal(office.waiting.kept.size, 0);
      await office.grants.close();
    });
  }

  it('keeps the decisions that it has, and nobody decides twice or their own', async () => {
    const before = await Office.open();
    const { id } = await asked(before, { approvers: { groups: ['dba'], users: [], count: 2, timeoutMs: 900_000 } });
    await before.room.desk.decide(id, bob, true);
    await stop(before);
    const office = await Office.restarted(before, before.now);
    assert.match(said(await office.room.desk.decide(id, bob, true)), /approved .* already/);
    assert.match(said(await office.room.desk.decide(id, { ...alice, groups: ['dba'] }, true)), /their own/);
    const decided = await office.room.desk.decide(id, carol, true);
    assert.equal('state' in decided && decided.state, 'approved');
    assert.equal(office.store.kept.size, 1);
    await office.grants.close();
  });

  it('is asked for no second time, and joined by who connects', async () => {
    const before = await Office.open();
    const { id } = await asked(before);
    await stop(before);
    const office = await Office.restarted(before, before.now);
    assert.equal((await asked(office)).id, id);
    const joined = await office.requests.join(caseOf(), 's1', never);
    assert.ok('approval' in joined && joined.approval.id === id);
    await office.room.desk.decide(id, bob, true);
    assert.ok('endsAt' in (await joined.outcome));
    await office.grants.close();
  });

  it('ends when its time is over, also where that was while nobody looked', async () => {
    const before = await Office.open();
    const { id } = await asked(before);
    await stop(before);
    const office = await Office.restarted(before, before.now + 900_000);
    assert.match(said(await office.room.desk.decide(id, bob, true)), /has expired/);
    const expired = office.room.desk.watch(never);
    if ((await office.room.desk.get(id))?.state === 'pending') await expired.next();
    assert.equal((await office.room.desk.get(id))?.state, 'expired');
    await soon();
    assert.deepEqual([office.waiting.kept.size, office.store.kept.size], [0, 0]);
  });

  it('is void where the rules have changed meanwhile', async () => {
    const before = await Office.open();
    const { id } = await asked(before);
    await stop(before);
    before.waiting.kept.set(id, (before.waiting.kept.get(id) ?? '').replace('terms-1', 'terms-0'));
    const office = await Office.restarted(before, before.now);
    assert.match(said(await office.room.desk.decide(id, bob, true)), /taken back/);
    assert.equal(office.store.kept.size, 0);
  });

  it('is not one that somebody made by connecting, nor one that was decided', async () => {
    const before = await Office.open();
    const joined = await before.requests.join(caseOf(), 's1', never);
    const decided = await asked(before, { connection: 'other' });
    await before.room.desk.decide(decided.id, bob, false, 'no');
    await soon();
    assert.equal(before.waiting.kept.size, 0);
    await stop(before);
    const office = await Office.restarted(before, before.now);
    assert.ok('approval' in joined);
    assert.equal((await office.room.desk.get(joined.approval.id))?.state, 'cancelled');
  });
});

describe('a request that is taken back', () => {
  it('by the person, at once, and only theirs', async () => {
    const office = await Office.open();
    const { id } = await asked(office);
    assert.match(said(await office.room.desk.withdraw(id, bob)), /not yours/);
    const taken = await office.room.desk.withdraw(id, alice);
    assert.equal('state' in taken && taken.state, 'cancelled');
    assert.match(said(await office.room.desk.decide(id, bob, true)), /taken back/);
    assert.match(said(await office.room.desk.withdraw(id, alice)), /taken back/);
    await soon();
    assert.equal(office.waiting.kept.size, 0);
    assert.deepEqual(office.types, ['access.requested', 'access.rejected']);
    assert.notEqual((await asked(office)).id, id);
  });

  it('by a program only where it asked itself', async () => {
    const office = await Office.open();
    const program = { ...alice, actor: { id: 'service:claude', name: 'claude', groups: [], kind: 'service' as const } };
    const other = { ...alice, actor: { id: 'service:other', name: 'other', groups: [], kind: 'service' as const } };
    const own = await asked(office);
    assert.match(said(await office.room.desk.withdraw(own.id, program)), /not yours/);
    const theirs = await asked(office, { principal: program, connection: 'other' });
    assert.match(said(await office.room.desk.withdraw(theirs.id, other)), /not yours/);
    assert.ok('state' in (await office.room.desk.withdraw(theirs.id, program)));
  });

  it('while it is being approved: one of the two holds', async () => {
    const office = await Office.open();
    const { id } = await asked(office);
    const [decided, taken] = await Promise.all([
      office.room.desk.decide(id, bob, true),
      office.room.desk.withdraw(id, alice),
    ]);
    const state = (await office.room.desk.get(id))?.state;
    assert.equal(office.store.kept.size, state === 'approved' ? 1 : 0);
    assert.equal('state' in taken, state === 'cancelled', said(taken));
    assert.equal('state' in decided && decided.state === 'approved', state === 'approved');
    await office.grants.close();
  });
});

describe('a rule that wants a reason', () => {
  const strict = { access: { ...terms, grant: { maxMs: 3_600_000, defaultMs: 60_000, needsReason: true as const } } };

  it('takes no request without one, nor one that says nothing', async () => {
    const office = await Office.open();
    for (const reason of ['', ' ', 'x', '. . . . . . . . . .', '\u200b'.repeat(20)]) {
      assert.match(said(await office.requests.request(caseOf(strict), { reason })), /needs a reason/);
    }
    assert.ok('id' in (await asked(office, strict)));
  });

  it('is told to who connects, and joined where it was asked for', async () => {
    const office = await Office.open();
    const refused = await office.requests.join(caseOf(strict), 's1', never);
    assert.match(JSON.stringify(refused), /needs a reason.*sallyport request prod-db --reason/);
    const { id } = await asked(office, strict);
    const joined = await office.requests.join(caseOf(strict), 's1', never);
    assert.ok('approval' in joined && joined.approval.id === id);
  });
});
