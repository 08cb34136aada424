import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Action } from '@sallyport/shared/access/action.ts';
import type { Actor, Principal } from '@sallyport/shared/access/principal.ts';
import { compileMasks } from '../masking/mask-set.ts';
import { compileRules, opening } from './policy-set.ts';
import type { RuleSpec } from './rule.ts';

const alice: Principal = { id: 'user:alice', name: 'alice', groups: ['eng', 'privacy'], claims: {} };
const program = (name: string, actor?: Actor): Actor => ({
  id: `service:${name}`,
  name,
  groups: ['programs'],
  kind: 'workload',
  ...(actor && { actor }),
});
const claude = { ...alice, actor: program('claude') };
const handedOn = { ...alice, actor: program('helper', program('claude')) };
const place = { name: 'db', labels: {}, protocol: 'postgres' } as const;
const session = { id: '1', sourceAddress: '127.0.0.1', startedAt: 0 };
const select: Action = { kind: 'postgres.query', verb: 'select', effects: ['select'] };
const approvers = { groups: ['dba'] };
const eng = { groups: ['eng'] };

const outcomes = (specs: readonly RuleSpec[], action: Action = select) => {
  const policy = compileRules(specs.map((spec, at) => ({ name: `rule-${at}`, spec })));
  const of = (principal: Principal) => policy.decide({ principal, connection: place, session, action }).outcome;
  return [of(alice), of(claude), of(handedOn)];
};

describe('rules and programs that act on a person’s behalf', () => {
  for (const [name, specs, wanted] of [
    ['a rule for people lets no program in', [{ who: eng, then: 'allow' }], 'allow deny deny'],
    [
      'one that names it lets it in, and the person not',
      [{ who: { ...eng, actors: ['claude'] }, then: 'allow' }],
      'deny allow deny',
    ],
    [
      'all of a chain must be named',
      [{ who: { ...eng, actors: ['claude', 'help*'] }, then: 'allow' }],
      'deny allow allow',
    ],
    [
      'the person still has to be meant',
      [{ who: { groups: ['dba'], actors: ['*'] }, then: 'allow' }],
      'deny deny deny',
    ],
    [
      'the program’s own groups give nothing',
      [{ who: { groups: ['programs'], actors: ['*'] }, then: 'allow' }],
      'deny deny deny',
    ],
    [
      'a denial for people holds',
      [
        { who: { ...eng, actors: ['*'] }, then: 'allow' },
        { who: eng, then: 'deny' },
      ],
      'deny deny deny',
    ],
    [
      'a denial of programs holds for any in the chain and not for people',
      [
        { who: eng, when: 'principal.actor.name != "x"', then: 'allow' },
        { who: { any: true, actors: ['claude'] }, then: 'deny' },
      ],
      'allow deny deny',
    ],
    [
      'a condition may ask for nobody',
      [{ who: eng, when: 'principal.actor.name == ""', then: 'allow' }],
      'allow deny deny',
    ],
    ['… or for a kind', [{ who: eng, when: 'principal.actor.kind == "workload"', then: 'allow' }], 'deny allow allow'],
    [
      '… or for who came before',
      [{ who: eng, when: 'principal.actor.via == "claude"', then: 'allow' }],
      'deny deny allow',
    ],
    [
      'people are asked only about what some rule lets the program do',
      [
        { who: eng, then: 'allow' },
        { who: eng, then: 'approve', approvers },
      ],
      'approve deny deny',
    ],
    [
      'a question to people stands over leave that names the program',
      [
        { who: { ...eng, actors: ['claude', 'helper'] }, then: 'allow' },
        { who: eng, then: 'approve', approvers },
      ],
      'approve approve approve',
    ],
    [
      'a question that names one of a chain is asked of all of it, and is leave enough',
      [{ who: { ...eng, actors: ['claude'] }, then: 'approve', approvers }],
      'deny approve approve',
    ],
  ] as [string, RuleSpec[], string][]) {
    it(name, () => {
      assert.deepEqual(outcomes(specs), wanted.split(' '));
    });
  }

  it('a question without leave opens no session either', () => {
    assert.deepEqual(outcomes([{ who: eng, actions: ['truncate'], then: 'approve', approvers }], opening), [
      'allow',
      'deny',
      'deny',
    ]);
  });

  it('knows the fields of principal.actor', () => {
    const rule = (when: string) => () => compileRules([{ name: 'r', spec: { who: eng, then: 'allow', when } }]);
    assert.throws(rule('principal.actor.nam == "x"'), /unknown name principal\.actor\.nam.*principal\.actor\.name/);
    assert.doesNotThrow(rule('"programs" in principal.actor.groups'));
  });

  it('judges a person and their program apart', () => {
    const policy = compileRules([
      { name: 'r', spec: { who: eng, when: 'principal.actor.name == "claude"', then: 'allow' } },
    ]);
    assert.notEqual(policy.terms(alice, place), policy.terms(claude, place));
  });

  it('an exception from a mask is the person’s unless it names the program', () => {
    const masks = (except: object) =>
      compileMasks([{ name: 'm', spec: { columns: ['public.users.email'], except } }], { hashKey: Buffer.alloc(32) });
    const veils = (except: object) =>
      [alice, claude, handedOn].map((one) => masks(except).veil(one, place) !== undefined);
    assert.deepEqual(veils({ groups: ['privacy'] }), [false, true, true]);
    assert.deepEqual(veils({ groups: ['privacy'], actors: ['claude'] }), [true, false, true]);
    assert.deepEqual(veils({ groups: ['programs'] }), [true, true, true]);
  });
});
