import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { person } from '../testing/requests.ts';
import type { Grant } from './grant.ts';
import { alice, bob, Office, orderOf } from './testing/office.ts';

const find = (office: Office) => office.grants.find(alice.id, 'prod-db', 'ask-first', 'terms-1');

async function given(office: Office, rest = {}): Promise<Grant> {
  const grant = await office.grants.create(orderOf(office, rest));
  assert.ok('id' in grant, JSON.stringify(grant));
  return grant;
}

describe('a grant', () => {
  it('is durable before it is in force, and is for exactly what it was given for', async () => {
    const office = await Office.open();
    const grant = await given(office);
    assert.deepEqual(office.types, ['access.granted']);
    assert.deepEqual(office.store.kept.get(grant.id), grant);
    assert.equal(find(office)?.id, grant.id);
    for (const other of [
      ['user:eve', 'prod-db', 'ask-first', 'terms-1'],
      [alice.id, 'other-db', 'ask-first', 'terms-1'],
      [alice.id, 'prod-db', 'another', 'terms-1'],
      [alice.id, 'prod-db', 'ask-first', 'terms-2'],
    ] as const) {
      const [principal, connection, rule, terms] = other;
      assert.equal(office.grants.find(principal, connection, rule, terms), undefined, other.join());
    }
    await office.grants.close();
  });

  it('is not made where it cannot be journalled or stored', async () => {
    const office = await Office.open();
    office.journalFails = true;
    await assert.rejects(office.grants.create(orderOf(office)), /disk full/);
    assert.equal(office.store.kept.size, 0);
    office.journalFails = false;
    office.store.fails = true;
    await assert.rejects(office.grants.create(orderOf(office)), /store down/);
    assert.deepEqual(office.types, ['access.granted', 'access.ended']);
    assert.equal(find(office), undefined);
  });

  it('ends on time, cuts what rests on it, and says how to ask again', async () => {
    const office = await Office.open();
    const { id } = await given(office);
    await office.pass(59_999);
    assert.ok(office.grants.isActive(id));
    office.now += 1;
    // Whoever connects now is judged by the clock, not by when timers fire.
    assert.equal(find(office), undefined);
    await office.grants.sweep();
    assert.match(
      office.cut[0]?.[1] ?? '',
      /the time of your access to prod-db is over; ask again with: sallyport request prod-db/,
    );
    assert.equal(office.store.kept.get(id)?.state, 'ended');
    assert.equal(office.types.at(-1), 'access.ended');
    await office.grants.sweep();
    assert.equal(office.types.filter((type) => type === 'access.ended').length, 1);
  });

  it('ends by its timer, without anybody asking', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const office = await Office.open();
    const { promise, resolve } = Promise.withResolvers<void>();
    office.grants.onOver(() => resolve());
    await given(office, { durationMs: 5_000 });
    office.now += 5_000;
    office.ticks += 5_000;
    t.mock.timers.tick(5_000);
    await promise;
  });

  it('a clock that is put back makes it no longer, one that jumps ahead ends it', async () => {
    const back = await Office.open();
    const grant = await given(back);
    back.now -= 86_400_000;
    back.ticks += 60_000;
    assert.equal(back.grants.isActive(grant.id), false);
    const ahead = await Office.open();
    const other = await given(ahead);
    ahead.now += 86_400_000;
    assert.equal(ahead.grants.isActive(other.id), false);
  });

  it('goes on after a restart for what is left, and for no longer than it was given', async () => {
    const office = await Office.open();
    const { id } = await given(office);
    await office.grants.close();
    const later = await Office.restarted(office, office.now + 30_000);
    assert.ok(later.grants.isActive(id));
    await later.pass(30_000);
    assert.equal(later.grants.isActive(id), false);
    await later.grants.close();

    const another = await Office.open();
    const second = await given(another);
    await another.grants.close();
    const earlier = await Office.restarted(another, another.now - 86_400_000);
    assert.ok(earlier.grants.isActive(second.id));
    earlier.ticks += 60_000;
    assert.equal(earlier.grants.isActive(second.id), false);
    await earlier.grants.close();
  });

  it('that should have ended while the gateway was down, or whose rule has gone, is ended at the start', async () => {
    const office = await Office.open();
    const { id } = await given(office);
    await office.grants.close();
    const late = await Office.restarted(office, office.now + 60_000);
    assert.equal(late.store.kept.get(id)?.state, 'ended');
    assert.deepEqual(late.types, ['access.ended']);
  });

  it('is void when the terms change: while it is made, and after', async () => {
    const office = await Office.open();
    const { id } = await given(office);
    office.law = 'terms-2';
    await office.grants.review();
    assert.equal(office.grants.isActive(id), false);
    const denial = await office.grants.create(orderOf(office));
    assert.ok('message' in denial && denial.reason === 'cancelled');
    const store = office.store.putGrant.bind(office.store);
    office.law = 'terms-1';
    // The rule changes between the question and the writing.
    office.store.putGrant = async (grant) => {
      office.law = undefined;
      await store(grant);
    };
    assert.ok('message' in (await office.grants.create(orderOf(office))));
    assert.equal(find(office), undefined);
  });

  it('revoked by two at once is revoked by one', async () => {
    const office = await Office.open();
    const { id } = await given(office);
    const answers = await Promise.all([office.grants.revoke(id, bob, 'no'), office.grants.revoke(id, alice, '')]);
    assert.equal(answers.filter((one) => one !== undefined).length, 1);
    assert.equal(office.store.kept.get(id)?.over?.by?.name, 'bob');
    assert.deepEqual(office.types, ['access.granted', 'access.revoked']);
  });

  it('revoked while the store is down is out of force at once, and written down when it is back', async () => {
    const office = await Office.open();
    const { id } = await given(office);
    office.store.fails = true;
    await assert.rejects(office.grants.revoke(id, bob, ''), /store down/);
    assert.equal(find(office), undefined);
    assert.equal(office.cut.length, 1);
    office.store.fails = false;
    await office.grants.sweep();
    assert.equal(office.store.kept.get(id)?.state, 'revoked');
    await office.grants.close();
  });

  it('is written down once, also where timers look while it is written', async () => {
    const office = await Office.open();
    const { id } = await given(office);
    await Promise.all([office.grants.revoke(id, bob, ''), office.grants.sweep(), office.grants.sweep()]);
    assert.deepEqual(office.types, ['access.granted', 'access.revoked']);
  });

  it('is one of so many of a person', async () => {
    const office = await Office.open();
    const orders = Array.from({ length: 30 }, (_, at) =>
      office.grants.create(orderOf(office, { connection: `db-${at}` })),
    );
    const made = (await Promise.all(orders)).filter((one) => 'id' in one);
    assert.equal(made.length, 20);
    await office.grants.close();
  });

  it('ends with the person', async () => {
    const office = await Office.open();
    const { id } = await given(office);
    await office.grants.endOf(alice.id, 'the user was removed');
    assert.equal(office.grants.isActive(id), false);
  });
});

describe('the review of a break-glass grant', () => {
  it('is by somebody else who could have been asked, once', async () => {
    const office = await Office.open();
    const { id } = await given(office, { isBreakGlass: true });
    assert.deepEqual(office.types, ['access.break-glass']);
    assert.match(JSON.stringify(office.events[0]?.data), /"severity":"high"/);
    const refused = async (by: typeof bob) => (await office.grants.reviewed(id, by, '')) as { message?: string };
    assert.match((await refused(person('alice', 'dba', 'admins'))).message ?? '', /their own/);
    assert.match((await refused(person('eve', 'eng'))).message ?? '', /may not review/);
    assert.match((await refused({ ...bob, id: 'service:ci' })).message ?? '', /may not review/);
    assert.equal(((await office.grants.reviewed(id, bob, 'fine')) as Grant).review?.note, 'fine');
    assert.match((await refused(bob)).message ?? '', /already by bob/);
    await office.grants.close();
  });

  it('does not bring back what was revoked while it was written', async () => {
    const office = await Office.open();
    const { id } = await given(office, { isBreakGlass: true });
    const [, revoked] = await Promise.all([office.grants.reviewed(id, bob, 'fine'), office.grants.revoke(id, bob, '')]);
    assert.ok(revoked);
    assert.equal(office.store.kept.get(id)?.state, 'revoked');
    assert.equal(office.grants.isActive(id), false);
    const again = await Office.restarted(office, office.now);
    assert.equal(again.grants.isActive(id), false);
  });
});
