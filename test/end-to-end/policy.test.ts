import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Fixture } from './fixture.ts';

interface Report {
  readonly judged?: string;
  readonly changed?: string;
  readonly guessed?: string;
  readonly changes: readonly {
    readonly principal: string;
    readonly text: string;
    readonly before: string;
    readonly ruleBefore?: string;
    readonly after: string;
    readonly ruleAfter?: string;
    readonly count: string;
  }[];
}

describe('what rules would mean before they are in force', { timeout: 120_000 }, () => {
  let fixture: Fixture;
  const file = (name: string, text: string): string => {
    const path = join(fixture.stack.folder, name);
    writeFileSync(path, text);
    return path;
  };

  before(async () => {
    fixture = await Fixture.start();
    await fixture.psql(
      'alice',
      'select count(*) from orders;\nselect count(*) from orders;\nselect * from orders limit 1;\ndrop table orders;\n',
    );
    await fixture.psql('dana', 'update orders set note = note;\n');
    await fixture.psql('dana', "update orders set note = 'x' where id = 1;\n");
  });
  after(() => fixture?.stop());

  it('simulate: what people did would be judged otherwise, and nothing changes by asking', async () => {
    const proposed = file(
      'proposed.yaml',
      `kind: Rule
name: no-blind-updates
spec: { who: { groups: [dba] }, actions: [update], when: "!action.hasWhere", then: deny }
---
kind: Rule
name: orders-are-counted-only
spec: { who: { groups: [engineering] }, when: '"public.orders" in action.tables || "orders" in action.tables', then: approve, approvers: { groups: [dba] } }
`,
    );
    const { status, out, err } = await fixture.stack.cli(['policy', 'simulate', '-f', proposed, '-o', 'json']);
    assert.equal(status, 0, err);
    const report = JSON.parse(out) as Report;
    const changes = report.changes.map(({ principal, text, before, after, ruleAfter, count }) =>
      [principal, text, before, after, ruleAfter, count].join('|'),
    );
    assert.deepEqual(changes.sort(), [
      'alice|select * from orders limit 1;|allow|approve|orders-are-counted-only|1',
      'alice|select count(*) from orders;|allow|approve|orders-are-counted-only|2',
      'dana|update orders set note = note;|allow|deny|no-blind-updates|1',
    ]);
    assert.equal(report.changed, '4');
    assert.ok(Number(report.judged) >= 9, 'openings, statements and refusals');
    const table = await fixture.stack.cli(['policy', 'simulate', '-f', proposed, '--user', 'dana']);
    assert.match(table.out, /dana +shop +allow \(everything-first\) +deny \(no-blind-updates\)/);
    assert.match(table.err, /1 × allow → deny/);
    assert.equal((await fixture.psql('dana', 'update orders set note = note;\n')).status, 0);
  });

  it('simulate: a rule that goes, and a connection that goes', async () => {
    const { out } = await fixture.stack.cli([
      'policy',
      'simulate',
      '--delete',
      'Rule/nothing-is-dropped',
      '-o',
      'json',
    ]);
    const report = JSON.parse(out) as Report;
    assert.deepEqual(
      report.changes.map(({ text, before, ruleBefore, after }) => [text, before, ruleBefore, after].join('|')),
      ['drop table orders;|deny|nothing-is-dropped|allow'],
    );
    const missing = await fixture.stack.cli(['policy', 'simulate', '--delete', 'Rule/nothing']);
    assert.notEqual(missing.status, 0);
    assert.match(missing.err, /there is no Rule\/nothing/);
    const gone = await fixture.stack.cli(['policy', 'simulate', '--delete', 'Connection/shop', '-o', 'json']);
    assert.ok((JSON.parse(gone.out) as Report).changes.every(({ after }) => after === 'deny'));
  });

  it('explain: the verdict, what was read, and what every rule says', async () => {
    const { status, out, err } = await fixture.stack.cli([
      'policy',
      'explain',
      '--user',
      'alice',
      '--connection',
      'shop',
      'truncate orders',
    ]);
    assert.equal(status, 0, err);
    assert.match(out, /^approve by ask-before-truncate\n/);
    assert.match(out, /nothing-is-dropped +deny +no +actions/);
    assert.match(out, /hurried +approve +no +when/);
    const asDba = await fixture.stack.cli([
      'policy',
      'explain',
      '--user',
      'alice',
      '--group',
      'dba',
      '--connection',
      'shop',
      'truncate orders',
    ]);
    assert.match(asDba.out, /^allow by everything-first\n/);
    const stranger = await fixture.stack.cli(['policy', 'explain', '--user', 'nobody', '--connection', 'shop']);
    assert.match(stranger.out, /^deny: No rule allows opening a session/);
  });

  it('check: what cannot be applied is an error, what is odd is told', async () => {
    const odd = file(
      'odd.yaml',
      'kind: Rule\nname: odd\nspec: { who: { users: [alcie] }, connections: { names: [shop] }, then: allow }\n',
    );
    const { status, out } = await fixture.stack.cli(['policy', 'check', odd]);
    assert.equal(status, 1);
    assert.match(out, /Rule odd: who\.users: there is no user alcie/);
    const wrong = file(
      'wrong.yaml',
      'kind: Rule\nname: wrong\nspec: { who: { any: true }, when: "action.vreb == 1", then: allow }\n',
    );
    const refused = await fixture.stack.cli(['policy', 'check', wrong]);
    assert.notEqual(refused.status, 0);
    assert.match(refused.err, /wrong\.yaml:3: .*vreb.*verb/s);
    assert.equal((await fixture.stack.cli(['get', 'rule', 'odd'])).status, 6, 'nothing was applied');
  });

  it('is for auditors and administrators', async () => {
    for (const command of [
      ['check'],
      ['simulate', '--delete', 'Rule/x'],
      ['explain', '--user', 'alice', '--connection', 'shop'],
    ]) {
      const { status } = await fixture.stack.cli(['policy', ...command], fixture.tokens.alice);
      assert.notEqual(status, 0, command.join(' '));
    }
  });
});
