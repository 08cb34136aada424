import assert from 'node:assert/strict';
import { it } from 'node:test';
import { federationOf } from '@sallyport/gateway/src/identity/federation/federation.ts';
import { chromium } from 'playwright-core';
import { accepted } from './expectations.ts';
import { clientId, clientSecret, OpenIdProvider, redirectUri } from './openid-provider.ts';

it('a person signs in with Chromium', { timeout: 60_000 }, async () => {
  const op = await OpenIdProvider.start();
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  try {
    const spec = { type: 'oidc', issuer: op.url, clientId, clientSecret } as const;
    const provider = federationOf([{ name: 'corp', spec }], { publicUrl: 'http://x' }).provider('corp');
    assert.ok(provider !== undefined);
    const { location, memory } = await provider.begin({ state: 'the-state', redirectUri });
    const page = await browser.newPage();
    const back = page.waitForRequest((request) => request.url().startsWith(redirectUri));
    await page.goto(location);
    await page.fill('input[name=login]', 'alice');
    await page.fill('input[name=password]', 'any');
    await page.click('button[type=submit]');
    // Nobody listens where it goes afterwards: the page that fails is no concern of this test.
    await page.click('button[type=submit]').catch(() => undefined);
    const { principal } = await accepted(provider.complete({ url: new URL((await back).url()) }, memory));
    assert.equal(principal.name, 'alice@example.com');
  } finally {
    await browser.close();
    await op.stop();
  }
});
