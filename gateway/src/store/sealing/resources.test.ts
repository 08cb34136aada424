import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { secretFields } from '../../config/secret-fields.ts';
import { Store } from '../store.ts';
import { Keyring } from './keyring.ts';
import { keysInUse, SealedResources } from './resources.ts';

const COUNT = 200;
const passwordOf = (n: number): string => `canary-password-${n}`;
const connection = (n: number, password = passwordOf(n)) => ({
  kind: 'Connection',
  name: `db-${String(n).padStart(3, '0')}`,
  spec: { protocol: 'postgres', credential: { username: 'app', password } },
  at: 1,
});

describe('sealed resources', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-sealed-'));
  const keys = [randomBytes(32), randomBytes(32), randomBytes(32)] as const;
  const files = keys.map((key, at) => {
    const path = join(folder, `key-${at}`);
    writeFileSync(path, key);
    return path;
  });
  const ids = keys.map((key) => new Keyring(key).currentId);
  let store: Store;
  before(async () => {
    store = await Store.open(folder);
  });
  after(async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  });
  const sealed = (...of: readonly Buffer[]) =>
    new SealedResources(store.resources, new Keyring(of[0] as Buffer, of.slice(1)), secretFields);
  const passwords = async (resources: SealedResources): Promise<unknown[]> =>
    (await resources.list()).map(({ spec }) => (spec['credential'] as { password?: unknown }).password);

  it('lie in the store without their secrets; references lie as they are', async () => {
    await sealed(keys[0]).put([connection(1), connection(2, 'env:PASSWORD'), { ...connection(3), kind: 'Unheard' }]);
    const raw = JSON.stringify(await store.resources.list('Connection'));
    assert.ok(!raw.includes('canary') && raw.includes('env:PASSWORD') && raw.includes('sealed:v1:'));
    assert.deepEqual(await passwords(sealed(keys[0])), [passwordOf(1), 'env:PASSWORD', passwordOf(3)]);
    await store.resources.remove('Unheard', 'db-003');
  });

  it('a secret that was moved to another resource does not open', async () => {
    const stored = await store.resources.get('Connection', 'db-001');
    assert.ok(stored);
    await store.resources.put([{ ...stored, name: 'db-009', source: undefined as never, at: 1 }]);
    await assert.rejects(sealed(keys[0]).list(), /Connection db-009 credential\.password does not open/);
    await store.resources.remove('Connection', 'db-009');
  });

  it('are sealed anew after a kill in the middle, with nothing lost', async () => {
    await sealed(keys[0]).put(Array.from({ length: COUNT }, (_, n) => connection(n)));
    const run = (current: number, older: number) =>
      spawn(
        process.execPath,
        [
          join(import.meta.dirname, 'testing/reseal-child.ts'),
          folder,
          files[current] as string,
          files[older] as string,
        ],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
    const killed = run(1, 0);
    const ended = once(killed, 'exit');
    let lines = 0;
    for await (const _ of createInterface({ input: killed.stdout })) {
      lines += 1;
      if (lines === 20) killed.kill('SIGKILL');
    }
    await ended;
    assert.equal(killed.signalCode, 'SIGKILL');
    assert.deepEqual([...(await keysInUse(store.resources, secretFields))].sort(), [ids[0], ids[1]].sort());
    const all = Array.from({ length: COUNT }, (_, n) => passwordOf(n));
    assert.deepEqual(await passwords(sealed(keys[1], keys[0])), all);
    // The new key alone does not open what was not reached, and says which key is missing.
    await assert.rejects(sealed(keys[1]).list(), new RegExp(`sealed with the key ${ids[0]}`));
    const rest = await sealed(keys[1], keys[0]).reseal();
    assert.ok(rest > 0 && rest < COUNT, `${rest}`);
    assert.deepEqual(await passwords(sealed(keys[1])), all);
    assert.equal(await sealed(keys[1]).reseal(), 0);
  });

  it('are left as they are where one of them does not open', async () => {
    const before = await store.resources.list();
    await assert.rejects(sealed(keys[2]).reseal(), new RegExp(ids[1] as string));
    assert.deepEqual(await store.resources.list(), before);
  });

  it('that were stored in the clear, before there were keys, are sealed at once', async () => {
    await store.resources.put([connection(1)]);
    assert.equal(await sealed(keys[1]).reseal(), 1);
    assert.ok(!JSON.stringify(await store.resources.list()).includes('canary'));
    assert.equal((await passwords(sealed(keys[1])))[1], passwordOf(1));
  });
});
