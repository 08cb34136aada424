import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { SshFixture } from './fixture.ts';

describe('files over SFTP are judged one by one', { timeout: 180_000 }, () => {
  let fixture: SshFixture;
  let there: string;

  before(async () => {
    fixture = await SshFixture.start();
    there = mkdtempSync(join(tmpdir(), 'sallyport-files-'));
    await fixture.stack.apply(`
kind: Rule
name: no-secrets
spec: { who: { any: true }, when: 'action.paths.exists(path, path.contains("/secret"))', then: deny, reason: secrets stay here }
---
kind: Rule
name: nothing-is-removed
spec: { who: { groups: [engineering] }, actions: [sftp.remove], then: deny }
---
kind: Rule
name: writes-are-asked-for
spec: { who: { groups: [engineering] }, when: 'action.kind == "sftp.open-write" && action.paths.exists(path, path.endsWith(".conf"))', then: approve, approvers: { groups: [ops], timeout: 30s } }
`);
  });
  after(async () => {
    await fixture?.stop();
    rmSync(there, { recursive: true, force: true });
  });

  const batch = (lines: string) => {
    writeFileSync(join(fixture.clients.folder, 'batch'), lines);
    return fixture.clients.run(fixture.tokens.alice, ['-o', 'BatchMode=no', '-b', 'batch', 'plain@127.0.0.1'], {
      command: 'sftp',
    });
  };

  it('what a rule refuses is refused by name, and the session lives on', async () => {
    writeFileSync(join(there, 'secret.txt'), 'hidden');
    writeFileSync(join(there, 'kept'), 'kept');
    const { status, out, err } = await batch(
      `cd ${there}\n-get secret.txt stolen\n-get ./../${there.split('/').at(-1)}/./secret.txt stolen\n-rm kept\nput batch copied\nls -1\n`,
    );
    assert.equal(status, 0, err);
    assert.match(err, /secret\.txt.*(?:ermission denied|not found)/i);
    assert.match(err, /kept: Permission denied/);
    assert.ok(!existsSync(join(fixture.clients.folder, 'stolen')));
    assert.ok(existsSync(join(there, 'kept')) && existsSync(join(there, 'copied')));
    assert.match(out, /copied/);
  });

  it('an approval holds the one request that needs it', async () => {
    const running = batch(`cd ${there}\nput batch app.conf\n`);
    const id = await fixture.pendingApproval();
    assert.ok(!existsSync(join(there, 'app.conf')));
    await fixture.stack.cli(['approvals', 'approve', id], fixture.tokens.dana);
    const { status, err } = await running;
    assert.equal(status, 0, err);
    assert.ok(existsSync(join(there, 'app.conf')));
  });

  it('a large file goes over whole, and the recording has its name, size and SHA-256', async () => {
    const bytes = randomBytes(60 * 1024 * 1024);
    writeFileSync(join(fixture.clients.folder, 'large'), bytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const { status, err } = await batch(`put large ${there}/large\nget ${there}/large back\n`);
    assert.equal(status, 0, err);
    assert.ok(readFileSync(join(fixture.clients.folder, 'back')).equals(bytes));
    const { sessions = [] } = await fixture.stack.call<{ sessions?: { id: string }[] }>('SessionService/ListSessions', {
      connection: 'plain',
      limit: 1,
    });
    const { out } = await fixture.stack.cli(['sessions', 'replay', sessions[0]?.id ?? '', '--speed', 'max']);
    assert.equal(out.split(sha256).length - 1, 2, out);
    const tail = await fixture.stack.cli([
      'audit',
      'tail',
      '-n',
      '20',
      '--session',
      sessions[0]?.id ?? '',
      '-o',
      'json',
    ]);
    assert.match(tail.out, /sftp\.open-write/);
    assert.match(tail.out, /sftp\.open-read/);
  });
});
