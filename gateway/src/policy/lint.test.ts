import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Connection } from '@sallyport/shared/access/connection.ts';
import { type Linted, lint } from './lint.ts';
import type { NamedRule, RuleSpec } from './rule.ts';

const connection = (name: string, labels: Record<string, string> = {}): Connection => ({
  name,
  protocol: 'postgres',
  agent: 'a',
  target: { host: 'h', port: 1, tls: 'prefer' },
  credential: { username: 'u' },
  labels,
});
const rule = (name: string, spec: Partial<RuleSpec>): NamedRule => ({
  name,
  spec: { who: { any: true }, then: 'allow', ...spec },
});

function found(over: Partial<Linted>): string[] {
  const all: Linted = {
    connections: [connection('shop', { env: 'prod' }), connection('lab')],
    rules: [rule('open', {})],
    masks: [],
    users: ['alice'],
    serviceAccounts: ['ci'],
    hasProviders: false,
    ...over,
  };
  return lint(all).map(({ kind, name, message }) => `${kind}/${name}: ${message}`);
}

describe('what was probably not meant', () => {
  it('nothing where all is well', () => assert.deepEqual(found({}), []));

  it('names of nothing, with the nearest right one', () => {
    const wrong = rule('typo', { connections: { names: ['shp'] }, who: { users: ['alcie'], serviceAccounts: ['cd'] } });
    const said = found({ rules: [rule('open', {}), wrong] });
    assert.equal(said.length, 3);
    assert.match(said[0] ?? '', /no connection shp.*shop/);
    assert.match(said[1] ?? '', /no user alcie.*alice/);
    assert.match(said[2] ?? '', /no service account cd/);
  });

  it('people of a provider need not be known here', () => {
    const rules = [rule('open', { who: { users: ['sam@example.com'] } })];
    assert.equal(found({ rules }).length, 1);
    assert.deepEqual(found({ rules, hasProviders: true }), []);
  });

  it('selectors that mean no connection, of rules and of masks', () => {
    const said = found({
      rules: [rule('open', {}), rule('none', { connections: { labels: { env: 'stage' } } })],
      masks: [{ name: 'm', spec: { connections: { protocol: 'ssh' } } }],
    });
    assert.deepEqual(said, [
      'Rule/none: connections: no connection is meant by it',
      'Mask/m: connections: no connection is meant by it',
    ]);
  });

  it('connections that nobody can open', () => {
    const said = found({
      rules: [rule('open', { connections: { names: ['shop'] } }), rule('no', { then: 'deny', when: 'true' })],
    });
    assert.deepEqual(said, ['Connection/lab: nobody can open it: no rule allows or asks for it']);
  });

  it('a rule behind a wall, and not one that the wall leaves a way to', () => {
    const wall = rule('wall', { then: 'deny', connections: { labels: { env: 'prod' } } });
    const behind = rule('behind', { connections: { names: ['shop'] }, who: { groups: ['dba'] } });
    assert.deepEqual(found({ rules: [rule('open', {}), wall, behind] }), [
      'Rule/behind: it never matters: the rule wall denies everything that it is for',
    ]);
    const partial = rule('wall', { then: 'deny', connections: { labels: { env: 'prod' } }, actions: ['drop'] });
    assert.deepEqual(found({ rules: [rule('open', {}), partial, behind] }), []);
  });
});
