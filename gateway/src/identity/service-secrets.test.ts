import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { inspect } from 'node:util';
import { Identity } from './identity.ts';
import { ClientCredentials } from './oauth/client-credentials.ts';
import { OAuthFailure } from './oauth/failure.ts';
import type { MadeSecret } from './service-secrets.ts';
import { MemorySecretStore } from './testing/memory-secrets.ts';
import { MemoryIdentityStore } from './testing/memory-store.ts';

const DAY_MS = 86_400_000;
const address = '192.0.2.1';
let now: number;
let kept: MemorySecretStore;
let identity: Identity;
let clients: ClientCredentials;
let from: string[] | undefined;
let told: unknown[];

beforeEach(() => {
  now = Date.now();
  kept = new MemorySecretStore();
  from = undefined;
  told = [];
  const clock = () => now;
  const services = (name: string) => (name === 'ci' ? { groups: ['deploy'], ...(from && { from }) } : undefined);
  identity = Identity.create({ store: new MemoryIdentityStore(), secrets: kept, clock, services });
  clients = new ClientCredentials({
    identity,
    clock,
    journal: async (principal, data) => void told.push([principal.id, data]),
  });
});

const make = async (more: { ttlMs?: number; service?: string } = {}): Promise<MadeSecret> => {
  const made = await identity.secrets.create({ service: 'ci', ...more });
  if ('message' in made) throw new Error(made.message);
  return made;
};
const come = (secret: string, at = address) => identity.authenticate({ secret, user: 'x', address: at });
const denied = async (secret: string, why: RegExp, at = address) => {
  const answer = await come(secret, at);
  assert.match('message' in answer ? answer.message : 'let in', why);
};

describe('a secret of a service account', () => {
  it('is a password, with the groups of now, and is kept as a hash only', async () => {
    const { secret, id, expiresAt } = await make();
    const found = await come(secret);
    assert.ok('principal' in found);
    assert.deepEqual([found.principal.id, found.principal.groups, found.method], ['service:ci', ['deploy'], 'secret']);
    assert.deepEqual([found.tokenId, found.expiresAt], [id, expiresAt]);
    assert.equal(expiresAt, now + 90 * DAY_MS);
    assert.ok(!inspect([...kept.kept.values()], { depth: 9 }).includes(secret));
  });

  it('overlaps with one other, so that it can be rotated', async () => {
    const [old, next] = [await make(), await make()];
    await assert.rejects(make(), /ci has 2 living secrets/);
    for (const { secret } of [old, next]) assert.ok('principal' in (await come(secret)));
    await identity.secrets.revoke(old.id);
    await denied(old.secret, /not known, or it was revoked/);
    assert.ok('principal' in (await come(next.secret)));
    await make();
  });

  it('of two that are asked for at once beside one, one is made', async () => {
    await make();
    const both = await Promise.allSettled([make(), make()]);
    assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  });

  it('ends: on its day, when it is revoked, with its account', async () => {
    const { secret } = await make({ ttlMs: DAY_MS });
    const gone = await make({ service: 'gone' });
    await denied(gone.secret, /not known/);
    now += DAY_MS;
    await denied(secret, /the secret expired at 20/);
    for (const ttlMs of [0, -1, Number.NaN, 367 * DAY_MS])
      await assert.rejects(async () => make({ ttlMs }), RangeError);
  });

  it('is looked at again in the session', async () => {
    const { secret, id } = await make();
    const found = await come(secret);
    assert.ok('principal' in found);
    assert.equal(await identity.recheck(found, address), undefined);
    await identity.secrets.revoke(id);
    assert.match((await identity.recheck(found, address))?.message ?? '', /revoked/);
  });

  it('holds where its account may come from', async () => {
    const { secret } = await make();
    from = ['10.0.0.0/8'];
    await denied(secret, /bound to others/);
    assert.ok('principal' in (await come(secret, '10.9.9.9')));
  });

  it('slows down who guesses, by address', async () => {
    const wrong = () => `spa_${Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url')}`;
    for (let at = 0; at < 20; at++) await denied(wrong(), /not known/);
    await denied(wrong(), /too many wrong secrets: wait \d+ s/);
    assert.ok('principal' in (await come((await make()).secret, '192.0.2.99')));
  });

  it('tells once what its owner should look at', async () => {
    const [used, idle] = [await make(), await make()];
    const warnings: string[] = [];
    const sweep = () => identity.secrets.sweep(async ({ id }, of) => void warnings.push(`${id} ${of}`));
    await sweep();
    now += 46 * DAY_MS;
    await come(used.secret);
    await sweep();
    await sweep();
    assert.deepEqual(warnings.splice(0), [`${idle.id} unused`]);
    now += 35 * DAY_MS;
    await sweep();
    await sweep();
    assert.deepEqual(warnings.splice(0).sort(), [`${idle.id} expiring`, `${used.id} expiring`].sort());
    now += 10 * DAY_MS;
    await sweep();
    await sweep();
    assert.equal(warnings.filter((one) => one.endsWith('expired')).length, 2);
    now += 40 * DAY_MS;
    await sweep();
    assert.equal(kept.kept.size, 0);
  });
});

describe('client credentials (RFC 6749, 4.4)', () => {
  const basic = (id: string, secret: string) =>
    `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`;
  const ask = (form: Record<string, string>, header?: string) =>
    clients.exchange(new URLSearchParams(form), header, address);
  const refused = (asking: Promise<unknown>, code: string) =>
    assert.rejects(asking, (error: unknown) => error instanceof OAuthFailure && error.code === code);

  it('give a short-lived token, by header and by form, journalled first', async () => {
    const { secret, id } = await make();
    for (const [form, header] of [
      [{}, basic('ci', secret)],
      [{ client_id: 'ci', client_secret: secret }, undefined],
    ] as const) {
      const { accessToken, expiresIn } = await ask(form, header);
      assert.equal(expiresIn, 3600);
      const found = await come(accessToken);
      assert.ok('principal' in found && found.method === 'token');
      assert.equal(found.principal.id, 'service:ci');
    }
    assert.deepEqual(told[0], ['service:ci', { secret: id, sourceAddress: address, connection: null }]);
  });

  it('give no more than is asked, and nothing past the secret’s end', async () => {
    const { secret } = await make({ ttlMs: 60_000 });
    const { accessToken, expiresIn } = await ask({ client_id: 'ci', client_secret: secret, audience: 'shop' });
    assert.equal(expiresIn, 60);
    const found = await come(accessToken);
    assert.ok('principal' in found && found.connection === 'shop');
  });

  it('end with the secret', async () => {
    const { secret, id } = await make();
    const { accessToken } = await ask({ client_id: 'ci', client_secret: secret });
    identity.secrets.onRevoked((gone) => identity.tokens.revokeMadeOf(gone));
    await identity.secrets.revoke(id);
    await denied(accessToken, /revoked/);
  });

  it('are refused where anything is wrong', async () => {
    const { secret } = await make();
    await refused(ask({ client_id: 'other', client_secret: secret }), 'invalid_client');
    await refused(ask({ client_id: 'ci', client_secret: `${secret}x` }), 'invalid_client');
    await refused(ask({ client_id: 'ci' }), 'invalid_client');
    await refused(ask({}), 'invalid_client');
    await refused(ask({ client_secret: secret, client_id: 'ci' }, basic('ci', secret)), 'invalid_request');
    for (const header of [
      'Bearer x',
      'Basic',
      'Basic !!',
      `Basic ${Buffer.from('nocolon').toString('base64')}`,
      `Basic ${Buffer.from('ci:%zz').toString('base64')}`,
    ]) {
      await refused(ask({}, header), 'invalid_client');
    }
    const { token } = await identity.tokens.mint({
      principal: { id: 'service:ci', name: 'ci', groups: [], claims: {} },
    });
    await refused(ask({ client_id: 'ci', client_secret: token }), 'invalid_client');
    const twice = new URLSearchParams([
      ['client_id', 'ci'],
      ['client_secret', secret],
      ['client_secret', secret],
    ]);
    await refused(clients.exchange(twice, undefined, address), 'invalid_request');
    const two = new URLSearchParams([
      ['client_id', 'ci'],
      ['client_secret', secret],
      ['audience', 'a'],
      ['audience', 'b'],
    ]);
    await refused(clients.exchange(two, undefined, address), 'invalid_target');
  });
});
