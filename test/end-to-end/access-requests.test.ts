import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { psql } from '../harness/psql.ts';
import { Fixture, inDatabase } from './fixture.ts';

interface Grant {
  readonly id: string;
  readonly state: string;
  readonly needsReview: boolean;
  readonly overBecause: string;
}

/** What a test puts over the fixture's own: `shop` is opened with consent for a time. */
const rule = (more: string, max = '8h'): string => `
kind: Rule
name: shop-for-a-time
spec:
  who: { groups: [engineering] }
  connections: { names: [shop] }
  actions: [session.open]
  then: approve
  approvers: ${more}
  grant: { max: ${max}, default: 1h }
  breakGlass: { groups: [oncall], max: 1h }
`;

const people = `
kind: User
name: olga
spec: { groups: [engineering, oncall] }
---
kind: User
name: sven
spec: { groups: [security] }
---
kind: User
name: mallory
spec: { groups: [interns] }
---
kind: User
name: both
spec: { groups: [dba, security] }
---
kind: User
name: alice
spec: { groups: [engineering] }
`;

const plain = '{ groups: [dba], timeout: 30s }';

describe('access for a time', () => {
  let all: Fixture;
  const tokens: Record<string, string> = {};
  before(async () => {
    all = await Fixture.start();
    await all.stack.apply(people);
    await all.stack.apply(rule(plain));
    Object.assign(tokens, all.tokens);
    for (const name of ['olga', 'sven', 'mallory', 'both']) tokens[name] = await all.stack.token(name);
  });
  after(() => all.stop());

  const call = <T>(method: string, body: unknown, who: string): Promise<T> =>
    all.stack.call<T>(`AccessService/${method}`, body, tokens[who] ?? '');
  const cli = (who: string, ...args: string[]) => all.stack.cli(args, tokens[who]);
  const run = (who: string, script: string) =>
    psql(all.stack.conninfo('shop'), script, { password: tokens[who] ?? '' });
  const active = async (who: string): Promise<Grant[]> =>
    (await call<{ grants?: Grant[] }>('ListGrants', { active: true }, who)).grants ?? [];
  const waiting = async (): Promise<string[]> => {
    const { approvals = [] } = await all.stack.call<{ approvals?: { id: string }[] }>('ApprovalService/ListApprovals', {
      state: 'APPROVAL_STATE_PENDING',
    });
    return approvals.map(({ id }) => id);
  };
  const giveBack = async (who: string): Promise<void> => {
    for (const { id } of await active(who)) await call('RevokeGrant', { id }, who);
  };
  const ask = async (who: string, seconds: number, reason = ''): Promise<string> => {
    const body = { connection: 'shop', duration: `${seconds}s`, reason };
    return (await call<{ approval: { id: string } }>('RequestAccess', body, who)).approval.id;
  };
  const sleeping = async (marker: string): Promise<void> => {
    const query = `select count(*)::int as n from pg_stat_activity where query like '%${marker}%' and state = 'active' and pid <> pg_backend_pid()`;
    while ((await inDatabase(all.database, query)).rows[0].n !== 1);
  };
  const events = async (type: string) => (await all.stack.cli(['audit', 'tail', '--type', type, '-o', 'json'])).out;

  it('is asked for, waited for, approved, and good for several sessions; the time ends them', async () => {
    const asking = cli('alice', 'request', 'shop', '--for', '6s', '--reason', 'the nightly job is stuck');
    const id = await all.pendingApproval();
    const listed = await cli('dana', 'approvals', 'list');
    assert.match(listed.out, /access for 6s: the nightly job is stuck/);
    const approved = await cli('dana', 'approvals', 'approve', id);
    assert.equal(approved.status, 0, approved.err);
    const { status, out, err } = await asking;
    assert.equal(status, 0, err);
    assert.match(out, /^psql "host=.*dbname=shop/);
    assert.match(err, /grt-\w+: shop until .*, by dana/);
    const first = await run('alice', 'select count(*) from orders;');
    assert.equal(first.out.trim(), '100', first.err);
    const living = await run('alice', "select 'lives until cut', pg_sleep(30);");
    assert.notEqual(living.status, 0);
    assert.match(
      living.err,
      /FATAL: {2}the time of your access to shop is over; ask again with: sallyport request shop/,
    );
    while ((await active('alice')).length > 0);
    for (const type of ['access.requested', 'access.granted', 'access.ended'])
      assert.match(await events(type), /alice/, type);
    assert.match(await events('access.granted'), /"name":"dana"/);
  });

  it('comes by simply connecting, and then is there for the next', async () => {
    const [one, two] = [run('alice', 'select 1;'), run('alice', 'select 2;')];
    const id = await all.pendingApproval();
    await cli('dana', 'approvals', 'approve', id);
    assert.match((await one).err, new RegExp(`NOTICE: {2}approval ${id} is needed to open shop for 1 h`));
    assert.equal((await one).out.trim(), '1');
    assert.equal((await two).out.trim(), '2');
    assert.equal((await run('alice', 'select 3;')).err, '');
    assert.equal((await active('alice')).length, 1);
    await giveBack('alice');
  });

  it('is taken back by who left before anybody decided', async () => {
    const client = psql(all.stack.conninfo('shop'), 'select 1;', {
      password: tokens['alice'] ?? '',
      signal: AbortSignal.timeout(1500),
    });
    const id = await all.pendingApproval();
    await client;
    while ((await waiting()).includes(id));
    assert.deepEqual(await active('alice'), []);
  });

  it('nobody approves their own, whatever groups they are in', async () => {
    await all.stack.apply(rule('{ groups: [engineering, dba] }'));
    const id = await ask('alice', 60);
    const own = await cli('alice', 'approvals', 'approve', id);
    assert.equal(own.status, 4);
    assert.match(own.err, /nobody decides their own request/);
    const rejected = await cli('dana', 'approvals', 'reject', id, '--reason', 'not today');
    assert.equal(rejected.status, 0);
    assert.match(await events('access.rejected'), /not today/);
    await all.stack.apply(rule(plain));
  });

  it('a rejection ends the wait of the command with the reason', async () => {
    const asking = cli('alice', 'request', 'shop', '--for', '10m');
    await cli('dana', 'approvals', 'reject', await all.pendingApproval(), '--reason', 'use the replica');
    const { status, err } = await asking;
    assert.equal(status, 4);
    assert.match(err, /dana rejected apr-\w+: use the replica/);
  });

  it('one of each of several groups must approve, and who is in both counts for one', async () => {
    await all.stack.apply(rule('{ eachOf: [dba, security] }'));
    const id = await ask('alice', 60);
    const state = async (who: string) => (await cli(who, 'approvals', 'approve', id)).err;
    assert.match(await state('both'), /1 of 2/);
    assert.match(await state('both'), /you have approved .* already/);
    assert.deepEqual(await active('alice'), []);
    // `both` may count for security as well, so that dana makes it whole.
    assert.match(await state('dana'), /is approved/);
    assert.equal((await active('alice')).length, 1);
    await giveBack('alice');
    await all.stack.apply(rule(plain));
  });

  it('of two who approve at once, one makes the grant and there is one', async () => {
    const id = await ask('alice', 60);
    const both = await Promise.all([cli('dana', 'approvals', 'approve', id), cli('both', 'approvals', 'approve', id)]);
    assert.deepEqual(both.map(({ status }) => status).sort(), [0, 4]);
    assert.equal((await active('alice')).length, 1);
    await giveBack('alice');
  });

  it('a revoked grant cuts the session at once and says who did it', async () => {
    await cli('dana', 'approvals', 'approve', await ask('alice', 600));
    const running = run('alice', "select 'to be revoked', pg_sleep(30);");
    await sleeping('to be revoked');
    const [grant] = await active('alice');
    const stranger = await cli('mallory', 'grants', 'revoke', grant?.id ?? '');
    assert.equal(stranger.status, 6);
    const revoked = await cli('dana', 'grants', 'revoke', grant?.id ?? '', '--reason', 'enough');
    assert.equal(revoked.status, 0, revoked.err);
    assert.match(
      (await running).err,
      /FATAL: {2}dana took the access back: enough; ask again with: sallyport request shop/,
    );
    assert.equal((await cli('dana', 'grants', 'revoke', grant?.id ?? '')).status, 4);
    assert.match(await events('access.revoked'), /dana/);
  });

  it('breaking the glass needs a reason, lets in at once, is loud, and is reviewed by somebody else', async () => {
    for (const reason of [[], ['--reason', ''], ['--reason', 'x . . . . . . .']]) {
      const thin = await cli('olga', 'request', 'shop', '--break-glass', ...reason);
      assert.equal(thin.status, 4);
      assert.match(thin.err, /needs a reason/);
    }
    const reason = 'orders are stuck and nobody answers';
    const not = await cli('alice', 'request', 'shop', '--break-glass', '--reason', reason);
    assert.match(not.err, /you may not break the glass/);
    const done = await cli('olga', 'request', 'shop', '--break-glass', '--for', '10m', '--reason', reason);
    assert.equal(done.status, 0, done.err);
    assert.match(done.out, /^psql/);
    assert.equal((await run('olga', 'select 1;')).out.trim(), '1');
    const told = JSON.parse((await events('access.break-glass')).trim().split('\n').at(-1) ?? '');
    assert.match(JSON.stringify(told), /"severity":"high"/);
    assert.match(JSON.stringify(told), /nobody answers/);
    const [grant] = await active('olga');
    assert.ok(grant?.needsReview);
    assert.match(
      (await cli('dana', 'approvals', 'list')).err,
      new RegExp(`break-glass ${grant.id}: olga reached shop`),
    );
    assert.doesNotMatch((await cli('olga', 'approvals', 'list')).err, /break-glass/);
    assert.match((await cli('olga', 'grants', 'review', grant.id)).err, /nobody reviews their own/);
    assert.equal((await cli('dana', 'grants', 'review', grant.id, '--note', 'was right')).status, 0);
    assert.doesNotMatch((await cli('dana', 'approvals', 'list')).err, /break-glass/);
    assert.match(await events('access.reviewed'), /was right/);
    await giveBack('olga');
  });

  it('does not wait where that was asked, speaks JSON, and knows its words', async () => {
    const { out, status } = await cli('alice', 'request', 'shop', '--no-wait', '--for', '2h');
    assert.equal(status, 0);
    const id = out.trim();
    assert.deepEqual(await waiting(), [id]);
    const shown = await cli('dana', 'approvals', 'show', id, '-o', 'json');
    assert.equal(JSON.parse(shown.out).access.duration, '7200s');
    assert.match((await cli('dana', 'approvals', 'show', id)).out, /access\.request[\s\S]*2h/);
    await cli('dana', 'approvals', 'approve', id);
    const reachable = JSON.parse((await cli('alice', 'connect', '-o', 'json')).out) as {
      name: string;
      needsApproval: boolean;
    }[];
    assert.equal(reachable.find(({ name }) => name === 'shop')?.needsApproval, false);
    const again = await cli('alice', 'request', 'shop', '--for', '1h', '-o', 'json');
    assert.equal(JSON.parse(again.out).approvalId, id, again.err);
    const other = await cli('mallory', 'grants', 'list', '--all', '-o', 'json');
    assert.deepEqual(JSON.parse(other.out), []);
    const words = await cli('alice', 'complete', '--', 'request');
    for (const word of ['--for', '--reason', '--no-wait', '--break-glass']) assert.ok(words.out.includes(word), word);
    assert.match((await cli('alice', 'complete', '--', 'grants')).out, /revoke\nreview/);
    for (const wrong of ['0h', '-1h', 'soon', '99999999h']) {
      assert.equal((await cli('alice', 'request', 'shop', '--for', wrong)).status, 2, wrong);
    }
    await giveBack('alice');
  });

  it('a token for one connection asks for nothing, and a request is followed by its own person only', async () => {
    const scoped = await all.stack.token('alice', 'shop');
    const asking = all.stack.call('AccessService/RequestAccess', { connection: 'shop' }, scoped);
    await assert.rejects(asking, /permission_denied/);
    const id = await ask('alice', 60);
    const followed = await fetch(
      `http://127.0.0.1:${all.stack.ports.web}/sallyport.api.v1.AccessService/WatchRequest`,
      {
        method: 'POST',
        headers: { 'content-type': 'application/connect+json', authorization: `Bearer ${tokens['dana']}` },
        body: envelope({ id }),
      },
    );
    assert.match(await followed.text(), /not_found/);
    await cli('dana', 'approvals', 'reject', id, '--reason', 'only a test');
  });

  it('what one may not ask for is told as unknown', async () => {
    const [no, none] = [await cli('mallory', 'request', 'shop'), await cli('mallory', 'request', 'nothing')];
    assert.deepEqual([no.status, none.status], [6, 6]);
    assert.equal(no.err.replace('shop', 'nothing'), none.err);
    const glass = await cli('mallory', 'request', 'shop', '--break-glass', '--reason', 'because I want to see it');
    assert.equal(glass.status, 6);
  });

  it('refuses times that are none, too long, or beyond all numbers', async () => {
    const attempt = (duration: unknown) => call('RequestAccess', { connection: 'shop', duration }, 'alice');
    for (const duration of [
      '0s',
      '-5s',
      '0.5s',
      '28801s',
      '31622401s',
      '315576000000s',
      '999999999999999s',
      'NaN',
      '1e9s',
    ]) {
      await assert.rejects(attempt(duration), /invalid_argument/, duration);
    }
    assert.deepEqual(await waiting(), []);
  });

  it('a thousand requests of one person are few', async () => {
    const asks = Array.from({ length: 1000 }, (_, at) => ask('alice', 60 + at).catch((error: Error) => error.message));
    const answers = await Promise.all(asks);
    assert.equal((await waiting()).length, 1);
    assert.equal(answers.filter((answer) => answer.startsWith('apr-')).length, 1);
    await cli('dana', 'approvals', 'reject', (await waiting())[0] ?? '', '--reason', 'stop it');
  });

  it('a changed rule voids what waits and what was given', async () => {
    const id = await ask('alice', 60);
    await all.stack.apply(rule(plain, '7h'));
    while ((await waiting()).includes(id));
    const late = await cli('dana', 'approvals', 'approve', id);
    assert.equal(late.status, 4);
    assert.deepEqual(await active('alice'), []);
    await cli('dana', 'approvals', 'approve', await ask('alice', 600));
    const running = run('alice', "select 'rule will change', pg_sleep(30);");
    await sleeping('rule will change');
    await all.stack.apply(rule(plain));
    assert.match((await running).err, /FATAL: .*have changed, so the consent is void/);
    assert.deepEqual(await active('alice'), []);
  });

  it('ends when the person loses the group', async () => {
    await cli('dana', 'approvals', 'approve', await ask('alice', 600));
    const running = run('alice', "select 'group will go', pg_sleep(30);");
    await sleeping('group will go');
    await all.stack.apply('kind: User\nname: alice\nspec: { groups: [] }');
    assert.match((await running).err, /FATAL/);
    while ((await active('alice')).length > 0);
    await all.stack.apply('kind: User\nname: alice\nspec: { groups: [engineering] }');
  });

  it('goes on over a killed gateway, and ends on time though it was down', async () => {
    await cli('dana', 'approvals', 'approve', await ask('alice', 600));
    await cli('olga', 'request', 'shop', '--break-glass', '--for', '1s', '--reason', 'short and before the crash');
    await all.stack.kill('gateway');
    await all.stack.startGateway();
    await all.stack.agentUp();
    assert.equal((await run('alice', 'select 1;')).out.trim(), '1');
    while ((await active('olga')).length > 0);
    await giveBack('alice');
    await all.stack.kill('gateway');
    await all.stack.startGateway();
    assert.deepEqual(await active('alice'), []);
  });
});

/** A message of a Connect stream: flags, length, JSON. */
function envelope(message: object): Buffer {
  const body = Buffer.from(JSON.stringify(message));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}
