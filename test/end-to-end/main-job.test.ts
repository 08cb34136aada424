import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { psql } from '../harness/psql.ts';
import { Fixture, inDatabase } from './fixture.ts';

describe('a person, a gateway, an agent, a database', () => {
  let all: Fixture;
  before(async () => {
    all = await Fixture.start();
  });
  after(() => all.stop());

  it('psql works with a token as the password, and the database sees the connection’s own role', async () => {
    const { status, out, err } = await all.psql('alice', 'select current_user, count(*) from orders;');
    assert.equal(err, '');
    assert.equal(status, 0);
    assert.equal(out.trim(), 'app|100');
  });

  it('`name/database` reaches another database of the same connection', async () => {
    const { out } = await all.psql('alice', 'select current_database();', 'shop/template1');
    assert.equal(out.trim(), 'template1');
  });

  it('says what is wrong with a token, and what to do', async () => {
    const { err } = await psql(all.stack.conninfo('shop'), 'select 1', { password: 'spt_wrong' });
    assert.match(err, /FATAL: {2}the token is incomplete or mistyped/);
    const none = await psql(all.stack.conninfo('shop', 'mallory'), 'select 1', { password: 'guess' });
    assert.match(none.err, /the user or the password is wrong/);
  });

  it('names the connection that was probably meant', async () => {
    const { err } = await all.psql('alice', 'select 1', 'shpo');
    assert.match(err, /no connection "shpo" is known that you may open/);
    assert.match(err, /Did you mean shop\?/);
  });

  it('refuses by a rule, with its name and SQLSTATE 42501, and the session lives on', async () => {
    const { out, err } = await all.psql(
      'alice',
      '\\set VERBOSITY verbose\ndrop table orders;\nselect count(*) from orders;',
    );
    assert.match(err, /ERROR: {2}42501: tables are not dropped by hand \(rule "nothing-is-dropped"\)/);
    assert.equal(out.trim(), '100');
  });

  it('an approval holds the statement in place until an approver says yes by the command line', async () => {
    await inDatabase(all.database, 'create table doomed as select 1 as a; alter table doomed owner to app');
    const running = all.psql('alice', 'truncate doomed;\nselect count(*) from doomed;');
    const id = await all.pendingApproval();
    const listed = await all.stack.cli(['approvals', 'list', '-o', 'json'], all.tokens.dana);
    assert.match(listed.out, /truncate doomed/, listed.err);
    const approved = await all.stack.cli(['approvals', 'approve', id, '--reason', 'as agreed'], all.tokens.dana);
    assert.equal(approved.status, 0, approved.err);
    const { out, err } = await running;
    assert.match(err, new RegExp(`NOTICE: {2}approval ${id} is needed \\(rule "ask-before-truncate"\\)`));
    assert.match(out, /TRUNCATE TABLE\n0/);
  });

  it('nobody approves their own request, whatever groups they are in', async () => {
    const running = all.psql('emil', 'truncate orders;');
    const id = await all.pendingApproval();
    const own = await all.stack.cli(['approvals', 'approve', id], all.tokens.emil);
    assert.notEqual(own.status, 0);
    const rejected = await all.stack.cli(['approvals', 'reject', id, '--reason', 'not today'], all.tokens.dana);
    assert.equal(rejected.status, 0, rejected.err);
    const { err } = await running;
    assert.match(err, /dana rejected the request apr-\w+: not today/);
    assert.equal((await all.psql('alice', 'select count(*) from orders;')).out.trim(), '100');
  });

  it('an approval that nobody decides expires', async () => {
    const { err } = await all.psql('alice', "select 'hurried';");
    assert.match(err, /nobody decided the request/);
  });

  it('Ctrl-C takes a request back; leaving does too', async () => {
    const interrupt = new AbortController();
    const running = all.psql('alice', 'truncate orders;', 'shop', interrupt.signal);
    const id = await all.pendingApproval();
    interrupt.abort();
    await running;
    const late = await all.stack.cli(['approvals', 'approve', id], all.tokens.dana);
    assert.notEqual(late.status, 0);
    const client = await all.client('alice');
    client.on('error', () => undefined);
    client.query('truncate orders').catch(() => undefined);
    const other = await all.pendingApproval();
    assert.notEqual(other, id);
    await client.end();
    for (;;) {
      const { approval } = await all.stack.call<{ approval: { state: string } }>('ApprovalService/GetApproval', {
        id: other,
      });
      if (approval.state === 'APPROVAL_STATE_CANCELLED') break;
    }
    assert.equal((await all.psql('alice', 'select count(*) from orders;')).out.trim(), '100');
  });

  it('says which part is missing: the agent, the target', async () => {
    const orphan = await all.psql('alice', 'select 1', 'orphan');
    assert.match(orphan.err, /FATAL: {2}.*[Nn]o agent/);
    const nowhere = await all.psql('alice', 'select 1', 'nowhere');
    assert.match(nowhere.err, /FATAL: {2}.*127\.0\.0\.1:9/);
  });

  it('a revoked token ends the sessions that were opened with it', async () => {
    const { token } = await all.stack.call<{ token: { secret: string; id: string } }>('IdentityService/MintToken', {
      user: 'alice',
    });
    const running = psql(all.stack.conninfo('shop'), "select 'started';\nselect pg_sleep(30);", {
      password: token.secret,
    });
    const sleeping = "select count(*)::int as n from pg_stat_activity where query like 'select pg_sleep(30)%'";
    while ((await inDatabase(all.database, sleeping)).rows[0].n !== 1);
    await all.stack.call('IdentityService/RevokeToken', { id: token.id });
    const { err, status } = await running;
    assert.notEqual(status, 0);
    assert.match(err, /FATAL: {2}.*revoked/);
  });

  it('sessions are listed, watched and killed', async () => {
    const running = all.psql('alice', "select 'to be killed';\nselect pg_sleep(30);");
    let id = '';
    while (id === '') {
      const { sessions = [] } = await all.stack.call<{ sessions?: { id: string; statements?: string }[] }>(
        'SessionService/ListSessions',
        { live: true },
      );
      id = sessions.find(({ statements }) => statements === '2')?.id ?? '';
    }
    const watched = all.stack.cli(['sessions', 'watch', id]);
    const killed = await all.stack.cli(['sessions', 'kill', id, '--reason', 'enough']);
    assert.equal(killed.status, 0, killed.err);
    assert.match((await running).err, /FATAL: {2}.*enough/);
    assert.match((await watched).out, /to be killed/);
    const shown = await all.stack.cli(['sessions', 'show', id]);
    assert.match(shown.out, /enough/, shown.err);
  });

  it('replays a session as tables, with what was refused', async () => {
    await all.psql('dana', "select id, note from orders where id < 3;\ndrop table users;\nselect 'last words';");
    const { sessions = [] } = await all.stack.call<{ sessions?: { id: string }[] }>('SessionService/ListSessions', {
      principal: 'dana',
    });
    const { out, err } = await all.stack.cli(['sessions', 'replay', sessions[0]?.id ?? '', '--speed', 'max']);
    assert.equal(err, '');
    assert.match(out, /select id, note from orders where id < 3/);
    assert.match(out, /order 1/);
    assert.match(out, /tables are not dropped by hand/);
    assert.match(out, /last words/);
  });

  it('the journal tells it all and verifies', async () => {
    const tail = await all.stack.cli(['audit', 'tail', '--last', '1000', '-o', 'json']);
    assert.equal(tail.status, 0, tail.err);
    for (const type of ['session.start', 'postgres.query', 'policy.decision', 'session.end', 'approval.decided']) {
      assert.ok(tail.out.includes(type), `${type} is missing`);
    }
    assert.ok(!tail.out.includes('target-secret-4711'));
    const verified = await all.stack.cli(['audit', 'verify']);
    assert.equal(verified.status, 0, verified.err);
  });

  it('a change of rules counts for the next statement of a living session', async () => {
    const client = await all.client('alice');
    await client.query('select 1');
    await all.stack.apply(
      'kind: Rule\nname: no-orders\nspec: { who: { groups: [engineering] }, when: \'"orders" in action.tables\', then: deny }',
    );
    await assert.rejects(client.query('select count(*) from orders'), { code: '42501' });
    await all.stack.cli(['delete', 'Rule', 'no-orders']);
    assert.equal((await client.query('select count(*)::int as n from orders')).rows[0].n, 100);
    await client.end();
  });

  it('the planner’s estimate decides where a rule asks for it', async () => {
    await all.stack.apply(
      'kind: Rule\nname: big-reads\nspec: { who: { groups: [engineering] }, when: action.estimatedRows > 50 && !action.hasWhere, then: deny }',
    );
    try {
      assert.match((await all.psql('alice', 'select * from orders;')).err, /big-reads/);
      assert.equal((await all.psql('alice', 'select * from orders limit 1;')).status, 0);
      const client = await all.client('alice');
      assert.equal((await client.query('select id from orders where id = $1', [7])).rows[0].id, 7);
      await client.end();
    } finally {
      await all.stack.cli(['delete', 'Rule', 'big-reads']);
    }
  });
});
