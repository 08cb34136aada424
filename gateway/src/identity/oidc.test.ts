import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { after, afterEach, before, describe, it } from 'node:test';
import { Unavailable } from '@sallyport/shared/errors/errors.ts';
import { type JWK, SignJWT, UnsecuredJWT } from 'jose';
import { keyTimes } from './issuer-keys.ts';
import { Oidc } from './oidc.ts';
import { type OidcProvider, wrongIssuer } from './provider.ts';
import { TestIssuer } from './testing/issuer.ts';

const quick = { ...keyTimes, timeoutMs: 150, retryMs: 0, cooldownMs: 0 };
const nowS = () => Math.floor(Date.now() / 1000);

let issuer: TestIssuer;
let oidc: Oidc;
let provider: OidcProvider;
const more: TestIssuer[] = [];

const another = async (...args: Parameters<typeof TestIssuer.start>) => {
  const started = await TestIssuer.start(...args);
  more.push(started);
  return started;
};

const configured = (of: TestIssuer, rest: Partial<OidcProvider> = {}): OidcProvider => ({
  name: 'corp',
  issuer: of.url,
  audiences: ['sallyport'],
  ...rest,
});

before(async () => {
  issuer = await TestIssuer.start();
  provider = configured(issuer);
  oidc = new Oidc(() => [provider], Date.now, quick);
});
after(() => issuer.down());
afterEach(async () => {
  for (const one of more.splice(0)) await one.down();
});

const refused = async (token: string, wanted: RegExp, by = oidc) => {
  const answer = await by.authenticate(token);
  assert.ok('message' in answer, 'the token was accepted');
  assert.equal(answer.reason, 'unauthenticated');
  assert.match(answer.message, wanted);
  assert.ok(!answer.message.includes(token));
};

const accepted = async (token: string, by = oidc) => {
  const answer = await by.authenticate(token);
  assert.ok('principal' in answer, JSON.stringify(answer));
  return answer;
};

describe('a token of an OpenID Connect issuer', () => {
  it('names its principal', async () => {
    const exp = nowS() + 60;
    const { principal, expiresAt } = await accepted(await issuer.token({ groups: ['dba', 'eng', 'dba'], exp }));
    assert.equal(principal.id, `oidc:${issuer.url}#alice`);
    assert.equal(principal.name, 'alice@example.com');
    assert.deepEqual(principal.groups, ['dba', 'eng']);
    assert.equal(principal.claims['aud'], 'sallyport');
    assert.equal(expiresAt, (exp + 30) * 1000);
  });

  for (const alg of ['RS256', 'PS256', 'ES384', 'EdDSA'] as const) {
    it(`may be signed by ${alg}`, async () => {
      const other = await another(alg);
      await accepted(await other.token(), new Oidc(() => [configured(other)], Date.now, quick));
    });
  }

  it('is refused when signed with the public key as an HMAC secret', async () => {
    const rsa = await another('RS256');
    const pem = createPublicKey({ key: rsa.publicJwk as JWK, format: 'jwk' } as never).export({
      type: 'spki',
      format: 'pem',
    });
    const header = { alg: 'HS256', ...(rsa.publicJwk.kid === undefined ? {} : { kid: rsa.publicJwk.kid }) };
    const forged = await new SignJWT(rsa.claims()).setProtectedHeader(header).sign(Buffer.from(pem));
    await refused(forged, /signed in a way/, new Oidc(() => [configured(rsa)], Date.now, quick));
  });

  it('is refused without a signature', async () => {
    await refused(`${new UnsecuredJWT(issuer.claims()).encode()}`, /signed in a way/);
    const [, body] = (await issuer.token()).split('.');
    const none = Buffer.from('{"alg":"nOnE"}').toString('base64url');
    await refused(`${none}.${body}.`, /signed in a way/);
  });

  it('is refused when its claims were changed', async () => {
    const [head, , signature] = (await issuer.token()).split('.');
    const body = Buffer.from(JSON.stringify(issuer.claims({ groups: ['admins'] }))).toString('base64url');
    await refused(`${head}.${body}.${signature}`, /signature is wrong/);
  });

  it('is refused when another issuer signed it with the same key id', async () => {
    const other = await another();
    await refused(await other.token({ iss: issuer.url }), /signature is wrong/);
  });

  it('brings no key of its own', async () => {
    const other = await another();
    const token = await other.token(
      { iss: issuer.url },
      { jwk: other.publicJwk, jku: `${other.url}/keys`, kid: 'theirs' },
    );
    await refused(token, /does not publish/);
    assert.equal(other.fetches, 0);
  });

  for (const [what, claims, wanted] of [
    ['another audience', { aud: 'elsewhere' }, /another audience/],
    ['no audience', { aud: undefined }, /another audience/],
    ['another issuer', { iss: 'https://example.com' }, /not known here/],
    ['no issuer', { iss: undefined }, /not known here/],
    ['no end', { exp: undefined }, /"exp"/],
    ['an end that is no number', { exp: 'never' }, /"exp"/],
    ['no subject', { sub: undefined }, /"sub"/],
    ['an empty subject', { sub: '' }, /"sub"/],
    ['a subject over 255 characters', { sub: 'a'.repeat(256) }, /"sub"/],
    ['groups that were left out', { _claim_names: { groups: 'src1' } }, /left your groups out/],
  ] as const) {
    it(`is refused with ${what}`, async () => refused(await issuer.token(claims), wanted));
  }

  it('is refused where its issuer differs by a slash', async () => {
    await refused(await issuer.token({ iss: `${issuer.url}/` }), /not known here/);
  });

  it('may list several audiences', async () => {
    await accepted(await issuer.token({ aud: ['else', 'sallyport'] }));
  });

  for (const typ of ['JWT', 'at+jwt', 'application/at+jwt']) {
    it(`may be of type ${typ}`, async () => void (await accepted(await issuer.token({}, { typ }))));
  }
  for (const typ of ['logout+jwt', 'dpop+jwt', 'secevent+jwt']) {
    it(`is refused with type ${typ}`, async () => refused(await issuer.token({}, { typ }), /no sign-in/));
  }

  it('is refused when it is huge, without a look at it', async () => {
    await refused(await issuer.token({ pad: 'x'.repeat(20_000) }), /too long/);
  });

  for (const text of [
    'eyJ.a.b',
    'eyJ..',
    `eyJ${'A'.repeat(40)}.e30.AA`,
    'eyJhbGciOiJFUzI1NiJ9.bnVsbA.AA',
    'eyJhbGciOjF9.e30.',
  ]) {
    it(`is refused when it is garbage: ${text.slice(0, 12)}`, async () => refused(text, /cannot be read|no whole JWT/));
  }
});

describe('a clock that differs', () => {
  const at = 1_800_000_000;
  const fixed = () =>
    new Oidc(
      () => [provider],
      () => at * 1000,
      quick,
    );
  for (const [what, claims, wanted] of [
    ['ended 29 s ago', { exp: at - 29 }, undefined],
    ['ended 30 s ago', { exp: at - 30 }, /expired/],
    ['begins in 30 s', { nbf: at + 30 }, undefined],
    ['begins in 31 s', { nbf: at + 31 }, /"nbf"/],
    ['issued 30 s from now', { iat: at + 30 }, undefined],
    ['issued 31 s from now', { iat: at + 31 }, /future/],
  ] as const) {
    it(`${what}: ${wanted === undefined ? 'accepted' : 'refused'}`, async () => {
      const token = await issuer.token({ iat: at - 60, exp: at + 60, ...claims });
      if (wanted === undefined) await accepted(token, fixed());
      else await refused(token, wanted, fixed());
    });
  }
});

describe('names and groups', () => {
  const read = async (claims: Record<string, unknown>, rest: Partial<OidcProvider> = {}) => {
    const by = new Oidc(() => [configured(issuer, rest)], Date.now, quick);
    return (await accepted(await issuer.token(claims), by)).principal;
  };
  for (const [what, claims, groupsClaim, wanted] of [
    ['a text', { groups: 'dba' }, undefined, ['dba']],
    ['a list', { groups: ['dba', 7, null, '', 'eng'] }, undefined, ['dba', 'eng']],
    ['none', {}, undefined, []],
    ['an object', { groups: { dba: true } }, undefined, []],
    ['nested', { realm_access: { roles: ['dba'] } }, 'realm_access.roles', ['dba']],
    ['nested in nothing', { realm_access: 'x' }, 'realm_access.roles', []],
    ['a name with dots', { 'https://example.com/groups': ['dba'] }, 'https://example.com/groups', ['dba']],
    ['a prototype', {}, 'constructor.name', []],
  ] as const) {
    it(`groups: ${what}`, async () => {
      const principal = await read(claims, groupsClaim === undefined ? {} : { groupsClaim });
      assert.deepEqual(principal.groups, wanted);
    });
  }

  for (const [what, claims, nameClaim, wanted] of [
    ['an address', {}, undefined, 'alice@example.com'],
    ['an address that is verified', { email_verified: true }, undefined, 'alice@example.com'],
    ['one that is not', { email_verified: false }, undefined, 'alice'],
    ['one that is not, as a text', { email_verified: 'false' }, 'email', 'alice'],
    ['no address', { email: undefined }, undefined, 'alice'],
    ['another claim', { preferred_username: 'ali' }, 'preferred_username', 'ali'],
    ['a name with control characters', { preferred_username: 'a\nb' }, 'preferred_username', 'alice'],
  ] as const) {
    it(`name: ${what}`, async () => {
      assert.equal((await read(claims, nameClaim === undefined ? {} : { nameClaim })).name, wanted);
    });
  }
});

describe("an issuer's keys", () => {
  it('are asked for once, also by many at the same moment', async () => {
    const other = await another();
    const by = new Oidc(() => [configured(other)], Date.now, { ...quick, cooldownMs: 60_000 });
    const token = await other.token();
    await Promise.all(Array.from({ length: 10 }, () => accepted(token, by)));
    await accepted(token, by);
    assert.deepEqual([other.discoveries, other.fetches], [1, 1]);
  });

  it('are asked for again when a token names a new one', async () => {
    const other = await another();
    const by = new Oidc(() => [configured(other)], Date.now, quick);
    const old = await other.token();
    await accepted(old, by);
    await other.rotate('ES256');
    await accepted(await other.token(), by);
    await accepted(old, by);
    assert.equal(other.fetches, 2);
  });

  it('are not asked for again within the cooldown', async () => {
    const other = await another();
    const by = new Oidc(() => [configured(other)], Date.now, { ...quick, cooldownMs: 60_000 });
    await accepted(await other.token(), by);
    for (const kid of ['a', 'b', 'c']) await refused(await other.token({}, { kid }), /does not publish/, by);
    assert.equal(other.fetches, 1);
  });

  it('need no id', async () => {
    const other = await another();
    await other.rotate('ES256', { alone: true, kid: false });
    const old = await other.token();
    await other.rotate('ES256', { kid: false });
    const by = new Oidc(() => [configured(other)], Date.now, quick);
    await accepted(old, by);
    await accepted(await other.token(), by);
    const stranger = await another();
    await stranger.rotate('ES256', { alone: true, kid: false });
    await refused(await stranger.token({ iss: other.url }), /signature is wrong/, by);
  });
});

describe('an issuer that is down', () => {
  const unavailable = (by: Oidc, token: string, wanted: RegExp) =>
    assert.rejects(by.authenticate(token), (error) => {
      assert.ok(error instanceof Unavailable);
      assert.deepEqual([error.part, error.code], ['identity', 'ERR_IDENTITY_UNAVAILABLE']);
      assert.match(error.message, wanted);
      return true;
    });

  it('is named, leaves others alone and is found when it is back', async () => {
    const other = await another();
    const by = new Oidc(() => [configured(other), provider], Date.now, quick);
    const token = await other.token();
    await other.down();
    await unavailable(by, token, new RegExp(`${other.url} cannot be used: it cannot be reached`));
    await accepted(await issuer.token(), by);
    await other.up();
    await accepted(token, by);
  });

  it('costs its timeout, and is left alone for a while', async () => {
    const other = await another();
    const by = new Oidc(() => [configured(other)], Date.now, { ...quick, retryMs: 60_000 });
    other.silent = true;
    await unavailable(by, await other.token(), /did not answer in time/);
    other.silent = false;
    await unavailable(by, await other.token(), /did not answer in time/);
    assert.equal(other.discoveries, 0);
  });

  it('may answer with errors and nonsense', async () => {
    const other = await another();
    const by = new Oidc(() => [configured(other)], Date.now, quick);
    other.status = 503;
    await unavailable(by, await other.token(), /status 503/);
    other.status = undefined;
    other.discovery = { issuer: issuer.url, jwks_uri: `${issuer.url}/keys` };
    await unavailable(by, await other.token(), /names another issuer/);
    other.discovery = { issuer: other.url, jwks_uri: 'http://192.0.2.1/keys' };
    await unavailable(by, await other.token(), /no usable jwks_uri/);
    other.discovery = { issuer: other.url, jwks_uri: `${other.url}/keys`, pad: 'x'.repeat(600_000) };
    await unavailable(by, await other.token(), /is over/);
    other.discovery = undefined;
    await accepted(await other.token(), by);
  });

  it('is named when its keys cannot be had', async () => {
    const other = await another();
    other.discovery = { issuer: other.url, jwks_uri: `${issuer.url}/.well-known/openid-configuration` };
    await unavailable(new Oidc(() => [configured(other)], Date.now, quick), await other.token(), /keys cannot be read/);
  });
});

it('issuers are https, or on this host', () => {
  for (const good of [
    'https://example.com',
    'https://example.com/a/b',
    'http://localhost:1',
    'http://127.0.0.1',
    'http://[::1]:2',
  ]) {
    assert.equal(wrongIssuer(good), undefined, good);
  }
  for (const bad of [
    'http://example.com',
    'x',
    'https://a:b@example.com',
    'https://a/?x',
    'https://a/#x',
    'http://127.evil.com',
  ]) {
    assert.notEqual(wrongIssuer(bad), undefined, bad);
  }
});
