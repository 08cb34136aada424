import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Action } from '@sallyport/shared/access/action.ts';
import type { Connection } from '@sallyport/shared/access/connection.ts';
import type { Principal } from '@sallyport/shared/access/principal.ts';
import { compileRules, opening } from './policy-set.ts';

const principal: Principal = { id: 'user:alice', name: 'alice', groups: ['eng'], claims: {} };
const connection: Connection = {
  name: 'db',
  protocol: 'postgres',
  agent: 'here',
  target: { host: 'db', port: 5432, tls: 'require' },
  credential: { username: 'app' },
  labels: { env: 'prod' },
};
const session = { id: '1', sourceAddress: '127.0.0.1', startedAt: 0 };
const select: Action = { kind: 'postgres.query', verb: 'select', effects: ['select'] };
const insertSelect: Action = { kind: 'postgres.query', verb: 'insert', effects: ['insert', 'select'] };

type Spec = Omit<Parameters<typeof compileRules>[0][number]['spec'], 'who'>;

const compile = (specs: readonly Spec[]) =>
  compileRules(specs.map((spec, i) => ({ name: `rule-${i}`, spec: { who: { groups: ['eng'] }, ...spec } })));

const decide = (specs: readonly Spec[], action: Action = select) =>
  compile(specs).decide({ principal, connection, session, action }).outcome;

const allow: Spec = { then: 'allow' };
const deny: Spec = { then: 'deny' };
const approve: Spec = { then: 'approve', approvers: { groups: ['dba'] } };
const many = 'action.estimatedRows > 1';

describe('a verdict', () => {
  for (const [name, specs, action, wanted] of [
    ['nothing matches', [], select, 'deny'],
    ['a rule allows', [allow], select, 'allow'],
    ['deny stands over approve over allow', [allow, approve, deny], select, 'deny'],
    ['approve stands over allow', [allow, approve], select, 'approve'],
    ['a deny that cannot be evaluated holds', [allow, { ...deny, when: many }], select, 'deny'],
    ['an approve that cannot be evaluated holds', [allow, { ...approve, when: many }], select, 'approve'],
    ['an allow that cannot be evaluated does not', [{ ...allow, when: many }], select, 'deny'],
    ['the estimate is known', [{ ...allow, when: many }], { ...select, estimatedRows: 5 }, 'allow'],
    ['a condition is no boolean', [{ ...allow, when: '1' }], select, 'deny'],
    ['an allow must cover every effect', [{ ...allow, actions: ['insert'] }], insertSelect, 'deny'],
    ['a deny needs one effect', [allow, { ...deny, actions: ['select'] }], insertSelect, 'deny'],
    ['opening with conditions on statements', [{ ...allow, when: 'action.verb == "select"' }], opening, 'allow'],
    ['opening that is denied', [allow, deny], opening, 'deny'],
    ['opening without any rule', [], opening, 'deny'],
  ] as const) {
    it(`${name}: ${wanted}`, () => assert.equal(decide(specs, action), wanted));
  }

  it('is the same from the cache', () => {
    const decider = compile([{ ...allow, when: 'action.verb == "select"' }]).decider(principal, connection, session);
    for (let i = 0; i < 3; i++) {
      assert.equal(decider.decide(select).outcome, 'allow');
      assert.equal(decider.decide(insertSelect).outcome, 'deny');
    }
  });
});

describe('a rule is refused', () => {
  for (const [name, when, wanted] of [
    ['with a misspelt field', 'action.verbb == "x"', /verb/],
    ['with a misspelt variable', 'acton.verb == "x"', /action/],
    ['with broken syntax', 'a ==', /rule-0/],
    ['that is too deep', `${'('.repeat(40)}1`, /rule-0/],
    ['that is too long', 'x'.repeat(5000), /rule-0/],
    ['that nests three loops', 'action.tables.all(a, action.tables.all(b, action.tables.all(c, true)))', /rule-0/],
  ] as const) {
    it(name, () => assert.throws(() => compile([{ ...allow, when }]), wanted));
  }
});
