import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { HttpCredential } from '@sallyport/shared/access/http.ts';
import type { Opening } from '@sallyport/shared/tunnel/opening.ts';
import { Boundary } from '../../../boundary/boundary.ts';
import { credentialResolver } from '../../../credentials/resolver.ts';
import { Transports } from '../transport.ts';
import { Authenticators } from './authenticators.ts';

const resolver = credentialResolver({ test: async () => ({ secret: async (name: string) => `secret-${name}` }) });
const transports = new Transports(resolver, new Boundary(['127.0.0.0/8:*']));

const openingOf = (http: HttpCredential): Opening => ({
  protocol: 'http',
  target: { host: 'api.example.test', port: 443, tls: 'verify-full', http: { basePath: '' } },
  credential: { username: '', http },
  settings: {},
  connection: 'c',
  session: 's',
});

const never = new AbortController().signal;
const request = {
  method: 'GET',
  path: '/a?b=c',
  headers: [
    ['x_api_key', 'mine'],
    ['x-api-key', 'mine'],
  ],
  hasBody: false,
} as const;

async function proven(http: HttpCredential, authenticators = new Authenticators(resolver, transports)) {
  const proof = await authenticators.of(openingOf(http), never);
  return new Headers((await proof.prove(request)).map(([name, value]): [string, string] => [name, value]));
}

test('a header in its format, in place of the client’s own in both spellings', async () => {
  const headers = await proven({ header: { name: 'X-Api-Key', secret: 'test:k', format: 'Token {secret}' } });
  assert.equal(headers.get('x-api-key'), 'Token secret-k');
  assert.equal(headers.get('x_api_key'), null);
});

test('basic and bearer', async () => {
  const basic = await proven({ basic: { username: 'svc', password: 'test:p' } });
  assert.equal(basic.get('authorization'), `Basic ${Buffer.from('svc:secret-p').toString('base64')}`);
  assert.equal((await proven({ bearer: 'test:t' })).get('authorization'), 'Bearer secret-t');
});

test('AWS signatures cover host, date and payload', async () => {
  const sigv4 = { region: 'eu-central-1', service: 'execute-api', accessKeyId: 'test:id', secretAccessKey: 'test:key' };
  const headers = await proven({ sigv4 });
  const said = headers.get('authorization') ?? '';
  assert.match(
    said,
    /^AWS4-HMAC-SHA256 Credential=secret-id\/\d{8}\/eu-central-1\/execute-api\/aws4_request, SignedHeaders=[^,]*host[^,]*x-amz-date[^,]*, Signature=[0-9a-f]{64}$/,
  );
  assert.ok(!said.includes('secret-key'));
});

test('an OAuth token is asked for once, kept, and asked for anew when it was refused', async () => {
  const asked: string[] = [];
  const server = createServer((incoming, response) => {
    let body = '';
    incoming.on('data', (part) => (body += part));
    incoming.on('end', () => {
      asked.push(`${incoming.headers.authorization} ${body}`);
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ access_token: `token-${asked.length}`, token_type: 'Bearer', expires_in: 3600 }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const tokenUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
  const oauth = { tokenUrl, clientId: 'me', clientSecret: 'test:c', scopes: ['a', 'b'] };
  const authenticators = new Authenticators(resolver, transports);
  const [one, two] = await Promise.all([proven({ oauth }, authenticators), proven({ oauth }, authenticators)]);
  assert.equal(one.get('authorization'), 'Bearer token-1');
  assert.equal(two.get('authorization'), 'Bearer token-1');
  const pair = Buffer.from('me:secret-c').toString('base64');
  assert.deepEqual(asked, [`Basic ${pair} grant_type=client_credentials&scope=a+b`]);
  (await authenticators.of(openingOf({ oauth }), never)).refused?.();
  assert.equal((await proven({ oauth }, authenticators)).get('authorization'), 'Bearer token-2');
  server.close();
  server.closeAllConnections();
});

test('a token endpoint outside of the agent’s boundary gets no secret', async () => {
  const closed = new Transports(resolver, new Boundary(['10.0.0.0/8:*']));
  const oauth = { tokenUrl: 'http://127.0.0.1:9/token', clientId: 'me', clientSecret: 'test:c', scopes: [] };
  await assert.rejects(proven({ oauth }, new Authenticators(resolver, closed)), { code: 'ERR_TARGET_AUTH' });
});
