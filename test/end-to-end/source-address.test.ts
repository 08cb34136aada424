import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { psql } from '../harness/psql.ts';
import { Fixture } from './fixture.ts';

const account = (from: string): string => `
kind: ServiceAccount
name: nightly
spec: { groups: [engineering]${from} }
`;

describe('tokens that are bound to addresses', () => {
  let all: Fixture;
  before(async () => {
    all = await Fixture.start();
    await all.stack.apply(account(', from: [127.0.0.0/8]'));
  });
  after(() => all.stop());

  const mint = async (body: object, by = all.stack.admin): Promise<string> =>
    (await all.stack.call<{ token: { secret: string } }>('IdentityService/MintToken', body, by)).token.secret;
  const run = (password: string, script = 'select 1;') => psql(all.stack.conninfo('shop'), script, { password });
  const living = async (): Promise<number> =>
    (await all.stack.call<{ sessions?: object[] }>('SessionService/ListSessions', { live: true })).sessions?.length ??
    0;

  it('open where they are bound to, and nowhere else: at the database port and at the API', async () => {
    const here = await mint({ user: 'alice', from: ['192.0.2.0/24', '127.0.0.1'] });
    assert.equal((await run(here)).out.trim(), '1');
    const leaked = await mint({ user: 'alice', from: ['10.0.0.0/8', '2001:db8::/32'] });
    const refused = await run(leaked);
    assert.match(refused.err, /FATAL: {2}this does not hold at your address, 127\.0\.0\.1: it is bound to others/);
    assert.doesNotMatch(refused.err, /10\.0\.0\.0/);
    await assert.rejects(all.stack.call('IdentityService/WhoAmI', {}, leaked), /permission_denied.*bound to others/);
    const told = (await all.stack.cli(['audit', 'tail', '--type', 'token.used-elsewhere', '-o', 'json'])).out.trim();
    assert.equal(told.split('\n').length, 1);
    assert.match(told, /"severity":"high"/);
    assert.match(told, /"sourceAddress":"127\.0\.0\.1"/);
    assert.match(told, /user:alice/);
  });

  it('give no token that is bound to less', async () => {
    const here = await mint({ user: 'alice', from: ['127.0.0.0/8'] });
    const next = await mint({}, here);
    assert.equal((await run(next)).out.trim(), '1');
    const none = await mint({ from: ['10.0.0.0/8'] }, here);
    assert.match((await run(none)).err, /bound to others/);
    const listed = await all.stack.cli(['tokens', 'list', '-o', 'json'], all.tokens.alice);
    assert.ok(
      listed.out.includes('"127.0.0.0/8","10.0.0.0/8"') || /127\.0\.0\.0\/8",\s+"10\.0\.0\.0\/8/.test(listed.out),
    );
  });

  it('are asked for by the command line, which knows what is no range', async () => {
    const made = await all.stack.cli(
      ['token', 'shop', '--from', '127.0.0.0/8,::1', '--from', '192.0.2.0/24'],
      all.tokens.alice,
    );
    assert.equal((await run(made.out.trim())).out.trim(), '1', made.err);
    for (const wrong of ['10.0.0.0/33', 'here', '10.0.0.1/8']) {
      const { status, err } = await all.stack.cli(['token', '--from', wrong], all.tokens.alice);
      assert.notEqual(status, 0);
      assert.match(err, /is no range|has bits set/);
    }
    assert.match((await all.stack.cli(['tokens'], all.tokens.alice)).out, /127\.0\.0\.0\/8,::1,192\.0\.2\.0\/24/);
  });

  it('a service account’s addresses hold for all its tokens, those of before too, and cut its sessions', async () => {
    const token = await mint({ serviceAccount: 'nightly' });
    assert.equal((await run(token)).out.trim(), '1');
    const running = run(token, "select 'nightly', pg_sleep(30);");
    while ((await living()) === 0);
    await all.stack.apply(account(', from: [10.0.0.0/8]'));
    assert.match((await running).err, /FATAL: {2}this does not hold at your address/);
    assert.match((await run(token)).err, /bound to others/);
    await all.stack.apply(account(''));
    assert.equal((await run(token)).out.trim(), '1');
  });

  it('a wrong range in a resource is told with its line', async () => {
    await assert.rejects(
      all.stack.apply(account(', from: [10.0.0.0/40]')),
      /test\.yaml:4.*"10\.0\.0\.0\/40" is no range/,
    );
    await assert.rejects(all.stack.apply(account(', from: []')), /from/);
  });
});
