import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { psql } from '../harness/psql.ts';
import { Fixture } from './fixture.ts';

const rule = (more = ''): string => `
kind: Rule
name: shop-for-a-time
spec:
  who: { groups: [engineering] }
  connections: { names: [shop] }
  actions: [session.open]
  then: approve
  approvers: { groups: [dba], timeout: 30m }
  grant: { max: 8h, default: 1h${more} }
`;

describe('requests for access that wait', () => {
  let all: Fixture;
  before(async () => {
    all = await Fixture.start();
    await all.stack.apply(rule());
  });
  after(() => all.stop());

  const cli = (who: 'alice' | 'dana', ...args: string[]) => all.stack.cli(args, all.tokens[who]);
  const ask = async (...more: string[]): Promise<string> => {
    const { out, err } = await cli('alice', 'request', 'shop', '--no-wait', ...more);
    assert.match(out, /^apr-/, err);
    return out.trim();
  };
  const run = () => psql(all.stack.conninfo('shop'), 'select 1;', { password: all.tokens.alice });
  const again = async (how: 'told' | 'killed'): Promise<void> => {
    const { gateway } = all.stack;
    assert.ok(gateway !== undefined);
    if (how === 'killed') await all.stack.kill('gateway');
    else {
      const exit = new Promise((gone) => gateway.once('exit', gone));
      gateway.kill('SIGTERM');
      await exit;
    }
    await all.stack.startGateway();
    await all.stack.agentUp();
  };
  const giveBack = async (): Promise<void> => {
    const { grants = [] } = await all.stack.call<{ grants?: { id: string }[] }>(
      'AccessService/ListGrants',
      { active: true },
      all.tokens.alice,
    );
    for (const { id } of grants) await all.stack.call('AccessService/RevokeGrant', { id }, all.tokens.alice);
  };

  for (const how of ['told', 'killed'] as const) {
    it(`go on after a gateway that was ${how === 'told' ? 'told to stop' : 'killed'}; approving gives the grant`, async () => {
      const id = await ask('--for', '2h', '--reason', 'the nightly job is stuck');
      await again(how);
      assert.match(
        (await cli('dana', 'approvals', 'list')).out,
        new RegExp(`${id}.*access for 2h: the nightly job is stuck`),
      );
      const approved = await cli('dana', 'approvals', 'approve', id);
      assert.equal(approved.status, 0, approved.err);
      assert.equal((await run()).out.trim(), '1');
      assert.match((await cli('alice', 'request', 'list')).out, new RegExp(`${id} +approved +shop +2h`));
      await giveBack();
    });
  }

  it('are taken back by who asked, and by nobody else', async () => {
    const id = await ask();
    assert.equal((await cli('dana', 'request', 'cancel', id)).status, 6);
    const { status, err } = await cli('alice', 'request', 'cancel', id);
    assert.equal(status, 0, err);
    assert.equal((await cli('dana', 'approvals', 'approve', id)).status, 4);
    assert.equal((await cli('alice', 'request', 'cancel', id)).status, 4);
    assert.equal((await cli('alice', 'request', 'cancel', 'apr-nothing')).status, 6);
    assert.match((await cli('alice', 'request', 'list')).out, new RegExp(`${id} +cancelled`));
    const told = await all.stack.cli(['audit', 'tail', '--type', 'approval.cancelled', '-o', 'json']);
    assert.match(told.out, new RegExp(id));
  });

  it('of a statement are taken back too: the client is told', async () => {
    await all.stack.call('ResourceService/DeleteResource', { kind: 'Rule', name: 'shop-for-a-time' });
    const waiting = all.psql('alice', 'truncate orders;');
    const id = await all.pendingApproval();
    assert.equal((await cli('alice', 'request', 'cancel', id)).status, 0);
    assert.match((await waiting).err, /ERROR: .*alice took the request apr-\w+ back/);
    await all.stack.apply(rule());
  });

  it('need a reason where the rule says so, also for who just connects', async () => {
    await all.stack.apply(rule(', reason: required'));
    const thin = await cli('alice', 'request', 'shop', '--no-wait');
    assert.notEqual(thin.status, 0);
    assert.match(thin.err, /access to shop needs a reason/);
    assert.match((await run()).err, /FATAL: {2}access to shop needs a reason[\s\S]*sallyport request shop --reason/);
    const id = await ask('--reason', 'the nightly job is stuck');
    const { connections } = await all.stack.call<{ connections: { name: string; access?: Record<string, unknown> }[] }>(
      'ConnectionService/ListConnections',
      {},
      all.tokens.alice,
    );
    const offer = connections.find(({ name }) => name === 'shop')?.access;
    assert.deepEqual(offer, { max: '28800s', usual: '3600s', needsReason: true, mayBreakGlass: false, requestId: id });
    await cli('alice', 'request', 'cancel', id);
    await assert.rejects(all.stack.apply(rule(', reason: always')), /reason/);
  });
});
