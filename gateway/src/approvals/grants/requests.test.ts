import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Approval } from '../store.ts';
import { person } from '../testing/requests.ts';
import type { Grant } from './grant.ts';
import { alice, bob, caseOf, Office } from './testing/office.ts';

const HOUR_MS = 3_600_000;

async function asked(office: Office, durationMs?: number, rest = {}): Promise<Approval> {
  const approval = await office.requests.request(caseOf(rest), { durationMs, reason: 'nightly job' });
  assert.ok('id' in approval, JSON.stringify(approval));
  return approval;
}

const message = (answer: object): string => ('message' in answer ? String(answer.message) : JSON.stringify(answer));

describe('a request for access', () => {
  it('says who, where, how long and why; the grant begins with the decision', async () => {
    const office = await Office.open();
    const { id, access, action, sessionId } = await asked(office, 2 * HOUR_MS);
    assert.deepEqual(
      [access, action.kind, sessionId],
      [{ durationMs: 2 * HOUR_MS, reason: 'nightly job' }, 'access.request', ''],
    );
    office.now += 600_000;
    await office.room.desk.decide(id, bob, true);
    const [grant] = [...office.store.kept.values()];
    assert.deepEqual([grant?.startsAt, grant?.endsAt], [office.now, office.now + 2 * HOUR_MS]);
    assert.deepEqual(grant?.decidedBy, [{ id: bob.id, name: 'bob' }]);
    assert.equal(grant?.approvalId, id);
    assert.deepEqual(office.types, ['access.requested', 'access.granted']);
    await office.grants.close();
  });

  it('takes the usual time where none is said and refuses every time that is none', async () => {
    const office = await Office.open();
    for (const ms of [0, -1, 999, 8 * HOUR_MS + 1, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY, 1000.5]) {
      assert.match(
        message(await office.requests.request(caseOf(), { durationMs: ms, reason: '' })),
        /between 1 s and 8 h/,
      );
    }
    assert.equal((await asked(office)).access?.durationMs, HOUR_MS);
  });

  it('asked twice is one request; asked otherwise it is refused', async () => {
    const office = await Office.open();
    const answers = await Promise.all([asked(office), asked(office), asked(office)]);
    assert.equal(new Set(answers.map(({ id }) => id)).size, 1);
    const other = await office.requests.request(caseOf(), { durationMs: 2 * HOUR_MS, reason: 'longer' });
    assert.match(message(other), /already: apr-\w+ waits/);
  });

  it('is one of five of a person, and of sixty in an hour', async () => {
    const office = await Office.open();
    const many = Array.from({ length: 1000 }, (_, at) =>
      office.requests.request(caseOf({ connection: `db-${at}` }), { reason: '' }),
    );
    assert.equal((await Promise.all(many)).filter((answer) => 'id' in answer).length, 5);
    let made = 5;
    for (let round = 0; round < 100; round += 1) {
      for (const { id } of await office.room.desk.list({ state: 'pending' }))
        await office.room.desk.decide(id, bob, false, 'no');
      await new Promise((next) => setImmediate(next));
      if ('id' in (await office.requests.request(caseOf(), { reason: `${round}` }))) made += 1;
    }
    assert.equal(made, 60);
    office.now += HOUR_MS;
    for (const { id } of await office.room.desk.list({ state: 'pending' }))
      await office.room.desk.decide(id, bob, false, 'no');
    await new Promise((next) => setImmediate(next));
    await asked(office);
  });

  it('approved after its time is not approved', async () => {
    const office = await Office.open();
    const { id } = await asked(office);
    office.now += 900_000;
    assert.match(message(await office.room.desk.decide(id, bob, true)), /has expired/);
    assert.equal(office.store.kept.size, 0);
  });

  it('is void when the rule changes, also where nobody has looked again', async () => {
    const office = await Office.open();
    const { id } = await asked(office);
    office.law = 'terms-2';
    assert.match(message(await office.room.desk.decide(id, bob, true)), /the consent is void/);
    assert.equal((await office.room.desk.get(id))?.state, 'cancelled');
    assert.equal(office.store.kept.size, 0);
    office.law = 'terms-1';
    const second = await asked(office);
    office.law = undefined;
    await office.requests.review();
    assert.match(message(await office.room.desk.decide(second.id, bob, true)), /taken back/);
  });

  it('on new terms takes the place of one on old terms', async () => {
    const office = await Office.open();
    const old = await asked(office);
    const fresh = await asked(office, undefined, { terms: 'terms-2' });
    assert.notEqual(fresh.id, old.id);
    assert.match(message(await office.room.desk.decide(old.id, bob, true)), /taken back/);
  });

  it('is nobody’s own to decide', async () => {
    const office = await Office.open();
    const { id } = await asked(office);
    assert.match(message(await office.room.desk.decide(id, { ...alice, groups: ['dba'] }, true)), /their own/);
  });
});

describe('whoever connects', () => {
  it('waits with others for one request, which goes when the last has left', async () => {
    const office = await Office.open();
    const [one, two] = [new AbortController(), new AbortController()];
    const [first, second] = await Promise.all([
      office.requests.join(caseOf(), 's1', one.signal),
      office.requests.join(caseOf(), 's2', two.signal),
    ]);
    assert.ok('approval' in first && 'approval' in second);
    assert.equal(first.approval.id, second.approval.id);
    one.abort();
    assert.equal((await office.room.desk.get(first.approval.id))?.state, 'pending');
    two.abort();
    assert.match(message(await second.outcome), /taken back/);
  });

  it('gets the grant of a request that waited already, and does not take that back by leaving', async () => {
    const office = await Office.open();
    const { id } = await asked(office, 2 * HOUR_MS);
    const left = new AbortController();
    await office.requests.join(caseOf(), 's1', left.signal);
    left.abort();
    const joined = await office.requests.join(caseOf(), 's2', new AbortController().signal);
    await office.room.desk.decide(id, bob, true);
    assert.ok('outcome' in joined);
    assert.equal(((await joined.outcome) as Grant).approvalId, id);
    await office.grants.close();
  });
});

describe('breaking the glass', () => {
  const reason = 'production is down';
  const attempt = (office: Office, rest = {}, durationMs?: number, why = reason) =>
    office.requests.breakGlass(caseOf(rest), { durationMs, reason: why });

  it('lets in at once, for those whom the rule names, with a reason that says something', async () => {
    const office = await Office.open();
    for (const why of ['', '   ', 'x', '. . . . . . . . . . .', '\u200b'.repeat(40), '         a\n']) {
      assert.match(message(await attempt(office, {}, undefined, why)), /needs a reason/);
    }
    assert.match(message(await attempt(office, { principal: person('eve', 'eng') })), /may not break/);
    assert.match(message(await attempt(office, { principal: { ...alice, id: 'service:ci' } })), /may not break/);
    for (const ms of [0, -1, HOUR_MS + 1, Number.NaN]) assert.match(message(await attempt(office, {}, ms)), /between/);
    const grant = await attempt(office);
    assert.ok('id' in grant && grant.isBreakGlass && grant.endsAt === office.now + HOUR_MS);
    assert.match(message(await attempt(office)), /already/);
    await office.grants.close();
  });
});
