import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  bind,
  describe as describeNamed,
  execute,
  parse,
  query,
  sync,
} from '@sallyport/shared/wire/postgres/frontend.ts';
import { errorOf, type Message, WireClient } from '../harness/wire-client.ts';
import { Fixture, inDatabase } from './fixture.ts';

const rules = `
kind: Rule
name: few-rows
spec: { who: { groups: [engineering] }, then: allow, limit: { rows: 10 } }
---
kind: User
name: frugal
spec: { groups: [frugal] }
---
kind: Rule
name: few-a-session
spec: { who: { groups: [frugal] }, then: allow, limit: { rows: 1000, sessionRows: 25 } }
`;

const count = (messages: readonly Message[], wanted: string): number =>
  messages.filter(({ type }) => type === wanted).length;
const statusOf = (messages: readonly Message[]): string => messages.at(-1)?.body.toString('latin1') ?? '';

describe('a rule limits rows', () => {
  let all: Fixture;
  before(async () => {
    all = await Fixture.start();
    await all.stack.apply(rules);
    await inDatabase(
      all.database,
      'create table wide as select g as id, repeat($$x$$, 1000) as filler from generate_series(1, 200000) g; grant all on wide to app',
    );
  });
  after(() => all.stop());

  const open = async (token: string): Promise<WireClient> =>
    WireClient.open({ port: all.stack.ports.postgres, database: 'shop', password: token });

  it('up to it nothing changes; one row more is an error, and the session lives on', async () => {
    const client = await open(all.tokens.alice);
    const fits = await client.ask(query('select id from orders limit 10'));
    assert.equal(errorOf(fits), undefined);
    assert.equal(count(fits, 'D'), 10);
    const over = await client.ask(query('select id from orders limit 11'));
    assert.equal(errorOf(over), '54000 a statement may return 10 rows (rule "few-rows")');
    assert.equal(count(over, 'D'), 10);
    assert.equal(count(over, 'C'), 0);
    assert.equal(statusOf(over), 'I');
    assert.equal(errorOf(await client.ask(query('select 1'))), undefined);
    await client.end();
  });

  it('psql says it, with the hint', async () => {
    const { err, status } = await all.psql('alice', 'select * from orders');
    assert.match(err, /ERROR: {2}a statement may return 10 rows \(rule "few-rows"\)\nHINT: {2}Ask for fewer/);
    assert.equal(status, 0);
  });

  for (const [form, messages] of Object.entries({
    described: [parse('', 'select id from orders'), bind({}), describeNamed('portal'), execute(), sync()],
    'in parts': [parse('', 'select id from orders'), bind({}), execute('', 4), execute('', 4), execute('', 4), sync()],
    'binary, never described': [parse('', 'select id from orders'), bind({ resultFormats: [1] }), execute(), sync()],
    'prepared once': [parse('a', 'select id from orders'), bind({ statement: 'a' }), execute(), sync()],
  })) {
    it(`the extended query, ${form}`, async () => {
      const client = await open(all.tokens.alice);
      const over = await client.ask(...messages);
      assert.match(errorOf(over) ?? 'no error', /^54000 /);
      assert.equal(count(over, 'D'), 10);
      const next = await client.ask(parse('', 'select 1'), bind({}), execute(), sync());
      assert.equal(errorOf(next), undefined);
      assert.equal(count(next, 'D'), 1);
      await client.end();
    });
  }

  it('a portal that is read over several pipelines is one statement', async () => {
    const client = await open(all.tokens.alice);
    await client.ask(query('begin'));
    await client.ask(parse('', 'select id from orders'), bind({ portal: 'p' }), sync());
    assert.equal(count(await client.ask(execute('p', 8), sync()), 'D'), 8);
    await client.ask(query('select 1'));
    const more = await client.ask(execute('p', 8), sync());
    assert.match(errorOf(more) ?? 'no error', /^54000 /);
    assert.equal(count(more, 'D'), 2);
    await client.end();
  });

  it('COPY out', async () => {
    const client = await open(all.tokens.alice);
    const over = await client.ask(query('copy orders to stdout'));
    assert.match(errorOf(over) ?? 'no error', /^54000 /);
    assert.equal(count(over, 'd'), 10);
    assert.equal(errorOf(await client.ask(query('select 1'))), undefined);
    await client.end();
  });

  it('a large result is stopped at the target, and what comes next is not', async () => {
    const client = await open(all.tokens.alice);
    const over = await client.ask(query('select * from wide'));
    assert.match(errorOf(over) ?? 'no error', /^54000 /);
    for (let i = 0; i < 20; i++) assert.equal(errorOf(await client.ask(query('select pg_sleep(0.01)'))), undefined);
    const { rows } = await inDatabase(
      all.database,
      `select count(*)::int as n from pg_stat_activity where query like 'select * from wide%' and state = 'active'`,
    );
    assert.equal(rows[0].n, 0);
    await client.end();
  });

  it('in a transaction the status is the target’s own', async () => {
    const client = await open(all.tokens.alice);
    await client.ask(query('begin'));
    const over = await client.ask(query('select * from wide'));
    assert.equal(statusOf(over), 'E');
    assert.match(errorOf(await client.ask(query('select 1'))) ?? '', /^25P02/);
    await client.end();
  });

  it('what was sent along and done ends the session, for it cannot be taken back', async () => {
    const client = await open(all.tokens.alice);
    const over = await client.ask(query('select id from orders; select 2'));
    const said = over.filter(({ type }) => type === 'E').map((error) => errorOf([error]) ?? '');
    assert.match(said.at(-1) ?? 'no error', /may return 10 rows .* has been done meanwhile/);
    assert.ok(count(over, 'D') <= 10);
    await client.until('Z');
    assert.ok(client.closed);
    await client.end();
  });

  it('a session’s sum', async () => {
    const client = await open(await all.stack.token('frugal'));
    assert.equal(errorOf(await client.ask(query('select id from orders limit 20'))), undefined);
    const over = await client.ask(query('select id from orders limit 20'));
    assert.equal(errorOf(over), '54000 the statements of a session may return 25 rows (rule "few-a-session")');
    assert.equal(count(over, 'D'), 5);
    await client.end();
  });

  it('whom no limit concerns gets everything', async () => {
    const client = await open(all.tokens.dana);
    assert.equal(count(await client.ask(query('select id from orders')), 'D'), 100);
    await client.end();
  });

  it('a limit of a rule that denies is refused', async () => {
    const wrong = 'kind: Rule\nname: w\nspec: { who: { any: true }, then: deny, limit: { rows: 1 } }';
    await assert.rejects(all.stack.apply(wrong), /limit means nothing with deny/);
    await assert.rejects(
      all.stack.apply(wrong.replace('deny', 'allow').replace('rows: 1', '')),
      /rows, sessionRows or both/,
    );
  });
});
