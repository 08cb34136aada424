import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { Unavailable } from '@sallyport/shared/errors/errors.ts';
import { TestIssuer } from '../testing/issuer.ts';
import { federationOf } from './federation.ts';

const redirectUri = 'http://127.0.0.1:1/callback';
const keyTimes = { timeoutMs: 500, retryMs: 0, cooldownMs: 0, maxAgeMs: 600_000 };
let issuer: TestIssuer;
/** What the token endpoint sends. */
let idToken = '';
const endpoint = createServer((_request, response) => {
  const answer = { access_token: 'a', token_type: 'bearer', id_token: idToken };
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
});

before(async () => {
  issuer = await TestIssuer.start('RS256');
  endpoint.listen(0, '127.0.0.1');
  await once(endpoint, 'listening');
  const url = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}`;
  issuer.discovery = {
    issuer: issuer.url,
    jwks_uri: `${issuer.url}/keys`,
    authorization_endpoint: `${url}/auth`,
    token_endpoint: `${url}/token`,
    id_token_signing_alg_values_supported: ['RS256', 'HS256', 'none'],
  };
});
after(async () => {
  endpoint.close();
  endpoint.closeAllConnections();
  await issuer.down();
});

const provider = (times = keyTimes, preset?: 'entra') => {
  const spec = { type: 'oidc', issuer: issuer.url, clientId: 'sallyport', clientSecret: 's', preset } as const;
  return federationOf([{ name: 'corp', spec }], { publicUrl: 'http://x', keyTimes: times }).providers[0] as NonNullable<
    ReturnType<ReturnType<typeof federationOf>['provider']>
  >;
};

async function complete(make: (nonce: string) => Promise<string> | string, by = provider()) {
  const { memory } = await by.begin({ state: 's', redirectUri });
  idToken = await make((memory as { nonce: string }).nonce);
  return JSON.stringify(await by.complete({ url: new URL(`${redirectUri}?code=c&state=s`) }, memory));
}

const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('an ID token', () => {
  it('that is right is accepted', async () => {
    assert.match(await complete((nonce) => issuer.token({ nonce, groups: ['dba'] })), /"groups":\["dba"\]/);
  });

  for (const [what, claims] of [
    ['of another audience', { aud: 'else' }],
    ['of another issuer', { iss: 'https://else.example.com' }],
    ['that has expired', { exp: 1000 }],
    ['of another attempt', { nonce: 'else' }],
    ['without a nonce', { nonce: undefined }],
  ] as const) {
    it(`${what} is refused`, async () => {
      assert.match(await complete((nonce) => issuer.token({ nonce, ...claims })), /"reason":"unauthenticated"/);
    });
  }

  it('without a signature, or signed with the public key as a secret, is refused', async () => {
    const none = (nonce: string) => `${base64({ alg: 'none' })}.${base64(issuer.claims({ nonce }))}.`;
    assert.match(await complete(none), /"reason":"unauthenticated"/);
    const confused = (nonce: string) => {
      const body = `${base64({ alg: 'HS256', kid: issuer.publicJwk.kid })}.${base64(issuer.claims({ nonce }))}`;
      return `${body}.${createHmac('sha256', JSON.stringify(issuer.publicJwk)).update(body).digest('base64url')}`;
    };
    assert.match(await complete(confused), /"reason":"unauthenticated"/);
    const forged = async (nonce: string) => `${(await issuer.token({ nonce })).split('.').slice(0, 2).join('.')}.AAAA`;
    assert.match(await complete(forged), /signature is wrong/);
  });

  it('of Entra ID with too many groups is refused where nobody can be asked for them', async () => {
    const overage = { _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: 'https://graph' } } };
    assert.match(
      await complete((nonce) => issuer.token({ nonce, ...overage }), provider(keyTimes, 'entra')),
      /left your groups out/,
    );
    assert.match(await complete((nonce) => issuer.token({ nonce, hasgroups: true })), /left your groups out/);
  });

  it('is checked with cached keys while the provider is down, and refused when they are too old', async () => {
    const patient = provider();
    const hasty = provider({ ...keyTimes, maxAgeMs: 0 });
    for (const by of [patient, hasty])
      assert.match(await complete((nonce) => issuer.token({ nonce }), by), /principal/);
    await issuer.down();
    try {
      assert.match(await complete((nonce) => issuer.token({ nonce }), patient), /principal/);
      await assert.rejects(
        complete((nonce) => issuer.token({ nonce }), hasty),
        Unavailable,
      );
    } finally {
      await issuer.up();
    }
  });
});
