import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { IssuerKeys } from '../issuer-keys.ts';
import { Oidc } from '../oidc.ts';
import { TestIssuer } from '../testing/issuer.ts';
import { verifyLogoutToken } from './logout-token.ts';
import { MemoryReplayCache } from './replay-cache.ts';

const events = { 'http://schemas.openid.net/event/backchannel-logout': {} };
let issuer: TestIssuer;
let replay: MemoryReplayCache;
before(async () => {
  issuer = await TestIssuer.start();
  replay = new MemoryReplayCache();
});
after(() => issuer.down());

const token = (claims = {}, header = {}) =>
  issuer.token({ jti: crypto.randomUUID(), events, sid: 's1', ...claims }, { typ: 'logout+jwt', ...header });
const verify = (given: string) => {
  const keys = new IssuerKeys(issuer.url);
  return verifyLogoutToken(given, { issuer: issuer.url, clientId: 'sallyport', keys, replay, clock: Date.now });
};

it('a logout token says whom it ends, once', async () => {
  const given = await token();
  assert.deepEqual(await verify(given), { sub: 'alice', sid: 's1' });
  assert.match(JSON.stringify(await verify(given)), /used before/);
  assert.deepEqual(await verify(await token({ sub: undefined })), { sid: 's1' });
});

for (const [what, claims, header, wanted] of [
  ['of another audience', { aud: 'else' }, {}, /aud/],
  ['of another issuer', { iss: 'https://else' }, {}, /iss/],
  ['that has expired', { exp: 1000 }, {}, /expired/],
  ['that is old', { iat: 1000 }, {}, /too old/],
  ['without an event', { events: undefined }, {}, /events/],
  ['of another event', { events: { 'urn:x': {} } }, {}, /tells of no logout/],
  ['with a nonce', { nonce: 'n' }, {}, /nonce/],
  ['without an id', { jti: undefined }, {}, /jti/],
  ['of nobody', { sub: undefined, sid: undefined }, {}, /names nobody/],
  ['of the type of an access token', {}, { typ: 'at+jwt' }, /cannot be read/],
] as const) {
  it(`a logout token ${what} is refused`, async () => {
    const answer = JSON.stringify(await verify(await token(claims, header)));
    assert.match(answer, /unauthenticated/);
    assert.match(answer, wanted);
  });
}

it('a logout token is no password', async () => {
  const oidc = new Oidc(() => [{ name: 'corp', issuer: issuer.url, audiences: ['sallyport'] }]);
  for (const typ of ['logout+jwt', 'jwt']) {
    assert.match(JSON.stringify(await oidc.authenticate(await token({}, { typ }))), /no sign-in/);
  }
});
