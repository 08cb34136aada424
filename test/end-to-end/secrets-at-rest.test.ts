import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { psql } from '../harness/psql.ts';
import { Fixture, inDatabase } from './fixture.ts';

const targetPassword = 'canary-target-93ZkQ';
const userPassword = 'canary-user-77HxP';
const root = join(import.meta.dirname, '../..');

describe('secrets at rest', () => {
  let all: Fixture;
  let configuration = '';
  before(async () => {
    all = await Fixture.start();
    await inDatabase(all.database, `create role keeper login password '${targetPassword}'`);
    configuration = readFileSync(join(all.stack.folder, 'gateway.yaml'), 'utf8');
  });
  after(() => all.stop());

  const vault = (password: string): string => `kind: Connection
name: vault
spec:
  protocol: postgres
  agent: test-agent
  target: { host: 127.0.0.1, port: ${all.database.port}, database: postgres, tls: disable }
  credential: { username: keeper, password: ${JSON.stringify(password)} }
`;
  const opens = async (): Promise<string> => {
    const token = await all.stack.token('alice');
    const { out, err } = await psql(all.stack.conninfo('vault'), 'select current_user;', { password: token });
    return out.trim() || err;
  };

  /** Files of the data folder that hold a text, in the clear, in base64 or in UTF-16. */
  function filesWith(canary: string): string[] {
    const forms = [Buffer.from(canary), Buffer.from(canary, 'utf16le')];
    const middle = Buffer.from(canary).toString('base64').slice(0, -4);
    return readdirSync(all.stack.dataFolder, { recursive: true, encoding: 'utf8' })
      .map((name) => join(all.stack.dataFolder, name))
      .filter((path) => statSync(path).isFile())
      .filter((path) => {
        const bytes = readFileSync(path);
        return [...forms, Buffer.from(middle)].some((form) => bytes.includes(form));
      });
  }

  const restarted = async (more: string): Promise<void> => {
    await all.stack.kill('gateway');
    writeFileSync(join(all.stack.folder, 'gateway.yaml'), `${configuration}${more}\n`);
    await all.stack.startGateway();
    await all.stack.agentUp();
  };

  /** A start that must not succeed. */
  async function refused(more: string, args: readonly string[] = []): Promise<{ code: number; said: string }> {
    const path = join(all.stack.folder, 'other.yaml');
    writeFileSync(path, `${configuration}${more}\n`);
    const main = join(root, 'gateway/src/main.ts');
    const child = spawn(process.execPath, [main, '--config', path, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
    const closed = once(child, 'close');
    const said = await text(child.stderr);
    await closed;
    return { code: child.exitCode ?? -1, said };
  }

  it('the search for canaries finds one that is there', async () => {
    const planted = join(all.stack.dataFolder, 'planted');
    writeFileSync(planted, `xx${targetPassword}xx`);
    assert.deepEqual(filesWith(targetPassword), [planted]);
    rmSync(planted);
  });

  it('a literal password and a user’s are used, shown as (set), and nowhere in the data folder', async () => {
    await all.stack.apply(
      `${vault(targetPassword)}---\nkind: User\nname: uma\nspec: { groups: [], password: ${userPassword} }\n`,
    );
    assert.equal(await opens(), 'keeper');
    const shown = await all.stack.cli(['get', 'Connection', '-o', 'json']);
    assert.ok(!shown.out.includes('canary') && !shown.out.includes('sealed:') && shown.out.includes('(set)'));
    assert.match(shown.out, /env:SHOP_PASSWORD/);
    for (const canary of [targetPassword, userPassword]) assert.deepEqual(filesWith(canary), []);
    assert.ok(!all.stack.log.join('\n').includes('canary'));
  });

  it('"(set)" keeps the one that is there, another replaces it, and none is invented', async () => {
    await all.stack.apply(vault('(set)'));
    assert.equal(await opens(), 'keeper');
    await assert.rejects(
      all.stack.apply(vault('(set)').replace('name: vault', 'name: elsewhere')),
      /no credential\.password is kept for this Connection/,
    );
    await assert.rejects(all.stack.apply(vault('sealed:v1:abcdefabcdef:AAAA')), /cannot be applied/);
  });

  it('the authority’s key and the key of hashes are sealed too', () => {
    for (const name of ['ca.key', 'mask.key']) {
      const path = join(all.stack.dataFolder, name);
      assert.match(readFileSync(path, 'utf8'), /^sealed:v1:/);
      assert.equal(statSync(path).mode & 0o777, 0o600);
    }
    assert.equal(statSync(join(all.stack.dataFolder, 'secrets.key')).mode & 0o777, 0o600);
    assert.deepEqual(filesWith('PRIVATE KEY'), []);
  });

  it('a new key, with the old one beside it, then alone', async () => {
    const key = join(all.stack.folder, 'new.key');
    writeFileSync(key, randomBytes(32).toString('base64'), { mode: 0o600 });
    const old = join(all.stack.dataFolder, 'secrets.key');
    await restarted(`secrets: { key: "command:cat ${key}", older: ["file:${old}"] }`);
    assert.ok(all.stack.log.some((line) => line.includes('secrets were sealed anew')));
    assert.equal(await opens(), 'keeper');
    renameSync(old, join(all.stack.folder, 'retired.key'));
    await restarted(`secrets: { key: "command:cat ${key}" }`);
    assert.equal(await opens(), 'keeper');
    assert.deepEqual(filesWith(targetPassword), []);
  });

  it('a wrong or a missing key: no start, and the message names it', async () => {
    await all.stack.kill('gateway');
    const sealed = readFileSync(join(all.stack.dataFolder, 'ca.key'), 'utf8');
    const [, , id] = sealed.split(':');
    const wrong = join(all.stack.folder, 'wrong.key');
    writeFileSync(wrong, randomBytes(32));
    for (const more of [`secrets: { key: "file:${wrong}" }`, '', 'secrets: { key: "env:NOT_THERE" }']) {
      const { code, said } = await refused(more);
      assert.equal(code, 1, said);
      assert.match(said, more.includes('env') ? /the variable NOT_THERE is not set/ : new RegExp(`the key ${id}`));
      assert.ok(!said.includes('canary'));
    }
    assert.match((await refused('secrets: { key: "hunter2hunter2" }')).said, /secrets\.key: must say where a key is/);
    assert.equal(readFileSync(join(all.stack.dataFolder, 'ca.key'), 'utf8'), sealed, 'nothing was changed');
    const right = join(all.stack.folder, 'new.key');
    const next = join(all.stack.folder, 'next.key');
    writeFileSync(next, randomBytes(32));
    const { code, said } = await refused(`secrets: { key: "file:${next}", older: ["file:${right}"] }`, ['--reseal']);
    assert.equal(code, 0, said);
    writeFileSync(join(all.stack.folder, 'gateway.yaml'), `${configuration}secrets: { key: "file:${next}" }\n`);
    await all.stack.startGateway();
    await all.stack.agentUp();
    assert.equal(await opens(), 'keeper');
    assert.match((await refused(`secrets: { key: "file:${next}" }`, ['--reseal'])).said, /held|another|holds/);
  });
});
