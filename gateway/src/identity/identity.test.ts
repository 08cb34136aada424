import assert from 'node:assert/strict';
import { mkdtemp, readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, it } from 'node:test';
import { ensureFirstUser } from './first-user.ts';
import { Identity, type IdentityParts } from './identity.ts';
import { servicePrincipal, userPrincipal } from './principals.ts';
import { TestIssuer } from './testing/issuer.ts';
import { MemoryIdentityStore } from './testing/memory-store.ts';

let store: MemoryIdentityStore;
let identity: Identity;
let now: number;

const address = '192.0.2.7';
const alice = userPrincipal({ name: 'alice', groups: ['eng'] });
const create = (parts: Partial<IdentityParts> = {}) => Identity.create({ store, clock: () => now, ...parts });
const come = (secret: string, rest: { user?: string; connection?: string; address?: string } = {}) =>
  identity.authenticate({ secret, user: 'whoever', address, ...rest });

const denied = async (answer: ReturnType<typeof come>, wanted: RegExp) => {
  const denial = await answer;
  assert.ok('message' in denial, 'somebody was let in');
  assert.match(`${denial.message} ${denial.hint ?? ''}`, wanted);
  return denial;
};
const known = async (answer: ReturnType<typeof come>) => {
  const identified = await answer;
  assert.ok('principal' in identified, JSON.stringify(identified));
  return identified;
};

beforeEach(async () => {
  now = Date.now();
  store = new MemoryIdentityStore();
  identity = create();
  await store.putUser({ name: 'alice', groups: ['eng'], passwordHash: undefined });
});

describe('a token', () => {
  it('stands for its principal, whatever user name the client sends', async () => {
    const { token, id, expiresAt } = await identity.tokens.mint({ principal: alice });
    assert.match(token, /^spt_[\w-]{49}$/);
    assert.equal(expiresAt, now + 3_600_000);
    const wanted = { principal: alice, method: 'token', tokenId: id, expiresAt, connection: undefined };
    assert.deepEqual(await known(come(token, { user: 'root', connection: 'db' })), wanted);
    assert.deepEqual(await known(come(`${token}\n`)), wanted);
  });

  it('is kept by hash only', async () => {
    const { token } = await identity.tokens.mint({ principal: alice });
    const kept = JSON.stringify([...store.minted.values()]);
    assert.ok(!kept.includes(token) && !kept.includes(token.slice(4, -6)));
  });

  it('that is mistyped is told so, without a look into the store', async () => {
    const { token } = await identity.tokens.mint({ principal: alice });
    store.tokenByHash = () => assert.fail('the store was asked');
    const at = token[10] === 'a' ? 'b' : 'a';
    for (const wrong of [token.slice(0, -1), `${token}x`, token.slice(0, 10) + at + token.slice(11), 'spt_']) {
      await denied(come(wrong), /incomplete or mistyped/);
    }
  });

  it('that was revoked is refused as one that never was', async () => {
    const { token, id } = await identity.tokens.mint({ principal: alice });
    const other = await Identity.create({ store: new MemoryIdentityStore() }).tokens.mint({ principal: alice });
    assert.equal(await identity.tokens.revoke(id), true);
    assert.equal(await identity.tokens.revoke(id), false);
    const revoked = await denied(come(token), /sallyport login.*sallyport token/);
    assert.deepEqual(revoked, await denied(come(other.token), /./));
    assert.equal(revoked.reason, 'unauthenticated');
  });

  it('that is revoked is told to who listens, when it is in force', async () => {
    const { token, id } = await identity.tokens.mint({ principal: alice });
    const told: string[] = [];
    identity.tokens.onRevoked((revoked) => told.push(revoked, String(store.minted.get(id)?.revokedAt)));
    await identity.tokens.revoke(id);
    assert.deepEqual(told, [id, String(now)]);
    await denied(come(token), /not known/);
  });

  it('ends by itself, and says so', async () => {
    const { token } = await identity.tokens.mint({ principal: alice, ttlMs: 1_000 });
    now += 999;
    await known(come(token));
    now += 1;
    await denied(come(token), /expired at .*sallyport token/);
  });

  it('lives no longer than it may', async () => {
    identity = create({ tokens: { ttlMs: 5_000, maxTtlMs: 10_000 } });
    assert.equal((await identity.tokens.mint({ principal: alice })).expiresAt, now + 5_000);
    for (const ttlMs of [10_001, 0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      await assert.rejects(identity.tokens.mint({ principal: alice, ttlMs }), RangeError);
    }
  });

  it('for one connection opens no other', async () => {
    const { token } = await identity.tokens.mint({ principal: alice, connection: 'db' });
    assert.equal((await known(come(token, { connection: 'db' }))).connection, 'db');
    const denial = await denied(come(token, { connection: 'prod' }), /opens the connection "db" only/);
    assert.equal(denial.reason, 'forbidden');
    assert.equal((await known(come(token))).connection, 'db');
  });

  it('has the groups that its user has now', async () => {
    const { token } = await identity.tokens.mint({ principal: userPrincipal({ name: 'alice', groups: ['admins'] }) });
    await store.putUser({ name: 'alice', groups: ['guests'], passwordHash: undefined });
    assert.deepEqual((await known(come(token))).principal.groups, ['guests']);
  });

  it('dies with its user, and a later user of that name does not inherit it', async () => {
    const { token, id } = await identity.tokens.mint({ principal: alice });
    const told: string[] = [];
    identity.tokens.onRevoked((revoked) => told.push(revoked));
    assert.equal(await identity.users.remove('alice'), true);
    assert.deepEqual(told, [id]);
    await denied(come(token), /not known/);
    await identity.users.put({ name: 'alice', groups: ['admins'] });
    await denied(come(token), /not known/);
  });

  it('dies also where its user was removed by another gateway', async () => {
    const { token } = await identity.tokens.mint({ principal: alice });
    store.people.clear();
    await denied(come(token), /not known/);
  });

  it('of a service account has the groups that it was minted with, or those that it has now', async () => {
    const { token } = await identity.tokens.mint({ principal: servicePrincipal('ci', ['deploy']) });
    assert.deepEqual((await known(come(token))).principal, {
      id: 'service:ci',
      name: 'ci',
      groups: ['deploy'],
      claims: {},
    });
    identity = create({ services: (name) => (name === 'ci' ? { groups: ['read'] } : undefined) });
    assert.deepEqual((await known(come(token))).principal.groups, ['read']);
    identity = create({ services: () => undefined });
    await denied(come(token), /not known/);
  });

  it('is looked at again before a session is made of it', async () => {
    const { token, id } = await identity.tokens.mint({ principal: alice });
    const identified = await known(come(token));
    assert.equal(await identity.recheck(identified, address), undefined);
    await identity.tokens.revoke(id);
    assert.match((await identity.recheck(identified, address))?.message ?? '', /not known/);
    now += 3_600_000;
    assert.match((await identity.recheck(identified, address))?.message ?? '', /expired/);
    const gone = { principal: userPrincipal({ name: 'nobody', groups: [] }), tokenId: undefined, expiresAt: undefined };
    assert.equal((await identity.recheck(gone, address))?.reason, 'unauthenticated');
  });

  it('is forgotten a week after its end', async () => {
    const { id } = await identity.tokens.mint({ principal: alice });
    now += 6 * 86_400_000;
    await identity.tokens.sweep();
    assert.ok(store.minted.has(id));
    now += 2 * 86_400_000;
    await identity.tokens.sweep();
    assert.equal(store.minted.size, 0);
  });
});

describe('a password', () => {
  beforeEach(() => identity.users.put({ name: 'bob', groups: ['dba'], password: 'correct horse' }));

  it('is of the user who is named', async () => {
    const { principal, method, tokenId } = await known(come('correct horse', { user: 'bob' }));
    assert.deepEqual([principal.id, principal.groups, method, tokenId], ['user:bob', ['dba'], 'password', undefined]);
  });

  it('that is wrong, of nobody, or of one without: refused alike', async () => {
    const wrong = await denied(come('wrong', { user: 'bob' }), /user or the password is wrong/);
    assert.deepEqual(await denied(come('wrong', { user: 'nobody' }), /./), wrong);
    assert.deepEqual(await denied(come('wrong', { user: 'alice' }), /./), wrong);
    assert.deepEqual(await denied(come('', { user: 'bob' }), /./), wrong);
    assert.deepEqual(await denied(come('', { user: 'alice' }), /./), wrong);
  });

  it('stays when the groups change, and changes alone', async () => {
    await identity.users.put({ name: 'bob', groups: ['sre'] });
    assert.deepEqual((await known(come('correct horse', { user: 'bob' }))).principal.groups, ['sre']);
    await identity.users.put({ name: 'bob', groups: ['sre'], password: 'battery staple' });
    await denied(come('correct horse', { user: 'bob' }), /wrong/);
    for (const name of ['', '-x', 'a b', 'a/b', 'x'.repeat(64)]) {
      await assert.rejects(identity.users.put({ name, groups: [] }), RangeError);
    }
  });

  it('cannot be guessed fast, also by many at the same moment', async () => {
    const guesses = await Promise.all(Array.from({ length: 12 }, () => come('guess', { user: 'bob' })));
    const texts = guesses.map((one) => ('message' in one ? one.message : 'in'));
    // Five for nothing, and the one that was being checked beside the fifth.
    assert.ok(texts.filter((text) => /is wrong/.test(text)).length <= 6, texts.join('\n'));
    const denial = await denied(come('correct horse', { user: 'bob', address: '203.0.113.9' }), /wait \d+ s/);
    assert.equal(denial.reason, 'unauthenticated');
    now += 60_000;
    await known(come('correct horse', { user: 'bob' }));
    await denied(come('guess', { user: 'bob' }), /is wrong/);
  });

  it('that is right forgives the wrong ones before it', async () => {
    for (let i = 0; i < 4; i++) await denied(come('typo', { user: 'bob' }), /is wrong/);
    await known(come('correct horse', { user: 'bob' }));
    for (let i = 0; i < 4; i++) await denied(come('typo', { user: 'bob' }), /is wrong/);
    await known(come('correct horse', { user: 'bob' }));
  });

  it('that is wrong never keeps a token waiting', async () => {
    const { token } = await identity.tokens.mint({ principal: alice });
    for (let i = 0; i < 6; i++) await come('guess', { user: 'alice' });
    await denied(come('guess', { user: 'alice' }), /wait/);
    await known(come(token, { user: 'alice' }));
  });
});

it("a provider's token is checked by its issuer", async () => {
  const issuer = await TestIssuer.start();
  try {
    const provider = { name: 'corp', issuer: issuer.url, audiences: ['sallyport'] };
    identity = create({ providers: () => [provider] });
    const { principal, method, expiresAt } = await known(come(await issuer.token({ groups: ['dba'] })));
    assert.deepEqual([principal.id, principal.groups, method], [`oidc:${issuer.url}#alice`, ['dba'], 'oidc']);
    assert.ok(expiresAt !== undefined && expiresAt > now);
    identity = create();
    await denied(come(await issuer.token()), /not known here.*sallyport login/);
  } finally {
    await issuer.down();
  }
});

describe('the first user', () => {
  it('is made once, with a password that only the owner of the file can read', async () => {
    store.people.clear();
    const dataDir = join(await mkdtemp(join(tmpdir(), 'sallyport-first-')), 'data');
    const first = await ensureFirstUser(store, dataDir);
    assert.deepEqual(first, { name: 'admin', passwordFile: join(dataDir, 'initial-admin-password') });
    assert.equal((await stat(first.passwordFile)).mode & 0o777, 0o600);
    const password = (await readFile(first.passwordFile, 'utf8')).trim();
    assert.ok(password.length >= 20);
    assert.deepEqual((await known(come(password, { user: 'admin' }))).principal.groups, ['admins']);
    assert.equal(await ensureFirstUser(store, dataDir), undefined);
    assert.equal((await readFile(first.passwordFile, 'utf8')).trim(), password);
  });

  it('is not made where somebody is known', async () => {
    assert.equal(await ensureFirstUser(store, '/nonexistent'), undefined);
    assert.equal(await store.user('admin'), undefined);
  });
});

describe('a token that is bound to addresses', () => {
  const bound = (sources: string[][]) => identity.tokens.mint({ principal: alice, sources });

  it('holds at those, written as IPv4 or as IPv6', async () => {
    const { token } = await bound([['192.0.2.0/24', '2001:db8::/32']]);
    for (const there of ['192.0.2.7', '::ffff:192.0.2.7', '2001:db8::9']) await known(come(token, { address: there }));
    for (const elsewhere of ['192.0.3.7', '::ffff:192.0.3.7', '2001:db9::9', 'unknown', '']) {
      assert.equal((await denied(come(token, { address: elsewhere }), /bound to others/)).reason, 'forbidden');
    }
  });

  it('needs all lists, and is looked at again in the session', async () => {
    const { token } = await bound([['192.0.2.0/24'], ['192.0.2.7']]);
    const found = await known(come(token));
    await denied(come(token, { address: '192.0.2.8' }), /bound/);
    assert.equal(await identity.recheck(found, address), undefined);
    assert.match((await identity.recheck(found, '192.0.2.8'))?.message ?? '', /bound to others/);
  });

  it('tells who came from elsewhere, and is not made of what is no range', async () => {
    const told: unknown[] = [];
    identity = create({ onElsewhere: (principal, tokenId, from) => told.push([principal.id, tokenId, from]) });
    const { token, id } = await bound([['10.0.0.0/8']]);
    await denied(come(token), /bound/);
    assert.deepEqual(told, [['user:alice', id, address]]);
    await assert.rejects(bound([['10.0.0.0/99']]), RangeError);
  });

  it('or a service account that is, wherever its token was made', async () => {
    let from: string[] | undefined;
    identity = create({ services: () => ({ groups: [], ...(from && { from }) }) });
    const { token } = await identity.tokens.mint({ principal: servicePrincipal('ci', []) });
    await known(come(token));
    from = ['10.0.0.0/8'];
    await denied(come(token), /bound to others/);
  });
});
