import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { credentialResolver } from '../credentials/resolver.ts';
import { SecretFence } from './secret-fence.ts';

const { signal } = new AbortController();

describe('variables that an agent gives away', () => {
  const may = (name: string, environment = {}) => new SecretFence(environment).mayReadVariable(name);

  it('are any but its own, where nothing is listed', () => {
    assert.ok(['APP_PW', 'PGPASSWORD', 'ISSUER_PW', 'MY_VAULT_TOKEN'].every((name) => may(name)));
    for (const own of [
      'SALLYPORT_JOIN_TOKEN',
      'VAULT_TOKEN',
      'bao_token',
      'AWS_SECRET_ACCESS_KEY',
      'AZURE_CLIENT_SECRET',
      'IDENTITY_HEADER',
      'GOOGLE_APPLICATION_CREDENTIALS',
      'NODE_OPTIONS',
    ]) {
      assert.ok(!may(own), own);
    }
  });

  it('are those that are listed, and still none of its own', () => {
    const listed = { SALLYPORT_SECRET_ENV: 'APP_PW, SHOP_*,VAULT_TOKEN' };
    assert.deepEqual(
      ['APP_PW', 'SHOP_PASSWORD', 'OTHER', 'VAULT_TOKEN'].map((name) => may(name, listed)),
      [true, true, false, false],
    );
    assert.ok(!may('APP_PW', { SALLYPORT_SECRET_ENV: '' }));
  });
});

describe('files that an agent gives away', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'fence-'));
    for (const name of ['open', 'openly', 'own']) mkdirSync(join(folder, name));
    mkdirSync(join(folder, 'open/..2026'));
    writeFileSync(join(folder, 'open/..2026/pw'), 'in');
    symlinkSync('..2026', join(folder, 'open/..data'));
    symlinkSync('..data/pw', join(folder, 'open/mounted'));
    writeFileSync(join(folder, 'open/pw'), 'in');
    writeFileSync(join(folder, 'openly/pw'), 'out');
    writeFileSync(join(folder, 'own/identity.json'), 'out');
    symlinkSync(join(folder, 'own/identity.json'), join(folder, 'open/link'));
    symlinkSync(join(folder, 'own'), join(folder, 'open/linked'));
    symlinkSync(join(folder, 'open'), join(folder, 'alias'));
  });
  after(() => rmSync(folder, { recursive: true }));

  const read = (path: string, environment: Record<string, string> = { SALLYPORT_SECRET_FILES: join(folder, 'open') }) =>
    credentialResolver({}, () => undefined, environment).resolve(`file:${path}`, signal);

  it('lie in its folders, also as Kubernetes mounts them', async () => {
    for (const name of ['pw', 'mounted', '../open/pw', './pw'])
      assert.equal(await read(join(folder, 'open', name)), 'in');
    const alias = { SALLYPORT_SECRET_FILES: join(folder, 'alias') };
    for (const path of ['alias/pw', 'open/pw']) assert.equal(await read(join(folder, path), alias), 'in');
  });

  it('lie nowhere else, whatever path or link leads there', async () => {
    for (const path of [
      'openly/pw',
      'open/../own/identity.json',
      'open/link',
      'open/linked/identity.json',
      'openly/none',
      'own/identity.json',
    ]) {
      await assert.rejects(
        read(join(folder, path)),
        /this agent gives no secret out of that folder.*SALLYPORT_SECRET_FILES/,
        path,
      );
    }
    for (const path of ['/etc/passwd', '/proc/self/environ', '/run/secrets/kubernetes.io/serviceaccount/token']) {
      await assert.rejects(read(path), /gives no secret out of that folder/);
      await assert.rejects(read(path, {}), /gives no secret out of that folder/);
    }
    await assert.rejects(read(join(folder, 'open/none')), /there is no such file/);
  });

  it('are never the agent’s own, in whatever folder', async () => {
    const fence = new SecretFence({ SALLYPORT_SECRET_FILES: folder }, { closed: [join(folder, 'own')] });
    assert.equal(await fence.openPath(join(folder, 'own/identity.json')), undefined);
    assert.equal(await fence.openPath(join(folder, 'open/link')), undefined);
    assert.notEqual(await fence.openPath(join(folder, 'openly/pw')), undefined);
  });

  it('are what systemd hands over, too', async () => {
    assert.equal(await read(join(folder, 'open/pw'), { CREDENTIALS_DIRECTORY: join(folder, 'open') }), 'in');
  });
});

describe('references that an agent looks up', () => {
  const resolver = (environment: Record<string, string>) =>
    credentialResolver({}, () => undefined, { APP_PW: 'hush', VAULT_TOKEN: 'own', ...environment });

  it('are those that are listed, of every source', async () => {
    const listed = resolver({ SALLYPORT_SECRETS: 'env:APP_PW,vault:secret/app/*' });
    assert.equal(await listed.resolve('env:APP_PW', signal), 'hush');
    for (const other of ['env:OTHER', 'vault:secret/other', 'file:/run/secrets/x', 'aws-sm:x']) {
      await assert.rejects(listed.resolve(other, signal), (error: Error) => {
        assert.match(error.message, /this agent does not look that up.*SALLYPORT_SECRETS/);
        assert.doesNotMatch(error.message, /hush/);
        return true;
      });
      await assert.rejects(listed.login({ username: 'app', password: other }, signal), /does not look that up/);
    }
    assert.equal(await listed.resolve('literal:given', signal), 'given');
  });

  it('never name the agent’s own variables', async () => {
    await assert.rejects(resolver({}).resolve('env:VAULT_TOKEN', signal), /that variable is the agent’s own/);
    await assert.rejects(
      resolver({ SALLYPORT_SECRET_ENV: 'X' }).resolve('env:APP_PW', signal),
      /not list that variable in SALLYPORT_SECRET_ENV/,
    );
  });
});
