import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Principal } from '@sallyport/shared/access/principal.ts';
import type { ServiceTerms } from '../delegation.ts';
import { Identity } from '../identity.ts';
import { servicePrincipal, userPrincipal } from '../principals.ts';
import { TestIssuer } from '../testing/issuer.ts';
import { MemoryIdentityStore } from '../testing/memory-store.ts';
import { Delegations } from './delegation.ts';
import { OAuthFailure } from './failure.ts';
import { Workloads } from './workloads.ts';

const HOUR_MS = 3_600_000;
const accessToken = 'urn:ietf:params:oauth:token-type:access_token';
const jwt = 'urn:ietf:params:oauth:token-type:jwt';

let now: number;
let store: MemoryIdentityStore;
let services: Record<string, ServiceTerms>;
let identity: Identity;
let delegations: Delegations;
let journal: Principal[];
let issuer: TestIssuer;
before(async () => {
  issuer = await TestIssuer.start();
});
after(() => issuer.down());

beforeEach(async () => {
  now = Date.now();
  store = new MemoryIdentityStore();
  services = {
    claude: { groups: ['programs'], mayActFor: { groups: ['eng'] } },
    helper: { groups: ['programs'], mayActFor: { users: ['alice'] } },
    third: { groups: [], mayActFor: { groups: ['eng'] } },
    idle: { groups: ['eng'] },
  };
  journal = [];
  const clock = () => now;
  const lookup = (name: string) => services[name];
  identity = Identity.create({ store, clock, services: lookup });
  await store.putUser({ name: 'alice', groups: ['eng'], passwordHash: undefined });
  await store.putUser({ name: 'bob', groups: ['sales'], passwordHash: undefined });
  const told = async (principal: Principal) => void journal.push(principal);
  const workloads = new Workloads({
    workloads: () => [
      {
        name: 'ci',
        spec: {
          issuer: issuer.url,
          audiences: ['here'],
          match: [{ claims: { sub: 'job' }, serviceAccount: 'claude', connection: 'shop' }],
        },
      },
    ],
    tokens: identity.tokens,
    principal: (name) => services[name] && servicePrincipal(name, services[name].groups),
    journal: told,
    clock,
  });
  delegations = new Delegations({ identity, workloads, services: lookup, journal: told, clock });
});

const person = async (name = 'alice', more: { connection?: string; ttlMs?: number } = {}) => {
  const groups = (await store.user(name))?.groups ?? [];
  return identity.tokens.mint({ principal: userPrincipal({ name, groups }), ...more });
};
const program = (name = 'claude', more: { connection?: string; ttlMs?: number } = {}) =>
  identity.tokens.mint({ principal: servicePrincipal(name, []), ...more });
const ask = (subject: string, actor: string, more: Record<string, string> = {}) =>
  delegations.exchange(
    new URLSearchParams({
      subject_token: subject,
      subject_token_type: accessToken,
      actor_token: actor,
      actor_token_type: accessToken,
      ...more,
    }),
    '192.0.2.1',
  );
const come = async (secret: string) => {
  const found = await identity.authenticate({ secret, user: '', address: '192.0.2.1' });
  if ('message' in found) throw new Error(found.message);
  return found;
};
const refused = (asking: Promise<unknown>, code: string, why: RegExp) =>
  assert.rejects(asking, (error: unknown) => {
    assert.ok(error instanceof OAuthFailure, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, why);
    return true;
  });

describe('a token to act on somebody’s behalf', () => {
  it('is the person’s, with the program beside them, and journalled before it is given', async () => {
    const { accessToken: token } = await ask((await person()).token, (await program()).token);
    const { principal } = await come(token);
    const actor = { id: 'service:claude', name: 'claude', groups: ['programs'], kind: 'service' };
    assert.deepEqual(principal, { ...userPrincipal({ name: 'alice', groups: ['eng'] }), actor });
    assert.deepEqual(
      journal.map(({ id, actor: by }) => [id, by?.id]),
      [['user:alice', 'service:claude']],
    );
  });

  it('lives no longer and opens no more than either of the two', async () => {
    const short = await ask((await person('alice', { ttlMs: 60_000 })).token, (await program()).token);
    assert.equal(short.expiresIn, 60);
    const own = await ask((await person()).token, (await program('claude', { ttlMs: 30_000 })).token);
    assert.equal(own.expiresIn, 30);
    const scoped = await ask((await person('alice', { connection: 'shop' })).token, (await program()).token);
    assert.equal((await come(scoped.accessToken)).connection, 'shop');
    const wished = await ask((await person()).token, (await program()).token, { audience: 'crm' });
    assert.equal((await come(wished.accessToken)).connection, 'crm');
    const shop = (await person('alice', { connection: 'shop' })).token;
    await refused(
      ask(shop, (await program()).token, { audience: 'crm' }),
      'invalid_target',
      /no connection is open to all/,
    );
  });

  it('ends with either of the two, and with the leave to act', async () => {
    for (const which of [0, 1]) {
      const both = [await person(), await program()];
      const { accessToken: token } = await ask(both[0]?.token ?? '', both[1]?.token ?? '');
      await identity.tokens.revoke(both[which]?.id ?? '');
      await assert.rejects(come(token), /not known, or it was revoked/);
    }
    const { accessToken: token } = await ask((await person()).token, (await program()).token);
    services['claude'] = { groups: [], mayActFor: { groups: ['sales'] } };
    await assert.rejects(come(token), /claude may not act on behalf of alice/);
    delete services['claude'];
    await assert.rejects(come(token), /may not act/);
  });

  it('counts the groups of now, of both', async () => {
    const { accessToken: token } = await ask((await person()).token, (await program()).token);
    services['claude'] = { groups: ['other'], mayActFor: { groups: ['eng'] } };
    assert.deepEqual((await come(token)).principal.actor?.groups, ['other']);
    await store.putUser({ name: 'alice', groups: ['sales'], passwordHash: undefined });
    await assert.rejects(come(token), /may not act on behalf of alice/);
  });

  it('is refused for whom the program may not act', async () => {
    await refused(
      ask((await person('bob')).token, (await program()).token),
      'invalid_target',
      /claude may not act on behalf of bob/,
    );
    await refused(ask((await person()).token, (await program('idle')).token), 'invalid_target', /idle may not act/);
    await refused(ask((await program('idle')).token, (await program()).token), 'invalid_target', /on behalf of people/);
    await refused(
      ask((await person()).token, (await person('bob')).token),
      'invalid_request',
      /only a service account/,
    );
  });

  it('may be handed on once, by each who may act', async () => {
    const first = (await ask((await person()).token, (await program()).token)).accessToken;
    const second = (await ask(first, (await program('helper')).token)).accessToken;
    const { principal } = await come(second);
    assert.deepEqual([principal.actor?.name, principal.actor?.actor?.name], ['helper', 'claude']);
    await refused(ask(second, (await program('third')).token), 'invalid_request', /handed on once/);
    await refused(ask(first, (await program()).token), 'invalid_request', /already/);
    await refused(ask((await person()).token, second), 'invalid_request', /token of its own/);
    services['claude'] = { groups: [] };
    await assert.rejects(come(second), /claude may not act/);
  });

  it('is had with the token of a workload’s platform too', async () => {
    const platform = await issuer.token({
      iss: issuer.url,
      aud: 'here',
      sub: 'job',
      exp: Math.floor(now / 1000) + 600,
    });
    const { accessToken: token } = await ask((await person()).token, platform, { actor_token_type: jwt });
    const { principal, connection } = await come(token);
    assert.equal(principal.actor?.kind, 'workload');
    assert.equal(connection, 'shop');
    const other = await issuer.token({
      iss: issuer.url,
      aud: 'elsewhere',
      sub: 'job',
      exp: Math.floor(now / 1000) + 600,
    });
    await refused(ask((await person()).token, other, { actor_token_type: jwt }), 'invalid_request', /"aud"/);
  });

  it('takes nothing for a token that is none', async () => {
    const [subject, actor] = [(await person()).token, (await program()).token];
    await identity.users.put({ name: 'alice', groups: ['eng'], password: 'correct-horse' });
    await refused(ask('correct-horse', actor), 'invalid_request', /no token/);
    await refused(ask(subject, 'correct-horse'), 'invalid_request', /no token/);
    await refused(ask(subject, `${actor}x`), 'invalid_request', /mistyped/);
    await refused(ask('', actor), 'invalid_request', /subject_token is needed/);
    await refused(ask('x'.repeat(20_000), actor), 'invalid_request', /subject_token is needed/);
    await refused(ask(subject, actor, { actor_token_type: 'urn:x' }), 'invalid_request', /actor_token_type/);
    now += 2 * HOUR_MS;
    await refused(ask(subject, actor), 'invalid_request', /expired/);
  });
});
