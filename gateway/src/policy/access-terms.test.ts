import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Connection } from '@sallyport/shared/access/connection.ts';
import { compileRules, opening } from './policy-set.ts';
import type { RuleSpec } from './rule.ts';

const principal = { id: 'user:alice', name: 'alice', groups: ['eng'], claims: {} };
const connection = { name: 'db', protocol: 'postgres', labels: {} } as Pick<Connection, 'name' | 'protocol' | 'labels'>;
const session = { id: '1', sourceAddress: '127.0.0.1', startedAt: 0 };
const base: RuleSpec = {
  who: { groups: ['eng'] },
  actions: ['session.open'],
  then: 'approve',
  approvers: { groups: ['dba'] },
};
const timed: RuleSpec = { ...base, grant: { max: '8h' } };

const verdictOf = (...specs: readonly RuleSpec[]) =>
  compileRules(specs.map((spec, at) => ({ name: `rule-${at}`, spec }))).mayOpen(principal, connection, session);

function termsOf(spec: RuleSpec) {
  const verdict = verdictOf(spec);
  assert.equal(verdict.outcome, 'approve');
  return verdict.outcome === 'approve' ? verdict.access : undefined;
}

describe('the terms of access for a time', () => {
  it('are read with their usual values', () => {
    assert.deepEqual(termsOf(timed)?.grant, { maxMs: 8 * 3_600_000, defaultMs: 3_600_000 });
    assert.deepEqual(termsOf({ ...base, grant: { max: '5m' } })?.grant, { maxMs: 300_000, defaultMs: 300_000 });
    assert.deepEqual(termsOf({ ...base, breakGlass: { groups: ['oncall'], max: '1d' } })?.breakGlass, {
      groups: ['oncall'],
      maxMs: 86_400_000,
    });
    assert.equal(termsOf(base), undefined);
  });

  for (const [spec, expected] of [
    [{ ...timed, then: 'allow', approvers: undefined }, /grant: means nothing with allow/],
    [{ ...timed, actions: undefined }, /grant: is for opening sessions only/],
    [{ ...timed, actions: ['session.open', 'select'] }, /grant: is for opening sessions only/],
    [{ ...base, actions: ['select'], breakGlass: { groups: ['a'], max: '1h' } }, /breakGlass: is for opening/],
    [{ ...base, grant: { max: '0h' } }, /grant.max: "0h" is no duration/],
    [{ ...base, grant: { max: '31d' } }, /30d at most/],
    [{ ...base, grant: { max: '9999999d' } }, /30d at most/],
    [{ ...base, grant: { max: '-1h' } }, /no duration/],
    [{ ...base, grant: { max: '1h', default: '2h' } }, /grant.default: is longer than grant.max/],
    [{ ...base, approvers: { eachOf: [] } }, /approvers: name at least one/],
    [{ ...base, approvers: { eachOf: ['a'], count: 2 } }, /approvers.count: means nothing without/],
  ] as const) {
    it(`refuse ${expected.source}`, () => assert.throws(() => verdictOf(spec as RuleSpec), expected));
  }

  it('have another digest when anything changes that people consent under, and the same for other words', () => {
    const digest = (rest: Partial<RuleSpec>) => termsOf({ ...timed, ...rest })?.digest;
    const same = digest({});
    assert.equal(digest({ reason: 'other words' }), same);
    const others = [
      digest({ who: { any: true } }),
      digest({ connections: { names: ['db'] } }),
      digest({ when: 'true' }),
      digest({ approvers: { groups: ['dba'], count: 2 } }),
      digest({ grant: { max: '7h' } }),
      digest({ breakGlass: { groups: ['oncall'], max: '1h' } }),
    ];
    assert.equal(new Set([same, ...others]).size, 7);
  });

  it('of the rule that asks most people go, and of equals those that give least', () => {
    const rule = (...specs: readonly RuleSpec[]) => verdictOf(...specs).rule;
    assert.equal(rule(timed, base), 'rule-1');
    assert.equal(rule(base, timed), 'rule-0');
    assert.equal(rule(base, { ...timed, approvers: { eachOf: ['a', 'b'] } }), 'rule-1');
    assert.equal(rule(timed, { ...timed, grant: { max: '1h' } }), 'rule-1');
    assert.equal(verdictOf(timed, { who: { any: true }, then: 'deny' }).outcome, 'deny');
  });

  it('are no longer known when the rule concerns the person no more', () => {
    const policy = compileRules([{ name: 'r', spec: timed }]);
    assert.ok(policy.accessDigest('r', principal, connection));
    assert.equal(policy.accessDigest('r', { ...principal, groups: [] }, connection), undefined);
    assert.equal(policy.accessDigest('other', principal, connection), undefined);
    assert.equal(policy.mayOpen(principal, connection, session).outcome, 'approve');
    assert.equal(opening.kind, 'session.open');
  });
});
