import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { psql } from '../harness/psql.ts';
import { Fixture } from './fixture.ts';

const resources = `
kind: ServiceAccount
name: claude
spec: { groups: [programs], mayActFor: { groups: [engineering] } }
---
kind: Rule
name: programs-read
spec: { who: { groups: [engineering], actors: [claude] }, actions: [select, show, set, transaction], then: allow }
---
kind: Rule
name: programs-ask-to-delete
spec:
  who: { groups: [engineering], actors: [claude] }
  actions: [delete]
  then: approve
  approvers: { groups: [dba, engineering], timeout: 30s }
`;

describe('an AI agent that acts on a person’s behalf, with psql as it is', () => {
  let all: Fixture;
  let token: string;
  let program: string;
  before(async () => {
    all = await Fixture.start();
    await all.stack.apply(resources);
    program = await mint({ serviceAccount: 'claude' });
    token = await exchange(all.tokens.alice, program);
  });
  after(() => all.stop());

  const mint = async (body: object): Promise<string> =>
    (await all.stack.call<{ token: { secret: string } }>('IdentityService/MintToken', body)).token.secret;
  const post = async (form: Record<string, string>) => {
    const body = new URLSearchParams(form);
    const answer = await fetch(`http://127.0.0.1:${all.stack.ports.web}/oauth/token`, { method: 'POST', body });
    return (await answer.json()) as Record<string, string>;
  };
  const exchange = async (subject: string, actor: string): Promise<string> => {
    const type = 'urn:ietf:params:oauth:token-type:access_token';
    const answer = await post({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: subject,
      subject_token_type: type,
      actor_token: actor,
      actor_token_type: type,
    });
    assert.ok(answer['access_token'], JSON.stringify(answer));
    return answer['access_token'];
  };
  const run = (script: string, password = token) => psql(all.stack.conninfo('shop'), script, { password });
  const told = async (type: string): Promise<Record<string, unknown>[]> =>
    (await all.stack.cli(['audit', 'tail', '--type', type, '-o', 'json'])).out
      .trim()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const principal = {
    id: 'user:alice',
    name: 'alice',
    actor: { id: 'service:claude', name: 'claude' },
  };

  it('may what the rule for it says, and nothing else of what the person may', async () => {
    assert.equal((await run('select count(*) from orders;')).out.trim(), '100');
    const refused = await run("update orders set note = 'x';");
    assert.match(refused.err, /No rule allows "update" to claude on behalf of alice on shop/);
    assert.equal((await all.psql('alice', "update orders set note = 'x' where id = 1;")).status, 0);
    assert.match((await run('select 1;', program)).err, /FATAL/);
  });

  it('has both names in the journal, the record of the session and the listings', async () => {
    const started = (await told('session.start')).find((one) => JSON.stringify(one).includes('claude'));
    assert.deepEqual(started?.['principal'], principal);
    const asked = (await told('postgres.query')).find((one) => JSON.stringify(one).includes('claude'));
    assert.deepEqual(asked?.['principal'], principal);
    const { sessions } = await all.stack.call<{ sessions: { principal: object }[] }>('SessionService/ListSessions', {});
    assert.ok(
      sessions.some((one) => JSON.stringify(one.principal) === JSON.stringify(principal)),
      JSON.stringify(sessions),
    );
    assert.match((await all.stack.cli(['sessions'])).out, /claude on behalf of alice/);
    const own = await all.stack.cli(['tokens', 'list'], all.tokens.alice);
    assert.match(own.out, /claude on behalf of alice/);
  });

  it('an approver reads both names; neither the person nor the program decides', async () => {
    const asking = run('delete from orders where id = 2;');
    const id = await all.pendingApproval();
    assert.match((await all.stack.cli(['approvals', 'list'], all.tokens.dana)).out, /claude on behalf of alice/);
    assert.match(
      (await all.stack.cli(['approvals', 'show', id], all.tokens.dana)).out,
      /claude \(service:claude\) on behalf of alice/,
    );
    const decide = (as: string) =>
      all.stack.call('ApprovalService/DecideApproval', { id, choice: 'CHOICE_APPROVE' }, as);
    await assert.rejects(decide(all.tokens.alice), /nobody decides their own request/);
    await assert.rejects(decide(token), /claude acts on behalf of alice and may not do this/);
    await assert.rejects(decide(program), /not_found|permission_denied/);
    const danas = await all.stack.apply(
      resources.replace('mayActFor: { groups: [engineering] }', 'mayActFor: { groups: [engineering, dba] }'),
    );
    assert.equal(danas, undefined);
    await assert.rejects(decide(await exchange(all.tokens.dana, program)), /may not do this/);
    assert.equal((await all.stack.cli(['approvals', 'approve', id], all.tokens.dana)).status, 0);
    assert.equal((await asking).out.trim(), 'DELETE 1');
    const [decided] = (await told('approval.decided')).slice(-1);
    const { requester } = (decided?.['data'] ?? {}) as { requester?: object };
    assert.deepEqual(requester, principal);
  });

  it('reaches little of the API: no token, no approval, no resources', async () => {
    const call = (method: string, body: object = {}) => all.stack.call(method, body, token);
    const who = (await call('IdentityService/WhoAmI')) as { principal: { actor: { name: string } } };
    assert.equal(who.principal.actor.name, 'claude');
    await call('ConnectionService/ListConnections');
    const admin = await exchange(await mint({ user: 'alice' }), program);
    for (const method of [
      'IdentityService/MintToken',
      'IdentityService/ListTokens',
      'ApprovalService/ListApprovals',
      'SessionService/ListSessions',
    ]) {
      await assert.rejects(all.stack.call(method, {}, admin), /permission_denied/, method);
    }
  });

  it('ends when the person’s token is revoked, in the middle of a statement', async () => {
    const own = await mint({ user: 'alice' });
    const delegated = await exchange(own, program);
    const running = run("select 'on behalf', pg_sleep(30);", delegated);
    const living = async (): Promise<number> => {
      const found = await all.stack.call<{ sessions?: object[] }>('SessionService/ListSessions', { live: true });
      return found.sessions?.length ?? 0;
    };
    while ((await living()) === 0);
    const { tokenId } = await all.stack.call<{ tokenId: string }>('IdentityService/WhoAmI', {}, own);
    await all.stack.cli(['tokens', 'revoke', tokenId]);
    assert.match((await running).err, /FATAL: {2}the token .* was revoked/);
  });

  it('ends when the program may no longer act for the person', async () => {
    const running = run("select 'still', pg_sleep(30);");
    const living = async (): Promise<number> => {
      const found = await all.stack.call<{ sessions?: object[] }>('SessionService/ListSessions', { live: true });
      return found.sessions?.length ?? 0;
    };
    while ((await living()) === 0);
    await all.stack.apply('kind: ServiceAccount\nname: claude\nspec: { groups: [programs] }');
    assert.match((await running).err, /FATAL: {2}claude may not act on behalf of alice/);
    assert.match((await run('select 1;')).err, /claude may not act on behalf of alice/);
  });
});
