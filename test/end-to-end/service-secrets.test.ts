import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { psql } from '../harness/psql.ts';
import { Fixture } from './fixture.ts';

describe('rotating secrets of service accounts', () => {
  let all: Fixture;
  let first: string;
  const account = 'kind: ServiceAccount\nname: nightly\nspec: { groups: [engineering] }';
  before(async () => {
    all = await Fixture.start();
    await all.stack.apply(account);
    first = (await create()).out.trim();
  });
  after(() => all.stop());

  const create = (...args: string[]) => all.stack.cli(['service-account', 'secret', 'create', 'nightly', ...args]);
  const list = async (): Promise<Record<string, string>[]> =>
    JSON.parse((await all.stack.cli(['service-account', 'secret', 'list', '-o', 'json'])).out);
  const run = (password: string, script = 'select 1;') => psql(all.stack.conninfo('shop'), script, { password });
  const living = async (): Promise<number> =>
    (await all.stack.call<{ sessions?: object[] }>('SessionService/ListSessions', { live: true })).sessions?.length ??
    0;
  const token = async (form: Record<string, string>, headers: Record<string, string> = {}) => {
    const body = new URLSearchParams({ grant_type: 'client_credentials', ...form });
    return fetch(`http://127.0.0.1:${all.stack.ports.web}/oauth/token`, { method: 'POST', body, headers });
  };

  it('work as the password of the database port, for scripts that stay as they are', async () => {
    assert.match(first, /^spa_[\w-]{43}$/);
    assert.equal((await run(first, 'select current_user;')).out.trim(), 'app');
    const [listed] = await list();
    assert.equal(listed?.['usedFrom'], '127.0.0.1');
    assert.match((await all.stack.cli(['service-account', 'secret', 'list'])).out, /nightly .*valid/);
    assert.match(
      (await run(`${first.slice(0, -1)}${first.endsWith('A') ? 'B' : 'A'}`)).err,
      /the secret is not known, or it was revoked/,
    );
  });

  it('become short-lived tokens at the token endpoint, by both ways of RFC 6749', async () => {
    const basic = { authorization: `Basic ${Buffer.from(`nightly:${first}`).toString('base64')}` };
    for (const answer of [
      await token({}, basic),
      await token({ client_id: 'nightly', client_secret: first, audience: 'shop' }),
    ]) {
      const body = (await answer.json()) as Record<string, string>;
      assert.equal(body['token_type'], 'Bearer', JSON.stringify(body));
      assert.equal(body['refresh_token'], undefined);
      assert.equal(answer.headers.get('cache-control'), 'no-store');
      assert.equal((await run(body['access_token'] ?? '')).out.trim(), '1');
    }
    const wrong = await token({}, { authorization: `Basic ${Buffer.from('nightly:spa_wrong').toString('base64')}` });
    assert.equal(wrong.status, 401);
    assert.match(wrong.headers.get('www-authenticate') ?? '', /^Basic /);
    assert.equal(((await wrong.json()) as Record<string, string>)['error'], 'invalid_client');
    const told = await all.stack.cli(['audit', 'tail', '--type', 'admin.token-exchanged', '-o', 'json']);
    assert.match(told.out, /sec_/);
  });

  it('are no bearer of the API and no sign-in of a person', async () => {
    await assert.rejects(all.stack.call('IdentityService/WhoAmI', {}, first), /unauthenticated/);
    await assert.rejects(
      all.stack.call('IdentityService/SignIn', { user: 'nightly', password: first }, ''),
      /unauthenticated|permission_denied/,
    );
  });

  it('are made, listed and revoked by those who may', async () => {
    const make = (by: string) =>
      all.stack.call('ServiceAccountService/CreateServiceSecret', { serviceAccount: 'nightly' }, by);
    await assert.rejects(make(all.tokens.alice), /permission_denied/);
    const none = await all.stack.cli(['service-account', 'secret', 'create', 'nobody']);
    assert.equal(none.status, 6);
    assert.match((await create('--ttl', '400d')).err, /366 days at most/);
    const second = await create('--ttl', '30d', '--label', 'runner 7');
    assert.equal(second.status, 0, second.err);
    const third = await create();
    assert.notEqual(third.status, 0);
    assert.match(third.err, /nightly has 2 living secrets/);
    assert.equal((await run(second.out.trim())).out.trim(), '1');
  });

  it('end at once with the sessions and tokens that came of them', async () => {
    const made = (await (await token({ client_id: 'nightly', client_secret: first })).json()) as Record<string, string>;
    const [direct, byToken] = [first, made['access_token'] ?? ''].map((secret) =>
      run(secret, "select 'on', pg_sleep(30);"),
    );
    while ((await living()) !== 2);
    const old = (await list()).find(({ label }) => label === '');
    const revoked = await all.stack.cli(['service-account', 'secret', 'revoke', old?.['id'] ?? '']);
    assert.equal(revoked.status, 0, revoked.err);
    assert.match((await direct)?.err ?? '', /FATAL: {2}the secret .* was revoked/);
    assert.match((await byToken)?.err ?? '', /FATAL: {2}the token .* was revoked/);
    assert.equal((await all.stack.cli(['service-account', 'secret', 'revoke', old?.['id'] ?? ''])).status, 6);
  });

  it('go with their account: a later one of the same name does not inherit them', async () => {
    const fresh = (await create()).out.trim();
    assert.equal((await run(fresh)).out.trim(), '1');
    await all.stack.cli(['delete', 'ServiceAccount', 'nightly']);
    assert.match((await run(fresh)).err, /FATAL/);
    await all.stack.apply(account);
    assert.match((await run(fresh)).err, /not known, or it was revoked/);
  });

  it('are nowhere: not in the store, the journal or a log', () => {
    for (const path of filesIn(all.stack.dataFolder)) assert.ok(!readFileSync(path).includes(first), path);
    assert.ok(!all.stack.log.join('\n').includes(first));
  });
});

function filesIn(folder: string): string[] {
  return readdirSync(folder)
    .map((name) => join(folder, name))
    .flatMap((path) => (statSync(path).isDirectory() ? filesIn(path) : [path]));
}
