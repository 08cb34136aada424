import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { makeKeyFile, readKey } from './key-source.ts';
import { openKeyring } from './open-keyring.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-keys-'));
after(() => rmSync(folder, { recursive: true }));
const key = randomBytes(32);
const written = (name: string, content: string | Buffer): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};

describe('a key', () => {
  it('from a file: as it is, base64 or hex', async () => {
    for (const [name, content] of [
      ['raw', key],
      ['base64', `${key.toString('base64')}\n`],
      ['url', key.toString('base64url')],
      ['hex', `${key.toString('hex')}\r\n`],
    ] as const) {
      assert.deepEqual(await readKey({ from: 'file', path: written(name, content) }), key, name);
    }
  });

  it('from a variable, from a command', async () => {
    process.env['SEALING_TEST_KEY'] = key.toString('base64');
    assert.deepEqual(await readKey({ from: 'env', name: 'SEALING_TEST_KEY' }), key);
    const path = written('for-command', key.toString('base64'));
    assert.deepEqual(await readKey({ from: 'command', line: `cat '${path}'` }), key);
  });

  it('that is none is refused without being repeated', async () => {
    const path = written('short', 'canary-not-a-key');
    for (const source of [
      { from: 'file', path },
      { from: 'file', path: join(folder, 'nowhere') },
      { from: 'env', name: 'SEALING_TEST_NOT_SET' },
      { from: 'command', line: `cat '${path}'` },
      { from: 'command', line: `cat '${path}' >&2; exit 3` },
      { from: 'command', line: 'yes canary' },
    ] as const) {
      await assert.rejects(readKey(source), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'ERR_SECRETS_UNAVAILABLE');
        assert.ok(!error.message.includes('canary'), error.message);
        return true;
      });
    }
  });

  it('that was made is its owner’s alone', async () => {
    const path = join(folder, 'made', 'secrets.key');
    makeKeyFile(path);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal((await readKey({ from: 'file', path })).length, 32);
  });

  it('is not made in place of one that was lost', async () => {
    const data = join(folder, 'lost');
    await assert.rejects(openKeyring({ older: [] }, data, ['abcdefabcdef']), /secrets\.key is missing.*abcdefabcdef/);
    assert.equal(statSync(data, { throwIfNoEntry: false }), undefined);
    const first = await openKeyring({ older: [] }, data, []);
    assert.equal((await openKeyring({ older: [] }, data, [first.currentId])).currentId, first.currentId);
  });
});
