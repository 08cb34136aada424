import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { Fixture } from '../end-to-end/fixture.ts';
import { Browser } from './browser.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
assert.ok(existsSync(join(import.meta.dirname, '../../gateway/console/dist/index.html')), 'build the console first');

const resources = `
kind: User
name: omar
spec: { groups: [engineering], password: omars-password }
---
kind: Rule
name: shop-for-a-time
spec:
  who: { groups: [engineering] }
  connections: { names: [shop] }
  actions: [session.open]
  then: approve
  approvers: { groups: [dba], timeout: 30m }
  grant: { max: 4h, default: 90m, reason: required }
`;

describe('asking for access in the console', () => {
  let all: Fixture;
  let browser: Browser;
  let page: Page;
  before(async () => {
    all = await Fixture.start();
    await all.stack.apply(resources);
    browser = await Browser.start();
    page = await browser.page();
    await page.goto(`http://127.0.0.1:${all.stack.ports.web}`);
    await page.fill('[name=user]', 'omar');
    await page.fill('[name=password]', 'omars-password');
    await page.click('button[type=submit]');
    await page.waitForSelector('.nav');
    await page.locator('.nav').getByText('Connections', { exact: true }).click();
  });
  after(async () => {
    await browser?.stop();
    await all.stop();
  });

  const serious = async (): Promise<unknown> => {
    await page.evaluate(axe);
    const { violations } = (await page.evaluate('axe.run()')) as { violations: { id: string; impact: string }[] };
    return violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id }) => id);
  };
  const form = () => page.getByRole('form', { name: 'Request access to shop' });
  const mine = () => page.getByRole('region', { name: 'My requests' });
  const ask = async (reason: string, duration?: string): Promise<string> => {
    if (duration !== undefined) await form().getByLabel('For how long').selectOption({ label: duration });
    await form().getByLabel('Reason').fill(reason);
    await form().getByRole('button', { name: 'Request access' }).click();
    await page.getByText('You have asked; it waits for people').waitFor();
    return all.pendingApproval();
  };
  const decide = (id: string, choice: 'APPROVE' | 'REJECT', reason = '') =>
    all.stack.call('ApprovalService/DecideApproval', { id, choice: `CHOICE_${choice}`, reason }, all.tokens.dana);

  it('offers the times of the rule, the usual one first chosen, and says that nothing was asked', async () => {
    await mine().getByText('You have asked for nothing yet').waitFor();
    const choices = await form().getByLabel('For how long').locator('option').allTextContents();
    assert.deepEqual(choices, ['5 minutes', '15 minutes', '30 minutes', '1 hour', '90 minutes', '2 hours', '4 hours']);
    assert.equal(await form().getByLabel('For how long').inputValue(), String(90 * 60_000));
    assert.equal(await page.getByRole('form', { name: 'Request access to nowhere' }).count(), 0);
    assert.deepEqual(await serious(), []);
  });

  it('a reason that the rule wants is wanted by the form, and by the gateway', async () => {
    await form().getByRole('button', { name: 'Request access' }).click();
    assert.equal(
      await form()
        .getByLabel('Reason')
        .evaluate((field) => (field as unknown as { validity: { valueMissing: boolean } }).validity.valueMissing),
      true,
    );
    await form().getByLabel('Reason').fill('because');
    await form().getByRole('button', { name: 'Request access' }).click();
    await form().getByText('needs a reason: what it is for').waitFor();
    assert.match((await mine().textContent()) ?? '', /asked for nothing/);
  });

  it('a request is listed, taken back, and can be made anew', async () => {
    await ask('the nightly job is stuck', '2 hours');
    const row = mine().getByRole('row', { name: /shop/ });
    assert.match((await row.textContent()) ?? '', /shop2 hoursthe nightly job is stuckwaits/);
    assert.deepEqual(await serious(), []);
    await mine().getByRole('button', { name: 'Withdraw the request for shop' }).click();
    await mine().getByText('taken back').waitFor();
    await form().waitFor();
    assert.equal(await mine().getByRole('button').count(), 0);
  });

  it('a rejection is shown with its reason, without a click', async () => {
    const id = await ask('the nightly job is stuck');
    await decide(id, 'REJECT', 'use the replica');
    await mine().getByText('rejected by dana').waitFor();
    await mine().getByText('use the replica').waitFor();
  });

  it('an approval gives the connection, and says until when', async () => {
    const id = await ask('the nightly job is stuck', '30 minutes');
    await decide(id, 'APPROVE');
    await mine().getByText('approved by dana').waitFor();
    await page.getByText('Yours; it ends').waitFor();
    assert.equal(await form().count(), 0);
    assert.deepEqual(await serious(), []);
  });

  it('broke no policy of its own', () =>
    assert.deepEqual(
      browser.complaints.filter((one) => !/400|403|412/.test(one)),
      [],
    ));
});
