import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { TestIssuer } from '../../gateway/src/identity/testing/issuer.ts';
import { type PsqlResult, psql } from '../harness/psql.ts';
import { Fixture, inDatabase } from './fixture.ts';

const patchOp = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

describe('a person whom a directory provisions', () => {
  let all: Fixture;
  let issuer: TestIssuer;
  let scimToken = '';
  let engineering = '';
  before(async () => {
    issuer = await TestIssuer.start();
    all = await Fixture.start();
    await all.stack.apply(`kind: IdentityProvider
name: corporate
spec: { type: oidc, issuer: "${issuer.url}", audience: sallyport, scim: true }
`);
    const minted = await all.stack.cli(['scim', 'token', 'corporate', '--label', 'test']);
    assert.equal(minted.status, 0, minted.err);
    assert.match(minted.err, /base URL: http:\/\/127\.0\.0\.1:\d+\/scim\/v2/);
    scimToken = minted.out.trim();
    engineering = (await scim('POST', '/Groups', { displayName: 'engineering' })).body.id;
  });
  after(async () => {
    await all?.stop();
    await issuer.down();
  });

  // biome-ignore lint/suspicious/noExplicitAny: tests look into it freely
  async function scim(method: string, path: string, body?: object): Promise<{ status: number; body: any }> {
    const response = await fetch(`http://127.0.0.1:${all.stack.ports.web}/scim/v2${path}`, {
      method,
      headers: { authorization: `Bearer ${scimToken}`, 'content-type': 'application/scim+json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
  }
  const patch = (path: string, ...Operations: object[]) => scim('PATCH', path, { schemas: [patchOp], Operations });

  async function provision(sub: string): Promise<string> {
    const made = await scim('POST', '/Users', { userName: `${sub}@example.org`, externalId: sub, active: true });
    assert.equal(made.status, 201);
    await patch(`/Groups/${engineering}`, { op: 'Add', path: 'members', value: [{ value: made.body.id }] });
    return made.body.id as string;
  }
  const jwt = (sub: string) => issuer.token({ sub, email: `${sub}@example.org`, groups: ['dba', 'admins'] });
  const as = (password: string, script: string) => psql(all.stack.conninfo('shop', 'x'), script, { password });

  /** A session in the middle of a statement, found at the target by its mark. */
  async function sleeping(password: string, mark: string): Promise<{ over: Promise<PsqlResult> }> {
    const over = as(password, `select pg_sleep(60) /* ${mark} */;`);
    const looking = `select count(*)::int as n from pg_stat_activity where query like 'select pg_sleep(60) /* ${mark}%'`;
    while ((await inDatabase(all.database, looking)).rows[0].n !== 1);
    return { over };
  }

  it('is nobody before that, whatever their token says', async () => {
    const { err } = await as(await jwt('early'), 'select 1');
    assert.match(err, /early@example\.org is not in the directory of corporate/);
  });

  it('comes in with the groups of the directory, not of the token', async () => {
    await provision('anna');
    const token = await jwt('anna');
    assert.equal((await as(token, 'select count(*) from orders;')).out.trim(), '100');
    // The token says dba, whom the mask excepts, and admins.
    assert.doesNotMatch((await as(token, 'select email from users where id = 1;')).out, /canary/);
    await assert.rejects(all.stack.call('ResourceService/ListResources', {}, token), /may not do this/);
  });

  it('is out within a second of their deactivation: session, JWT and token', async () => {
    const id = await provision('bo');
    const token = await jwt('bo');
    const { token: own } = await all.stack.call<{ token: { secret: string; id: string } }>(
      'IdentityService/MintToken',
      {},
      token,
    );
    const [byJwt, byToken] = [await sleeping(token, 'bo-jwt'), await sleeping(own.secret, 'bo-token')];
    const started = performance.now();
    assert.equal((await patch(`/Users/${id}`, { op: 'Replace', path: 'active', value: 'False' })).body.active, false);
    const ended = await Promise.all([byJwt.over, byToken.over]);
    assert.ok(performance.now() - started < 1000, `it took ${performance.now() - started} ms`);
    for (const { err, status } of ended) {
      assert.notEqual(status, 0);
      assert.match(err, /bo@example\.org was deactivated in the directory of corporate/);
    }
    for (const secret of [token, own.secret]) assert.match((await as(secret, 'select 1')).err, /FATAL/);
    await assert.rejects(all.stack.call('IdentityService/WhoAmI', {}, token), /was deactivated/);
    // Let in again, they sign in anew: what was revoked stays so.
    await patch(`/Users/${id}`, { op: 'replace', value: { active: true } });
    assert.equal((await as(await jwt('bo'), 'select 1;')).out.trim(), '1');
    assert.match((await as(own.secret, 'select 1')).err, /not known, or it was revoked/);
    const tail = await all.stack.cli([
      'audit',
      'tail',
      '--type',
      'admin.directory-user-deactivated',
      '--last',
      '1',
      '-o',
      'json',
    ]);
    assert.match(tail.out, /bo@example\.org/);
  });

  it('is out when they are deleted', async () => {
    const id = await provision('carl');
    const { over } = await sleeping(await jwt('carl'), 'carl');
    assert.equal((await scim('DELETE', `/Users/${id}`)).status, 204);
    assert.match((await over).err, /carl@example\.org is not in the directory of corporate, or no longer/);
  });

  it('loses a session that a group let them open, and keeps it where the group does not matter', async () => {
    const id = await provision('dora');
    const token = await jwt('dora');
    const lunch = (await scim('POST', '/Groups', { displayName: 'lunch' })).body.id;
    const { over } = await sleeping(token, 'dora');
    let isOver = false;
    over.then(() => {
      isOver = true;
    });
    await patch(`/Groups/${lunch}`, { op: 'add', path: 'members', value: [{ value: id }] });
    assert.equal((await as(token, 'select 1;')).out.trim(), '1');
    assert.equal(isOver, false);
    await patch(`/Groups/${engineering}`, { op: 'remove', path: `members[value eq "${id}"]` });
    assert.match((await over).err, /access to shop has ended: your groups have changed/);
    assert.match((await as(token, 'select 1')).err, /No rule allows/);
  });

  it('loses a session whose masks the new group would change', async () => {
    const id = await provision('eva');
    const { over } = await sleeping(await jwt('eva'), 'eva');
    const dba = (await scim('POST', '/Groups', { displayName: 'dba', members: [{ value: id }] })).body.id;
    assert.ok(dba);
    assert.match((await over).err, /has changed with your groups; connect again/);
  });

  it('and the token of the directory opens nothing else', async () => {
    assert.match((await as(scimToken, 'select 1')).err, /FATAL/);
    await assert.rejects(all.stack.call('IdentityService/WhoAmI', {}, scimToken), /this is no token/);
    const listed = await all.stack.cli(['scim', 'tokens', '-o', 'json']);
    assert.match(listed.out, /corporate/);
    assert.ok(!listed.out.includes(scimToken));
    const { id } = (JSON.parse(listed.out) as { id: string }[])[0] ?? { id: '' };
    assert.equal((await all.stack.cli(['scim', 'revoke', id])).status, 0);
    assert.equal((await scim('GET', '/Users')).status, 401);
  });
});
