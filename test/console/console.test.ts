import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { canaries, Fixture } from '../end-to-end/fixture.ts';
import { Browser } from './browser.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const dist = join(import.meta.dirname, '../../gateway/console/dist');
const more = `
kind: User
name: paula
spec: { groups: [dba, admins], password: paulas-password }
---
kind: User
name: omar
spec: { groups: [engineering], password: omars-password }
`;

interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string }[];
}

/** What axe calls serious or worse. Run by the test, outside of the page's own policy. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const found = (await page.evaluate('axe.run()')) as { violations: Violation[] };
  return found.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`);
}

describe('the web console', () => {
  let all: Fixture;
  let browser: Browser;
  let base: string;
  before(async () => {
    all = await Fixture.start();
    await all.stack.apply(more);
    base = `http://127.0.0.1:${all.stack.ports.web}`;
    await all.psql('alice', 'select id, name, email from users order by id; select 1/0; drop table orders; select 2');
    browser = await Browser.start();
  });
  after(async () => {
    await browser?.stop();
    await all.stop();
  });

  async function signedIn(user = 'paula', from = browser): Promise<Page> {
    const page = await from.page();
    await from.forget();
    await page.goto(base);
    await page.fill('[name=user]', user);
    await page.fill('[name=password]', `${user}s-password`);
    await page.click('button[type=submit]');
    await page.waitForSelector('.nav');
    return page;
  }
  /** By the links, as a person goes: the tab's token stays. */
  const go = async (page: Page, name: string): Promise<void> =>
    page.locator('.nav').getByText(name, { exact: true }).click();

  it('asks who one is, says plainly that a password is wrong, and keeps no token of a tab that is gone', async () => {
    const page = await browser.page();
    await page.goto(`${base}/sessions`);
    await page.fill('[name=user]', 'paula');
    await page.fill('[name=password]', 'wrong');
    await page.click('button[type=submit]');
    await page.waitForSelector('.error');
    assert.match((await page.textContent('.error')) ?? '', /user or the password is wrong/);
    await page.fill('[name=password]', 'paulas-password');
    await page.click('button[type=submit]');
    await page.waitForSelector('.line');
    assert.equal(new URL(page.url()).pathname, '/sessions');
    await page.getByLabel('Sign out').click();
    await page.waitForSelector('[name=user]');
    assert.equal(await page.evaluate('sessionStorage.getItem("sallyport.token")'), null);
    const fresh = await browser.page();
    await fresh.goto(base);
    await fresh.waitForSelector('[name=user]');
    browser.complaints.length = 0;
  });

  it('shows what goes on', async () => {
    const page = await signedIn();
    await page.getByText('agents up').waitFor();
    await page.getByText('1 / 1').waitFor();
    const spoken = await page
      .getByRole('img', { name: /In the last hour \d+ actions were allowed/ })
      .getAttribute('aria-label');
    assert.match(spoken ?? '', /[1-9]\d* denied/);
    await page.close();
  });

  it('an approval is decided by keyboard while psql waits, live', async () => {
    const page = await signedIn();
    await go(page, 'Approvals');
    const waiting = all.psql('alice', 'truncate orders');
    await page.getByText('truncate orders').first().waitFor();
    await page.keyboard.press('j');
    await page.locator('.sql').waitFor();
    assert.match((await page.textContent('.sql')) ?? '', /truncate orders/);
    await page.keyboard.press('a');
    const { out, err } = await waiting;
    assert.match(`${out}${err}`, /TRUNCATE TABLE|NOTICE/);
    await page.getByText('All is decided').or(page.getByText('approved').first()).first().waitFor();
    await page.getByText('Nothing waits').waitFor();
    await page.close();
  });

  it('a rejection needs a reason, which the requester reads', async () => {
    const page = await signedIn();
    await go(page, 'Approvals');
    const waiting = all.psql('alice', 'truncate users');
    await page.getByText('truncate users').first().waitFor();
    await page.keyboard.press('j');
    await page.getByRole('button', { name: 'Reject' }).waitFor();
    assert.ok(await page.getByRole('button', { name: 'Reject' }).isDisabled());
    await page.keyboard.press('r');
    await page.keyboard.type('not on a Tuesday');
    await page.getByRole('button', { name: 'Reject' }).click();
    assert.match((await waiting).err, /not on a Tuesday/);
    await page.close();
  });

  it('replays a session statement by statement, as the client saw it, and links to a moment', async () => {
    const page = await signedIn();
    await go(page, 'Sessions');
    await page.fill('input[type=search]', 'alice shop');
    await page.locator('.line').last().click();
    await page.locator('.timeline button').first().click();
    const table = (await page.textContent('.cells')) ?? '';
    assert.match(table, /Anna\s*\[redacted\]/);
    assert.ok(!(await page.content()).includes(canaries.email));
    await page.locator('.timeline').getByText('refused').waitFor();
    await page.locator('.timeline').getByText('failed').click();
    assert.match((await page.textContent('[aria-label=Statement]')) ?? '', /22012 division by zero/);
    const link = page.url();
    assert.match(link, /\?at=\d/);
    await page.reload();
    await page.getByText('22012 division by zero').waitFor();
    await page.getByRole('button', { name: 'Play' }).click();
    await page.locator('.timeline [aria-current=true]').getByText('the client left').waitFor();
    await page.close();
  });

  it('looks on while a session lives, and ends it', async () => {
    const client = await all.client('alice');
    const ended = new Promise<Error>((resolve) => client.on('error', resolve));
    await client.query('select 41 + 1 as answer');
    const page = await signedIn();
    await go(page, 'Sessions');
    await page.getByLabel('living only').check();
    await page.locator('.line').first().click();
    await page.locator('.cells').getByText('42').waitFor();
    await client.query(`select 'and later' as more`);
    await page.locator('.cells').getByText('and later').waitFor();
    await page.getByRole('button', { name: 'End session' }).click();
    await page.getByLabel('Reason').fill('maintenance');
    await page.getByRole('button', { name: 'End it' }).click();
    assert.match((await ended).message, /maintenance/);
    await page.close();
  });

  it('makes a token that works as a password, once shown', async () => {
    const page = await signedIn('omar');
    assert.equal(await page.locator('.nav').getByText('Audit').count(), 0);
    await go(page, 'My access');
    await page.getByRole('button', { name: 'Make' }).click();
    const token = (await page.locator('.copyable code').textContent()) ?? '';
    assert.match(token, /^spt_/);
    await go(page, 'Connections');
    const line = (await page.locator('.copyable code').first().textContent()) ?? '';
    assert.match(line, /^psql "host=/);
    await go(page, 'My access');
    assert.equal(await page.locator('.copyable').count(), 0);
    await page.close();
  });

  it('the journal is searched and verified', async () => {
    const page = await signedIn();
    await go(page, 'Audit');
    await page.fill('[name=type]', 'policy.decision');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByText('drop table orders').first().waitFor();
    await page.getByRole('button', { name: 'Verify the chain' }).click();
    await page.getByText('the chain holds').waitFor();
    await page.close();
  });

  for (const dark of [false, true]) {
    it(`axe finds nothing serious, ${dark ? 'dark' : 'light'}`, async () => {
      const own = await Browser.start({ dark, width: dark ? 420 : 1280 });
      try {
        const page = await own.page();
        await page.goto(base);
        await page.waitForSelector('[name=user]');
        assert.deepEqual(await violations(page), []);
        await page.close();
        const inside = await signedIn('paula', own);
        for (const name of [
          'Overview',
          'Approvals',
          'Sessions',
          'Connections',
          'Policy',
          'Agents',
          'Audit',
          'My access',
        ]) {
          await go(inside, name);
          await inside.getByRole('heading', { name, level: 1 }).waitFor();
          await inside.locator('.spinner').first().waitFor({ state: 'detached' });
          assert.deepEqual(await violations(inside), [], name);
        }
        await go(inside, 'Sessions');
        await inside.locator('.line').last().click();
        await inside.locator('.timeline button').first().click();
        assert.deepEqual(await violations(inside), [], 'a session');
        assert.deepEqual(own.complaints, []);
      } finally {
        await own.stop();
      }
    });
  }

  it('no page broke its own content policy or threw', () => {
    assert.deepEqual(browser.complaints, []);
  });

  it('says the same to strangers whatever the path, with a strict policy', async () => {
    const answer = await fetch(`${base}/sessions/abc`);
    assert.equal(answer.status, 200);
    const policy = answer.headers.get('content-security-policy') ?? '';
    assert.match(policy, /default-src 'none'; script-src 'self' 'wasm-unsafe-eval';/);
    assert.doesNotMatch(policy, /'unsafe/);
    assert.equal((await fetch(`${base}/nothing/here`)).status, 404);
    assert.equal((await fetch(`${base}/assets/..%2f..%2fpackage.json`)).status, 404);
    assert.equal((await fetch(`${base}/assets/%2e%2e/nothing.html`)).status, 404);
    const etag = answer.headers.get('etag') ?? '';
    assert.equal((await fetch(base, { headers: { 'if-none-match': etag } })).status, 304);
  });

  it('the first load is under 300 kB, compressed', () => {
    const bytes = readdirSync(join(dist, 'assets'))
      .filter((name) => /^(?:index|overview)-/.test(name))
      .reduce((sum, name) => sum + gzipSync(readFileSync(join(dist, 'assets', name))).length, 0);
    assert.ok(bytes < 300_000, `${bytes} bytes`);
  });
});
