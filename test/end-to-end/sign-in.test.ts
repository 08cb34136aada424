import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { TestIssuer } from '@sallyport/gateway/src/identity/testing/issuer.ts';
import { query } from '@sallyport/shared/wire/postgres/frontend.ts';
import { startupMessage } from '@sallyport/shared/wire/postgres/startup.ts';
import type { Page } from 'playwright-core';
import { Browser } from '../console/browser.ts';
import { psql } from '../harness/psql.ts';
import { errorOf, rowsOf, WireClient } from '../harness/wire-client.ts';
import { clientId, clientSecret, OpenIdProvider } from '../identity/openid-provider.ts';
import { Fixture } from './fixture.ts';

const cli = join(import.meta.dirname, '../../gateway/cli/bin/sallyport.mjs');
const redirectUri = 'http://127.0.0.1:4711/signed-in';

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

describe('signing in with a browser', () => {
  let all: Fixture;
  let op: OpenIdProvider;
  let browser: Browser;
  let base: string;
  let home: string;
  before(async () => {
    all = await Fixture.start();
    base = `http://127.0.0.1:${all.stack.ports.web}`;
    op = await OpenIdProvider.start({
      clients: [
        {
          client_id: clientId,
          client_secret: clientSecret,
          grant_types: ['authorization_code', 'refresh_token'],
          redirect_uris: [`${base}/signin/callback/corp`],
          post_logout_redirect_uris: [`${base}/`, base],
        },
      ],
    });
    op.accounts.set('alice', { groups: ['engineering'] });
    await all.stack.apply(`
kind: IdentityProvider
name: corp
spec: { type: oidc, label: Corporate login, issuer: "${op.url}", clientId: ${clientId}, clientSecret: ${clientSecret}, groupsClaim: groups }
---
kind: User
name: paula
spec: { groups: [dba], password: paulas-password }`);
    home = mkdtempSync(join(tmpdir(), 'sallyport-home-'));
    browser = await Browser.start();
  });
  after(async () => {
    await browser?.stop();
    await op?.stop();
    await all?.stop();
    if (home !== undefined) rmSync(home, { recursive: true, force: true });
  });

  async function fresh(url: string): Promise<Page> {
    await browser.forget();
    const page = await browser.page();
    await page.goto(url);
    return page;
  }
  async function withPassword(page: Page): Promise<void> {
    await page.fill('[name=user]', 'paula');
    await page.fill('[name=password]', 'paulas-password');
    await page.click('button[type=submit]');
  }
  const post = async (path: string, fields: Record<string, string>): Promise<Answer> => {
    const response = await fetch(`${base}${path}`, { method: 'POST', body: new URLSearchParams(fields) });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const environment = () => ({
    PATH: process.env['PATH'],
    HOME: home,
    BROWSER: '',
    NO_COLOR: '1',
    SALLYPORT_URL: base,
  });
  /** The command with a line of its own on stderr that matches. */
  async function started(
    args: readonly string[],
    wanted: RegExp,
  ): Promise<{ child: ChildProcess; found: string; text: () => string }> {
    const child = spawn(process.execPath, [cli, ...args], { env: environment(), stdio: ['ignore', 'ignore', 'pipe'] });
    const lines: string[] = [];
    const found = Promise.withResolvers<string>();
    createInterface({ input: child.stderr }).on('line', (line) => {
      lines.push(line);
      const match = wanted.exec(line)?.[0];
      if (match !== undefined) found.resolve(match);
    });
    child.once('exit', () => found.reject(new Error(lines.join('\n'))));
    return { child, found: await found.promise, text: () => lines.join('\n') };
  }
  async function run(...args: string[]): Promise<{ status: number; out: string; err: string }> {
    const child = spawn(process.execPath, [cli, ...args], { env: environment(), stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, err] = ['', ''];
    child.stdout.on('data', (text) => (out += text));
    child.stderr.on('data', (text) => (err += text));
    const [status] = (await once(child, 'close')) as [number];
    return { status, out, err };
  }

  it('the console, by a real OpenID provider; what the provider says of groups counts', async () => {
    const page = await fresh(base);
    await page.getByText('Corporate login').click();
    await page.fill('input[name=login]', 'alice');
    await page.fill('input[name=password]', 'any');
    await page.click('button[type=submit]');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.waitForSelector('.nav');
    await page.locator('.nav').getByText('My access').click();
    await page.getByText('engineering', { exact: true }).waitFor();
    await page.getByText(`oidc:${op.url}#alice`).waitFor();
    await page.getByRole('button', { name: 'Make' }).click();
    const token = (await page.locator('.copyable code').textContent()) ?? '';
    const asked = await psql(all.stack.conninfo('shop'), 'select count(*) from orders', { password: token });
    assert.equal(asked.out.trim(), '100');
    await page.close();
  });

  it('a provider’s answer to another browser, or to nobody, opens nothing', async () => {
    const begun = await fetch(`${base}/signin/start?provider=corp`, { redirect: 'manual' });
    const state = new URL(begun.headers.get('location') ?? '').searchParams.get('state') ?? '';
    const stolen = await fetch(`${base}/signin/callback/corp?code=x&state=${state}`, { redirect: 'manual' });
    assert.equal(stolen.status, 401);
    assert.equal(
      stolen.headers.getSetCookie().some((one) => /sallyport-session=[^;]/.test(one)),
      false,
    );
    assert.equal((await fetch(`${base}/signin/start?provider=nobody`)).status, 401);
    assert.equal((await fetch(`${base}/signin/callback/nobody`)).status, 401);
  });

  it('where to go on is a path of the gateway’s and nothing else', async () => {
    for (const evil of [
      'https://evil.example',
      '//evil.example',
      '/\\evil.example',
      '/%0d%0aset-cookie:x',
      'javascript:alert(1)',
    ]) {
      const response = await fetch(`${base}/signin?return=${encodeURIComponent(evil)}`);
      const [, kept = ''] = /name="return" value="([^"]*)"/.exec(await response.text()) ?? [];
      assert.ok(kept === '/' || kept.startsWith('/%0d'), kept);
    }
  });

  it('the command line, with the browser of the same machine, and without asking again', async () => {
    const { child, found } = await started(['login'], /http:\S+/);
    const page = await fresh(found);
    await withPassword(page);
    await page.getByText('the sallyport command').waitFor();
    await page.getByRole('button', { name: 'Yes, sign in' }).click();
    await page.getByText('You are signed in').waitFor();
    if (child.exitCode === null) await once(child, 'exit');
    assert.equal(child.exitCode, 0);
    const file = join(home, '.config/sallyport/credentials.json');
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.match((await run('whoami')).out, /paula/);
    // As if the token had ended.
    const kept = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify({ ...kept, expiresAt: new Date(0).toISOString() }));
    assert.match((await run('whoami')).out, /paula/);
    const renewed = JSON.parse(readFileSync(file, 'utf8'));
    assert.notEqual(renewed.token, kept.token);
    // A refresh token that was used may have been stolen: all that came of the sign-in ends.
    assert.equal(
      (
        await post('/oauth/token', {
          grant_type: 'refresh_token',
          client_id: 'sallyport-cli',
          refresh_token: kept.refreshToken,
        })
      ).status,
      400,
    );
    const after = await fetch(`${base}/sallyport.api.v1.IdentityService/WhoAmI`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${renewed.token}` },
      body: '{}',
    });
    assert.equal(after.status, 401);
    await page.close();
  });

  it('a no is a no', async () => {
    const { child, found, text } = await started(['login'], /http:\S+/);
    const page = await fresh(found);
    await withPassword(page);
    await page.getByRole('button', { name: 'No' }).click();
    await page.getByText('You were not signed in').waitFor();
    if (child.exitCode === null) await once(child, 'exit');
    assert.notEqual(child.exitCode, 0);
    assert.match(text(), /access_denied/);
    await page.close();
  });

  it('a machine without a browser shows a code; logging out ends its token', async () => {
    const { child, found } = await started(['login', '--device'], /http:\S+user_code=\S+/);
    const page = await fresh(found);
    await withPassword(page);
    await page.getByText('Asked from').waitFor();
    assert.equal((await page.locator('.code').textContent()) ?? '', new URL(found).searchParams.get('user_code'));
    await page.getByRole('button', { name: 'Yes, sign in' }).click();
    await page.getByText('It goes on by itself').waitFor();
    if (child.exitCode === null) await once(child, 'exit');
    assert.equal(child.exitCode, 0);
    const { token } = JSON.parse(readFileSync(join(home, '.config/sallyport/credentials.json'), 'utf8'));
    assert.equal((await psql(all.stack.conninfo('shop'), 'select 1', { password: token })).out.trim(), '1');
    assert.equal((await run('logout')).status, 0);
    assert.match(
      (await psql(all.stack.conninfo('shop'), 'select 1', { password: token })).err,
      /not known, or it was revoked/,
    );
    await page.close();
  });

  it('a client without any secret gets a link, and goes on by itself', async () => {
    const form = { user: 'paula', password: 'paulas-password', return: '/' };
    const signedIn = await fetch(`${base}/signin`, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams(form),
    });
    const cookie = signedIn.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    for (const answer of ['yes', 'no']) {
      const client = WireClient.bare(all.stack.ports.postgres);
      client.send(
        startupMessage([
          ['user', 'browser'],
          ['database', 'shop'],
        ]),
      );
      const notice = (await client.until('N')).at(-1)?.body.toString('utf8') ?? '';
      const [link = '', code = ''] = /http:\S+user_code=([A-Z-]{9})/.exec(notice) ?? [];
      assert.match(await (await fetch(link, { headers: { cookie } })).text(), /Asked from<\/dt><dd>127\.0\.0\.1/);
      await fetch(`${base}/device`, {
        method: 'POST',
        headers: { cookie },
        body: new URLSearchParams({ user_code: code, answer }),
      });
      const welcome = await client.ready();
      if (answer === 'yes') assert.equal(rowsOf(await client.ask(query('select count(*) from orders'))), 1);
      else assert.match(errorOf(welcome) ?? '', /nobody signed in with the link/);
      await client.end();
    }
  });

  describe('codes', () => {
    const proof = () => {
      const verifier = randomBytes(32).toString('base64url');
      return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
    };
    let cookie: string;
    before(async () => {
      const form = { user: 'paula', password: 'paulas-password', return: '/' };
      const response = await fetch(`${base}/signin`, {
        method: 'POST',
        redirect: 'manual',
        body: new URLSearchParams(form),
      });
      cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? '';
      assert.match(response.headers.getSetCookie()[0] ?? '', /HttpOnly; SameSite=Lax/);
    });
    const ask = (fields: Record<string, string>, method = 'POST'): Promise<Response> => {
      const asked = new URLSearchParams({
        response_type: 'code',
        client_id: 'sallyport-cli',
        redirect_uri: redirectUri,
        code_challenge_method: 'S256',
        state: 's',
        answer: 'yes',
        ...fields,
      });
      const target = method === 'POST' ? `${base}/oauth/authorize` : `${base}/oauth/authorize?${asked}`;
      return fetch(target, {
        method,
        redirect: 'manual',
        headers: { cookie },
        ...(method === 'POST' ? { body: asked } : {}),
      });
    };
    const codeOf = async (challenge: string): Promise<string> => {
      const location = (await ask({ code_challenge: challenge })).headers.get('location') ?? '';
      assert.equal(new URL(location).searchParams.get('iss'), base);
      return new URL(location).searchParams.get('code') ?? '';
    };
    const redeem = (code: string, verifier: string, more: Record<string, string> = {}) =>
      post('/oauth/token', {
        grant_type: 'authorization_code',
        client_id: 'sallyport-cli',
        code,
        redirect_uri: redirectUri,
        code_verifier: verifier,
        ...more,
      });

    it('a person is asked before a program gets one', async () => {
      const response = await ask({ code_challenge: proof().challenge }, 'GET');
      assert.equal(response.status, 200);
      assert.match(
        response.headers.get('content-security-policy') ?? '',
        /form-action 'self' http:\/\/127\.0\.0\.1:4711/,
      );
    });

    it('works once; a second use takes back what the first gave', async () => {
      const { verifier, challenge } = proof();
      const code = await codeOf(challenge);
      const { status, body } = await redeem(code, verifier);
      assert.equal(status, 200);
      const token = String(body['access_token']);
      assert.equal((await psql(all.stack.conninfo('shop'), 'select 1', { password: token })).out.trim(), '1');
      assert.equal((await redeem(code, verifier)).body['error'], 'invalid_grant');
      assert.match(
        (await psql(all.stack.conninfo('shop'), 'select 1', { password: token })).err,
        /not known, or it was revoked/,
      );
      // The whole sign-in is over, the browser's too.
      assert.match((await ask({ code_challenge: challenge })).headers.get('location') ?? '', /^\/signin\?/);
      const form = { user: 'paula', password: 'paulas-password', return: '/' };
      const again = await fetch(`${base}/signin`, {
        method: 'POST',
        redirect: 'manual',
        body: new URLSearchParams(form),
      });
      cookie = again.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    });

    it('is of no use to whoever did not ask for it', async () => {
      const { verifier, challenge } = proof();
      for (const [verify, more] of [
        [proof().verifier, {}],
        [verifier, { redirect_uri: 'http://127.0.0.1:4712/signed-in' }],
        [verifier, { client_id: 'sallyport-console' }],
        [challenge, {}],
      ] as const) {
        assert.equal((await redeem(await codeOf(challenge), verify, more)).body['error'], 'invalid_grant');
      }
      assert.equal((await redeem(await codeOf(challenge), verifier, { client_id: 'stranger' })).status, 401);
    });

    it('goes to no other address, and not without a challenge', async () => {
      const { challenge } = proof();
      for (const evil of [
        'http://localhost:1/x',
        'https://evil.example/',
        'http://127.0.0.1.evil.example:1/',
        'http://127.0.0.1/x',
        'http://127.0.0.1:1@evil.example/',
        '',
      ]) {
        const response = await ask({ code_challenge: challenge, redirect_uri: evil });
        assert.deepEqual([response.status, response.headers.get('location')], [400, null], evil);
      }
      assert.equal((await ask({ code_challenge: challenge, client_id: 'stranger' })).status, 400);
      for (const weaker of [
        { code_challenge_method: 'plain', code_challenge: 'x'.repeat(43) },
        { code_challenge: '' },
        { code_challenge: 'short' },
      ]) {
        assert.match((await ask(weaker)).headers.get('location') ?? '', /error=invalid_request/);
      }
    });

    it('a page of another origin cannot say yes', async () => {
      const body = new URLSearchParams({ client_id: 'sallyport-cli', answer: 'yes' });
      for (const origin of ['https://evil.example', 'null']) {
        const response = await fetch(`${base}/oauth/authorize`, { method: 'POST', headers: { cookie, origin }, body });
        assert.equal(response.status, 403);
      }
    });

    it('a device’s code cannot be guessed, and waits for its interval', async () => {
      const begun = await post('/oauth/device_authorization', { client_id: 'sallyport-cli' });
      const poll = () =>
        post('/oauth/token', {
          grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
          client_id: 'sallyport-cli',
          device_code: String(begun.body['device_code']),
        });
      assert.equal((await poll()).body['error'], 'authorization_pending');
      assert.equal((await poll()).body['error'], 'slow_down');
      assert.equal(
        (
          await post('/oauth/token', {
            grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
            client_id: 'sallyport-cli',
            device_code: 'guess',
          })
        ).body['error'],
        'expired_token',
      );
      let throttled = false;
      for (let tries = 0; tries < 80 && !throttled; tries++) {
        const answer = await fetch(`${base}/device?user_code=BCDF-GHJ${'KLMNPQRSTV'[tries % 10]}`, {
          headers: { cookie },
        });
        throttled = /too many codes/i.test(await answer.text());
      }
      assert.ok(throttled);
    });
  });

  it('says what libpq and others look for', async () => {
    const metadata = (await (await fetch(`${base}/.well-known/openid-configuration`)).json()) as Record<
      string,
      unknown
    >;
    assert.equal(metadata['issuer'], base);
    assert.equal(metadata['device_authorization_endpoint'], `${base}/oauth/device_authorization`);
    assert.deepEqual(metadata['code_challenge_methods_supported'], ['S256']);
  });

  describe('a CI job', () => {
    let issuer: TestIssuer;
    before(async () => {
      issuer = await TestIssuer.start();
      await all.stack.apply(`
kind: ServiceAccount
name: deploy
spec: { groups: [engineering] }
---
kind: WorkloadIdentity
name: actions
spec:
  issuer: "${issuer.url}"
  audience: sallyport
  match:
    - claims: { repository: acme/shop, ref: "refs/heads/release-*" }
      serviceAccount: deploy
      connection: shop`);
    });
    after(() => issuer.down());
    const exchange = async (claims: Record<string, unknown>, header = {}): Promise<Answer> =>
      post('/oauth/token', {
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
        subject_token: await issuer.token(claims, header),
      });
    const right = {
      repository: 'acme/shop',
      ref: 'refs/heads/release-7',
      sub: 'repo:acme/shop:ref:refs/heads/release-7',
    };

    it('brings its platform’s token and gets one for its one connection', async () => {
      const { status, body } = await exchange(right);
      assert.equal(status, 200);
      assert.equal(body['token_type'], 'Bearer');
      const password = String(body['access_token']);
      assert.equal(
        (await psql(all.stack.conninfo('shop'), 'select count(*) from orders', { password })).out.trim(),
        '100',
      );
      assert.match(
        (await psql(all.stack.conninfo('nowhere'), 'select 1', { password })).err,
        /opens the connection "shop" only/,
      );
      const tail = await all.stack.cli(['audit', 'tail', '--type', 'admin.token-exchanged', '-o', 'json']);
      assert.match(tail.out, /"workload":"actions"/);
      assert.ok(!tail.out.includes(password));
    });

    for (const [what, claims] of Object.entries({
      'another repository': { ...right, repository: 'acme/shop-evil' },
      'another branch': { ...right, ref: 'refs/heads/main' },
      'a claim that is missing': { ...right, ref: undefined },
      'another audience': { ...right, aud: 'somebody-else' },
      'an end that is past': { ...right, exp: Math.floor(Date.now() / 1000) - 3600 },
      'another issuer': { ...right, iss: 'http://127.0.0.1:9' },
    })) {
      it(`${what} gets nothing`, async () => {
        const { status, body } = await exchange(claims);
        assert.equal(status, 400);
        assert.equal(body['access_token'], undefined);
      });
    }

    it('a token without a signature, or signed with the public key as a secret, gets nothing', async () => {
      const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
      const claims = part(issuer.claims(right));
      for (const alg of ['none', 'HS256']) {
        const { status } = await post('/oauth/token', {
          grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
          subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
          subject_token: `${part({ alg, typ: 'JWT' })}.${claims}.${alg === 'none' ? '' : 'AAAA'}`,
        });
        assert.equal(status, 400);
      }
    });

    it('a rule that would let anybody in is refused', async () => {
      const spec = `kind: WorkloadIdentity\nname: open\nspec: { preset: github, audience: x, match: [{ claims: { repository: "*" }, serviceAccount: deploy }] }`;
      await assert.rejects(all.stack.apply(spec), /pattern of stars alone/);
    });
  });

  it('nothing secret is in the log or in the store’s files', async () => {
    for (const line of all.stack.log)
      assert.ok(!line.includes(clientSecret) && !line.includes('paulas-password'), line);
    for (const name of readdirSync(all.stack.dataFolder).filter((one) => one.startsWith('store'))) {
      const text = readFileSync(join(all.stack.dataFolder, name)).toString('latin1');
      assert.ok(!text.includes(clientSecret) && !text.includes('paulas-password'), name);
    }
  });
});
