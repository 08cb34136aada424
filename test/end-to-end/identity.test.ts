import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { TestIssuer } from '../../gateway/src/identity/testing/issuer.ts';
import { psql } from '../harness/psql.ts';
import { Fixture, inDatabase } from './fixture.ts';

describe('who may come in', () => {
  let all: Fixture;
  let issuer: TestIssuer;
  before(async () => {
    issuer = await TestIssuer.start();
    all = await Fixture.start();
    await all.stack.apply(`kind: IdentityProvider
name: test-issuer
spec: { type: oidc, issuer: "${issuer.url}", audience: sallyport, groupsClaim: roles }
---
kind: ServiceAccount
name: ci
spec: { groups: [engineering] }
---
kind: User
name: petra
spec: { groups: [engineering], password: correct-horse-battery }
---
kind: Connection
name: other
spec:
  protocol: postgres
  agent: test-agent
  target: { host: 127.0.0.1, port: ${all.database.port}, database: postgres, tls: disable }
  credential: { username: app, password: "env:SHOP_PASSWORD" }
`);
  });
  after(async () => {
    await all.stop();
    await issuer.down();
  });

  const as = (password: string, script: string, user = 'x', connection = 'shop') =>
    psql(all.stack.conninfo(connection, user), script, { password });

  const claims = (more: Readonly<Record<string, unknown>> = {}) => ({
    aud: 'sallyport',
    sub: 'erika',
    email: 'erika@example.org',
    email_verified: true,
    roles: ['engineering'],
    ...more,
  });

  it('a JWT of a configured issuer, with its groups', async () => {
    const token = await issuer.token(claims());
    assert.equal((await as(token, 'select count(*) from orders;')).out.trim(), '100');
    const tail = await all.stack.cli(['audit', 'tail', '--type', 'session.start', '--last', '1', '-o', 'json']);
    assert.match(tail.out, /erika@example\.org/);
  });

  it('no group, no access; another audience or an expired token, no identity', async () => {
    assert.match((await as(await issuer.token(claims({ roles: [] })), 'select 1')).err, /No rule allows/);
    assert.match((await as(await issuer.token(claims({ aud: 'elsewhere' })), 'select 1')).err, /FATAL/);
    const past = Math.floor(Date.now() / 1000) - 3600;
    assert.match((await as(await issuer.token(claims({ exp: past })), 'select 1')).err, /FATAL.*expired/);
  });

  it('a built-in user by password, and the password is nowhere', async () => {
    assert.equal((await as('correct-horse-battery', 'select 1;', 'petra')).out.trim(), '1');
    assert.match((await as('wrong', 'select 1;', 'petra')).err, /the user or the password is wrong/);
    const shown = await all.stack.cli(['get', 'User', 'petra', '-o', 'yaml']);
    assert.match(shown.out, /\(set\)/);
    assert.ok(!shown.out.includes('correct-horse'));
  });

  it('a service account by a token that an administrator made', async () => {
    const { token } = await all.stack.call<{ token: { secret: string } }>('IdentityService/MintToken', {
      serviceAccount: 'ci',
    });
    assert.equal((await as(token.secret, 'select current_user;')).out.trim(), 'app');
  });

  it('a token for one connection opens that one only', async () => {
    const token = await all.stack.token('alice', 'shop');
    assert.equal((await as(token, 'select 1;')).out.trim(), '1');
    assert.match((await as(token, 'select 1;', 'x', 'other')).err, /opens the connection "shop" only/);
  });

  it('a user who is removed loses the sessions that live', async () => {
    await all.stack.apply('kind: User\nname: temp\nspec: { groups: [engineering] }');
    const token = await all.stack.token('temp');
    const running = as(token, "select 'in';\nselect pg_sleep(30);");
    const sleeping = "select count(*)::int as n from pg_stat_activity where query like 'select pg_sleep(30)%'";
    while ((await inDatabase(all.database, sleeping)).rows[0].n !== 1);
    await all.stack.cli(['delete', 'User', 'temp']);
    const { err, status } = await running;
    assert.notEqual(status, 0);
    assert.match(err, /FATAL: {2}.*(?:revoked|removed)/);
    assert.match((await as(token, 'select 1;')).err, /FATAL/);
  });

  it('one change of groups and rules together: the groups of now are judged', async () => {
    const apply = (groups: string, who: string) =>
      all.stack.apply(
        `kind: User\nname: mover\nspec: { groups: [${groups}] }\n---\nkind: Rule\nname: movers\nspec: { who: { groups: [${who}] }, then: allow }`,
      );
    await apply('team-a', 'team-a');
    const token = await all.stack.token('mover');
    const running = as(token, "select 'moving', pg_sleep(30);");
    const sleeping =
      "select count(*)::int as n from pg_stat_activity where query like '%moving%' and state = 'active' and pid <> pg_backend_pid()";
    while ((await inDatabase(all.database, sleeping)).rows[0].n !== 1);
    await apply('team-b', 'team-b');
    assert.match((await running).err, /FATAL: {2}what you may do on shop has changed with your groups; connect again/);
    assert.equal((await as(token, 'select 1;')).out.trim(), '1');
  });

  it('a session ends when its token does', async () => {
    const { token } = await all.stack.call<{ token: { secret: string } }>('IdentityService/MintToken', {
      user: 'alice',
      ttl: '2s',
    });
    const { err, status } = await as(token.secret, 'select pg_sleep(30);');
    assert.notEqual(status, 0);
    assert.match(err, /FATAL: {2}.*expired/);
  });
});
