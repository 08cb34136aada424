import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { SecretFence } from '../boundary/secret-fence.ts';
import { environmentSource } from './env.ts';
import { fileSource } from './file.ts';
import { credentialResolver } from './resolver.ts';

const { signal } = new AbortController();
const resolver = credentialResolver({
  env: async () => environmentSource({ APP_PW: 'hush', EMPTY: '' }, new SecretFence({})),
  broken: async () => ({ secret: () => Promise.reject(new Error('token=hush')) }),
});

test('resolves a variable, a literal and a literal with a prefix', async () => {
  assert.equal(await resolver.resolve('env:APP_PW', signal), 'hush');
  assert.equal(await resolver.resolve('p4ss', signal), 'p4ss');
  assert.equal(await resolver.resolve('literal:env:x', signal), 'env:x');
});

test('says which source, which name and why', async () => {
  await assert.rejects(resolver.resolve('env:NOPE', signal), {
    code: 'ERR_CREDENTIAL_UNRESOLVED',
    message: 'The credential env:NOPE could not be resolved: the agent’s environment has no variable NOPE.',
  });
  await assert.rejects(resolver.resolve('env:EMPTY', signal), /EMPTY is empty/);
});

test('an unknown prefix names the nearest one and repeats nothing of what may be a password', async () => {
  await assert.rejects(resolver.resolve('evn:APP_PW', signal), (error: Error) => {
    assert.match(error.message, /Did you mean env:\?/);
    assert.doesNotMatch(error.message, /evn|APP_PW/);
    return true;
  });
  await assert.rejects(resolver.resolve('qqqqqqqqqq:x', signal), (error: Error) => !error.message.includes('Did you'));
});

test('a failing source keeps its own text out of the message', async () => {
  await assert.rejects(resolver.resolve('broken:x', signal), (error: Error) => !error.message.includes('hush'));
});

test('a file is read anew at each use, without its last line break, with a warning when others can read it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'secrets-'));
  const path = join(folder, 'pw');
  const warnings: string[] = [];
  const listed = { SALLYPORT_SECRET_FILES: folder };
  const source = fileSource((text) => warnings.push(text), new SecretFence(listed));
  const resolver = credentialResolver({}, () => undefined, listed);
  try {
    await writeFile(path, 'one\n', { mode: 0o644 });
    assert.equal(await source.secret(path, signal), 'one');
    await writeFile(path, 'two \r\n');
    assert.equal(await source.secret(path, signal), 'two ');
    assert.deepEqual(warnings, [`The secret file ${path} can be read by other users; chmod 600 it.`]);
    await writeFile(path, '\n');
    await assert.rejects(source.secret(path, signal), /empty/);
    await assert.rejects(
      resolver.resolve(`file:${path}.gone`, signal),
      /pw\.gone could not be resolved: there is no such/,
    );
    await assert.rejects(resolver.resolve('file:pw', signal), /absolute/);
    await mkdir(join(folder, 'within'));
    await assert.rejects(source.secret(join(folder, 'within'), signal), /regular file/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
