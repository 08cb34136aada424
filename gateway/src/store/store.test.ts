import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { AgentStore } from '../agents/store.ts';
import type { Approval, ApprovalStore } from '../approvals/store.ts';
import type { IdentityStore, StoredToken } from '../identity/store.ts';
import type { SessionRecord, SessionStore } from '../sessions/store.ts';
import { Store } from './store.ts';

describe('the store', () => {
  let folder: string;
  let store: Store;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sallyport-store-'));
    store = await Store.open(folder);
  });
  after(async () => {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('fits the ports of those who use it, and is its owner’s alone', () => {
    const ports: [IdentityStore, AgentStore, SessionStore, ApprovalStore] = [
      store.identity,
      store.agents,
      store.sessions,
      store.approvals,
    ];
    assert.equal(ports.length, 4);
    assert.equal(statSync(join(folder, 'store.sqlite')).mode & 0o777, 0o600);
  });

  it('users and tokens', async () => {
    const { identity } = store;
    await identity.putUser({ name: 'alice', groups: ['a'], passwordHash: undefined });
    await identity.putUser({ name: 'alice', groups: ['a', 'b'], passwordHash: 'x' });
    assert.deepEqual(await identity.users(), [{ name: 'alice', groups: ['a', 'b'], passwordHash: 'x' }]);
    const token: StoredToken = {
      id: 't1',
      hash: 'h1',
      principal: { id: 'user:alice', name: 'alice', groups: ['a'], claims: { n: 1 } },
      connection: 'shop',
      label: undefined,
      issuedAt: 1_900_000_000_000,
      expiresAt: 1_900_000_000_001,
      revokedAt: undefined,
    };
    await identity.addToken(token);
    assert.deepEqual(await identity.tokenByHash('h1'), token);
    assert.deepEqual([await identity.revokeToken('t1', 5), await identity.revokeToken('t1', 6)], [true, false]);
    assert.equal((await identity.token('t1'))?.revokedAt, 5);
    await identity.sweepTokens(1_900_000_000_002);
    assert.deepEqual(await identity.tokens('user:alice'), []);
    assert.deepEqual([await identity.removeUser('alice'), await identity.removeUser('alice')], [true, false]);
  });

  it('keeps grants, and finds those in force and those to be reviewed', async () => {
    const { accessGrants } = store;
    const one = { id: 'g1', principal: { id: 'user:a' }, state: 'active', startsAt: 1, isBreakGlass: true };
    const two = { ...one, id: 'g2', principal: { id: 'user:b' }, startsAt: 2, isBreakGlass: false };
    await accessGrants.putGrant(one);
    await accessGrants.putGrant(two);
    assert.deepEqual(await accessGrants.grants({ active: true, limit: 9 }), [two, one]);
    assert.deepEqual(await accessGrants.grants({ unreviewed: true, limit: 9 }), [one]);
    assert.deepEqual(await accessGrants.grants({ principal: 'user:b', limit: 9 }), [two]);
    const over = { ...one, state: 'ended', review: { note: 'fine' } };
    await accessGrants.putGrant(over);
    assert.deepEqual(await accessGrants.grant('g1'), over);
    assert.deepEqual(await accessGrants.grants({ active: true, unreviewed: true, limit: 9 }), []);
  });

  it('a join token is one agent’s, whoever asks at once', async () => {
    const { agents } = store;
    const key = { publicKey: Buffer.from([1, 2, 255]), labels: { site: 'n' } };
    await agents.addJoinToken({ hash: 'j', name: 'north', expiresAt: new Date(Date.now() + 60_000) });
    const asked = await Promise.all(Array.from({ length: 20 }, () => agents.enrol('j', new Date(), key)));
    assert.deepEqual(
      asked.filter((one) => one !== undefined),
      [{ name: 'north' }],
    );
    await agents.addJoinToken({ hash: 'late', name: 'north', expiresAt: new Date(Date.now() + 1) });
    assert.equal(await agents.enrol('late', new Date(Date.now() + 10), key), undefined);
    const [agent] = await agents.agents();
    assert.deepEqual([...(agent?.publicKey ?? [])], [1, 2, 255]);
    assert.equal(await agents.removeAgent('north'), true);
  });

  it('an agent that cannot be kept leaves its join token good', async () => {
    const { agents } = store;
    await agents.addJoinToken({ hash: 'k', name: 'south', expiresAt: new Date(Date.now() + 60_000) });
    const loop: Record<string, string> = {};
    Object.assign(loop, { loop });
    await assert.rejects(agents.enrol('k', new Date(), { publicKey: Buffer.from([1]), labels: loop }));
    const key = { publicKey: Buffer.from([1]), labels: {} };
    assert.deepEqual(await agents.enrol('k', new Date(), key), { name: 'south' });
    await agents.removeAgent('south');
  });

  it('users and resources change together or not at all', async () => {
    const { resources, identity } = store;
    const user = { name: 'ursula', groups: ['eng'], passwordHash: undefined };
    const put = { kind: 'User', name: 'ursula', spec: {}, at: 1 };
    const loop: Record<string, never> = {};
    Object.assign(loop, { loop });
    const broken = { kind: 'Rule', name: 'broken', spec: loop, at: 1 };
    await assert.rejects(resources.change({ put: [put, broken], users: [user], remove: [] }));
    assert.deepEqual([await identity.user('ursula'), await resources.get('User', 'ursula')], [undefined, undefined]);
    await resources.change({ put: [put], users: [user], remove: [] });
    assert.deepEqual(await identity.user('ursula'), user);
    const gone = [{ kind: 'User', name: 'ursula' }];
    await assert.rejects(resources.change({ put: [broken], users: [], remove: gone }));
    assert.deepEqual(await identity.user('ursula'), user);
    await resources.change({ put: [], users: [], remove: gone });
    assert.deepEqual([await identity.user('ursula'), await resources.get('User', 'ursula')], [undefined, undefined]);
  });

  it('records of what is over are forgotten in time, and nothing that goes on', async () => {
    const fresh = await Store.open(mkdtempSync(join(folder, 'records-')));
    const { sessions, approvals, accessGrants } = fresh;
    await sessions.putSession(session('old', 1, { endedAt: 2 }));
    await sessions.putSession(session('lives', 1));
    await sessions.putSession(session('new', 10, { endedAt: 11 }));
    await approvals.putApproval({ id: 'old', state: 'approved', requestedAt: 1 });
    await approvals.putApproval({ id: 'waits', state: 'pending', requestedAt: 1 });
    await approvals.putApproval({ id: 'new', state: 'rejected', requestedAt: 10 });
    const grant = { principal: { id: 'user:a' }, startsAt: 1, state: 'ended', isBreakGlass: false };
    await accessGrants.putGrant({ ...grant, id: 'old' });
    await accessGrants.putGrant({ ...grant, id: 'active', state: 'active' });
    await accessGrants.putGrant({ ...grant, id: 'unreviewed', isBreakGlass: true });
    await fresh.sweepRecords(5);
    assert.deepEqual(
      (await sessions.sessions({ limit: 9 })).map(({ id }) => id),
      ['new', 'lives'],
    );
    assert.deepEqual(
      (await approvals.approvals({ limit: 9 })).map(({ id }) => id),
      ['new', 'waits'],
    );
    assert.deepEqual(
      (await accessGrants.grants({ limit: 9 })).map(({ id }) => id),
      ['active', 'unreviewed'],
    );
    await fresh.close();
  });

  const session = (id: string, startedAt: number, more: Partial<SessionRecord> = {}): SessionRecord => ({
    id,
    connection: 'shop',
    protocol: 'postgres',
    principal: { id: 'user:alice', name: 'alice' },
    sourceAddress: '127.0.0.1',
    application: undefined,
    agent: 'north',
    startedAt,
    endedAt: undefined,
    end: undefined,
    statements: 0,
    refused: 0,
    ...more,
  });

  it('sessions: newest first, filtered, paged; orphans are closed', async () => {
    const { sessions } = store;
    for (let i = 0; i < 5; i++) await sessions.putSession(session(`s${i}`, i, i === 2 ? { connection: 'other' } : {}));
    const ids = async (filter: Parameters<SessionStore['sessions']>[0]) =>
      (await sessions.sessions(filter)).map(({ id }) => id);
    assert.deepEqual(await ids({ limit: 2 }), ['s4', 's3']);
    assert.deepEqual(await ids({ limit: 10, connection: 'other' }), ['s2']);
    assert.deepEqual(await ids({ limit: 10, before: 2, principal: 'alice' }), ['s1', 's0']);
    await sessions.putSession(session('s4', 4, { endedAt: 9, end: 'the client left', statements: 7 }));
    await sessions.closeOrphans(10);
    assert.deepEqual((await sessions.session('s4'))?.end, 'the client left');
    assert.equal((await sessions.session('s0'))?.endedAt, 10);
  });

  it('approvals: what was pending is cancelled when a gateway starts', async () => {
    const approvals: ApprovalStore = store.approvals;
    const approval = (id: string, state: Approval['state'], requestedAt: number): Approval => ({
      id,
      state,
      rule: 'r',
      approvers: { groups: ['dba'], users: [], count: 1, timeoutMs: 1 },
      sessionId: 's',
      connection: 'shop',
      requester: { id: 'user:alice', name: 'alice' },
      action: { kind: 'postgres.query', verb: 'select', effects: ['select'], text: 'select 1' },
      role: 'app',
      requestedAt,
      expiresAt: 2,
      decisions: [],
    });
    await approvals.putApproval(approval('a', 'pending', 1));
    await approvals.putApproval(approval('b', 'approved', 2));
    assert.deepEqual(await approvals.approval('a'), approval('a', 'pending', 1));
    await approvals.putApproval(approval('a', 'cancelled', 1));
    assert.equal((await approvals.approval('a'))?.state, 'cancelled');
    assert.deepEqual(
      (await approvals.approvals({ limit: 10 })).map(({ id }) => id),
      ['b', 'a'],
    );
  });

  it('resources, and what is there after it was opened again', async () => {
    const { resources } = store;
    await resources.put([
      { kind: 'Rule', name: 'b', spec: { then: 'deny' }, at: 1 },
      { kind: 'Rule', name: 'a', spec: {}, at: 1, source: 'files' },
    ]);
    const revision = await resources.revision();
    await resources.put([{ kind: 'Rule', name: 'b', spec: { then: 'allow' }, at: 2 }]);
    assert.ok((await resources.revision()) > revision);
    await store.close();
    store = await Store.open(folder);
    assert.deepEqual(await store.resources.list('Rule'), [
      { kind: 'Rule', name: 'a', spec: {}, source: 'files', updatedAt: 1 },
      { kind: 'Rule', name: 'b', spec: { then: 'allow' }, source: undefined, updatedAt: 2 },
    ]);
    assert.deepEqual(
      [await store.resources.remove('Rule', 'a'), await store.resources.remove('Rule', 'a')],
      [true, false],
    );
  });
});
