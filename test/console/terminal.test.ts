import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { SshFixture } from '../end-to-end/ssh/fixture.ts';
import { Browser } from './browser.ts';

describe('the console plays terminals', { timeout: 120_000 }, () => {
  let all: SshFixture;
  let browser: Browser;

  before(async () => {
    all = await SshFixture.start();
    await all.stack.apply('kind: User\nname: paula\nspec: { groups: [ops, admins], password: paulas-password }\n');
    await all.ssh('dana', ['-tt', 'printf "\\033[1;32mgreen\\033[0m and plain\\n"; stty size; exit 3']);
    browser = await Browser.start();
  });
  after(async () => {
    await browser?.stop();
    await all?.stop();
  });

  it('an SSH session: what it showed, as it was shown', async () => {
    const base = `http://127.0.0.1:${all.stack.ports.web}`;
    const page = await browser.page();
    await page.goto(base);
    await page.fill('[name=user]', 'paula');
    await page.fill('[name=password]', 'paulas-password');
    await page.click('button[type=submit]');
    await page.waitForURL(`${base}/`);
    const { sessions = [] } = await all.stack.call<{ sessions?: { id: string }[] }>('SessionService/ListSessions', {});
    await page.goto(`${base}/sessions/${sessions[0]?.id}`);
    await page.waitForSelector('.ap-player');
    await page.waitForSelector('.ap-term >> text=and plain');
    assert.match(await page.innerText('.ap-term'), /green\s+and plain/);
    assert.match(await page.innerText('main'), /ended with 3/);
    if (process.env['SCREENSHOTS'] !== undefined)
      await page.screenshot({ path: `${process.env['SCREENSHOTS']}/terminal.png` });
    assert.deepEqual(browser.complaints, []);
  });
});
