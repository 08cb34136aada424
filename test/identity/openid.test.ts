import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { BrowserProvider, Json } from '@sallyport/gateway/src/identity/federation/browser-provider.ts';
import { federationOf } from '@sallyport/gateway/src/identity/federation/federation.ts';
import type { OidcSpec } from '@sallyport/gateway/src/identity/federation/spec.ts';
import { accepted, denied, unavailable } from './expectations.ts';
import { clientId, clientSecret, OpenIdProvider, redirectUri, Visitor } from './openid-provider.ts';

let op: OpenIdProvider;
let other: OpenIdProvider;
let browser: BrowserProvider;

const made = (issuer: string, more: Partial<OidcSpec> = {}, name = 'corp'): BrowserProvider => {
  const spec: OidcSpec = { type: 'oidc', issuer, clientId, clientSecret, ...more };
  const provider = federationOf([{ name, spec }], { publicUrl: 'http://127.0.0.1:1' }).provider(name);
  assert.ok(provider !== undefined);
  return provider;
};
const begin = (by = browser) => by.begin({ state: 'the-state', redirectUri });
const signIn = async (by = browser, visitor = new Visitor(), login = 'alice') => {
  const { location, memory } = await begin(by);
  return { url: await visitor.signIn(location, login), memory };
};

before(async () => {
  op = await OpenIdProvider.start();
  other = await OpenIdProvider.start();
});
after(async () => {
  await Promise.all([op.stop(), other.stop()]);
});
beforeEach(() => {
  op.accounts.set('alice', { groups: ['/engineering', '/dba'] });
  browser = made(op.url, { groups: { map: [{ from: '/*', to: '*' }] } });
});

describe('a sign-in by OpenID Connect', () => {
  it('finds out who it is, with groups in the words of the rules', async () => {
    const { url, memory } = await signIn();
    const { principal, expiresAt, providerSession } = await accepted(browser.complete({ url }, memory));
    assert.equal(principal.id, `oidc:${op.url}#alice`);
    assert.deepEqual([principal.name, principal.groups], ['alice@example.com', ['engineering', 'dba']]);
    assert.ok(expiresAt > Date.now() && expiresAt < Date.now() + 700_000);
    assert.equal(providerSession.subject, 'alice');
    assert.ok(providerSession.idToken !== undefined);
  });

  it('asks with a challenge, a nonce and the state, and without a secret', async () => {
    const { location, memory } = await begin();
    const { searchParams } = new URL(location);
    assert.equal(searchParams.get('code_challenge_method'), 'S256');
    assert.equal(searchParams.get('state'), 'the-state');
    const { verifier, nonce } = memory as { verifier: string; nonce: string };
    assert.equal(searchParams.get('nonce'), nonce);
    assert.ok(verifier.length >= 43 && !location.includes(verifier) && !location.includes(clientSecret));
  });

  it('is refused with a code that was used before', async () => {
    const { url, memory } = await signIn();
    await accepted(browser.complete({ url }, memory));
    await denied(browser.complete({ url }, memory), /over, used up or withdrawn/);
  });

  it('is refused with the code of another attempt', async () => {
    const first = await signIn();
    const second = await signIn();
    await denied(browser.complete({ url: first.url }, second.memory), /over, used up/);
  });

  it('is refused with another state, or none', async () => {
    const { url, memory } = await signIn();
    for (const state of ['stolen', '']) {
      const forged = new URL(url);
      forged.searchParams.set('state', state);
      await denied(browser.complete({ url: forged }, memory), /does not belong to this sign-in/);
    }
    const twice = new URL(url);
    twice.searchParams.append('state', 'the-state');
    await denied(browser.complete({ url: twice }, memory), /does not belong/);
  });

  it('is refused with a nonce that is not the one that was asked with', async () => {
    const { url, memory } = await signIn();
    const changed = { ...(memory as object), nonce: 'x'.repeat(43) } as Json;
    await denied(browser.complete({ url }, changed), /does not belong to this sign-in/);
  });

  it('is refused without what was kept, or with what was kept of another provider', async () => {
    const { url, memory } = await signIn();
    for (const wrong of [null, {}, 'x', [], { ...(memory as object), provider: 'else' }] as Json[]) {
      await denied(browser.complete({ url }, wrong), /begun elsewhere/);
    }
  });

  it('is refused where another provider answers, and that one gets no code (RFC 9207)', async () => {
    const toOther = made(other.url, {}, 'other');
    const mixed = await signIn(toOther);
    const { memory } = await begin(browser);
    const asked = op.asked.length;
    await denied(browser.complete({ url: mixed.url }, memory), /does not belong to this sign-in/);
    const bare = new URL(mixed.url);
    bare.searchParams.delete('iss');
    await denied(browser.complete({ url: bare }, memory), /does not belong to this sign-in/);
    assert.ok(!op.asked.slice(asked).includes('/token'), 'the code was sent on');
  });

  it('tells what the provider said when it says no, but not in its words', async () => {
    const { memory } = await begin();
    const url = new URL(`${redirectUri}?error=access_denied&state=the-state&iss=${encodeURIComponent(op.url)}`);
    await denied(browser.complete({ url }, memory), /cancelled/);
    url.searchParams.set('error', '<script>');
    await denied(browser.complete({ url }, memory), /refused the sign-in \(unknown\)/);
  });

  it('tells the administrator of a wrong secret, and not the secret', async () => {
    const wrong = made(op.url, { clientSecret: 'not-the-secret' });
    const { url, memory } = await signIn(wrong);
    await unavailable(wrong.complete({ url }, memory), /^(?!.*not-the-secret).*invalid_client.*clientSecret/);
  });

  it('takes the secret from where it is kept', async () => {
    process.env['TEST_CLIENT_SECRET'] = clientSecret;
    const kept = made(op.url, { clientSecret: 'env:TEST_CLIENT_SECRET' });
    const { url, memory } = await signIn(kept);
    await accepted(kept.complete({ url }, memory));
    delete process.env['TEST_CLIENT_SECRET'];
    await unavailable(
      begin(made(op.url, { clientSecret: 'env:TEST_CLIENT_SECRET' })),
      /TEST_CLIENT_SECRET, which is not/,
    );
    await unavailable(begin(made(op.url, { clientSecret: 'file:/nonexistent' })), /cannot be read \(ENOENT\)/);
  });
});

describe('a refresh', () => {
  it('says the groups of now, and with a rotated token again', async () => {
    const { url, memory } = await signIn();
    const { refresh } = await accepted(browser.complete({ url }, memory));
    assert.ok(refresh !== undefined && browser.refresh !== undefined);
    op.accounts.set('alice', { groups: ['/guests'] });
    const later = await accepted(browser.refresh(refresh));
    assert.deepEqual(later.principal.groups, ['guests']);
    assert.ok(later.refresh !== undefined);
    await accepted(browser.refresh(later.refresh));
  });

  it('is refused for somebody who is gone, for a stolen token, and for another provider', async () => {
    const { url, memory } = await signIn();
    const { refresh } = await accepted(browser.complete({ url }, memory));
    assert.ok(refresh !== undefined && browser.refresh !== undefined);
    await denied(browser.refresh({ ...refresh, token: 'made-up' }), /over, used up or withdrawn/);
    await denied(browser.refresh({ ...refresh, provider: 'else' }), /another identity provider/);
    await denied(browser.refresh({ ...refresh, subject: 'bob' }), /somebody else/);
    op.accounts.set('alice', { groups: [], gone: true });
    await denied(browser.refresh(refresh), /over, used up or withdrawn/);
  });
});

it('a sign-out asks the provider to end its session too', async () => {
  const { url, memory } = await signIn();
  const session = await accepted(browser.complete({ url }, memory));
  const out = new URL(browser.signOutUrl(session, 'http://127.0.0.1:1/') ?? '');
  assert.equal(out.origin, op.url);
  assert.equal(out.searchParams.get('id_token_hint'), session.providerSession.idToken);
  assert.equal((await fetch(out)).status, 200);
  assert.ok(browser.verifyLogout !== undefined);
  await denied(browser.verifyLogout(session.providerSession.idToken ?? ''), /"jti"|"events"/);
});

it('a provider that is down is told, and is found when it is back', async () => {
  const gone = await OpenIdProvider.start();
  await gone.stop();
  await unavailable(begin(made(gone.url)), /corp cannot be used: it cannot be reached/);
});
