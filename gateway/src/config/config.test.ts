import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { ConfigError } from '@sallyport/shared/errors/errors.ts';
import { parseConfig } from './config.ts';
import { parseResources, toConnection } from './resources.ts';

const said = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message;
  }
  return 'nothing';
};

describe('the configuration', () => {
  it('has a value for everything', () => {
    const config = parseConfig('', 'none', '/srv');
    assert.deepEqual(config.listen, {
      web: { host: '127.0.0.1', port: 8080 },
      tunnel: { host: '127.0.0.1', port: 8443 },
      postgres: { host: '127.0.0.1', port: 15432 },
      ssh: { host: '127.0.0.1', port: 2222 },
      kubernetes: { host: '127.0.0.1', port: 16443 },
      metrics: undefined,
    });
    assert.equal(config.data, '/srv/data');
    assert.deepEqual(config.tokens, { ttl: 3_600_000, maxTtl: 30 * 86_400_000, certificateTtl: 43_200_000 });
  });

  it('reads addresses, paths and what is off', () => {
    const text =
      'listen: { web: "[::1]:1", tunnel: off, postgres: "gw.example:5432", ssh: off, kubernetes: off, metrics: 127.0.0.1:9 }\ndata: /d\nresources: access\n';
    const { listen, data, resources } = parseConfig(text, 'f', '/srv');
    assert.deepEqual(listen, {
      web: { host: '::1', port: 1 },
      tunnel: undefined,
      postgres: { host: 'gw.example', port: 5432 },
      ssh: undefined,
      kubernetes: undefined,
      metrics: { host: '127.0.0.1', port: 9 },
    });
    assert.deepEqual([data, resources], ['/d', '/srv/access']);
  });

  for (const [text, expected] of [
    ['lissen: {}', 'f:1: unknown key "lissen"; did you mean listen?'],
    ['data: x\nlisten:\n  postgre: 127.0.0.1:1', 'f:3: unknown key "postgre"; did you mean postgres?'],
    ['journal:\n  sync: allways', 'f:2: journal.sync: must be one of interval, always'],
    ['listen:\n  web: nowhere', 'f:2: listen.web: "nowhere" is no address'],
    ['tokens: { ttl: soon }', 'f:1: tokens.ttl: "soon" is no duration such as 90s, 15m, 2h or 7d'],
    ['tokens: { ttl: 31d }', 'f:1: tokens.ttl: a token may not live longer than tokens.maxTtl'],
    ['store: postgres://x', 'f:1: store: a store in PostgreSQL is not available in this version'],
    ['a: 1\na: 2', 'f:2: this is no YAML'],
    ['data: [', 'this is no YAML'],
  ] as const) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      const message = said(() => parseConfig(text, 'f', '/'));
      assert.ok(message.includes(expected), message);
    });
  }
});

describe('resources', () => {
  it('every example of the documentation is right', () => {
    const page = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');
    const examples = [...page.matchAll(/(?:^ {4}.*\n)+/gm)].map(([block]) => block.replaceAll(/^ {4}/gm, ''));
    const resources = examples.filter((text) => text.startsWith('kind: '));
    const kinds = resources.flatMap((text) => parseResources(text, 'docs')).map(({ kind }) => kind);
    assert.deepEqual([...new Set(kinds)].sort(), [
      'Connection',
      'IdentityProvider',
      'Mask',
      'Rule',
      'ServiceAccount',
      'User',
    ]);
  });

  it('a connection has libpq’s mode and the protocol’s port where nothing is said', () => {
    const [one] = parseResources(
      'kind: Connection\nname: a\nspec: { protocol: postgres, agent: x, target: { host: h }, credential: { username: u } }',
      'f',
    );
    assert.deepEqual(toConnection(one as never).target, { host: 'h', port: 5432, tls: 'prefer' });
  });

  const rule = (spec: string): string => `kind: Rule\nname: r\nspec:\n  ${spec}\n`;
  for (const [text, expected] of [
    ['kind: Rul\nname: x\nspec: {}', 'f:1: there is no kind Rul; did you mean Rule?'],
    ['kind: Rule\nname: No\nspec: {}', 'f:2: name: is no name'],
    [rule('who: { any: true }\n  then: alow'), 'f:5: spec.then: must be one of allow, deny, approve'],
    [rule('who: { grups: [a] }\n  then: allow'), 'f:4: unknown key "grups"; did you mean groups?'],
    [rule('then: allow'), 'spec.who: is missing'],
    ['kind: Connection\nname: a\nspec:\n  protocol: mysql', 'other protocols are not served in this version'],
    [
      'kind: Connection\nname: a\nspec:\n  protocol: postgres\n  agent: { labels: {} }\n  target: { host: h }\n  credential: { username: u }',
      'f:5: spec.agent',
    ],
    [
      `${rule('who: { any: true }\n  then: allow')}---\n${rule('who: { any: true }\n  then: deny')}`,
      'f:8: Rule r is written twice',
    ],
    ['kind: User\nname: a\nspec: { password: short }', 'f:3: spec.password: has fewer than 8 characters'],
  ] as const) {
    it(`refuses ${JSON.stringify(text).slice(0, 60)}`, () => {
      const message = said(() => parseResources(text, 'f'));
      assert.ok(message.includes(expected), message);
    });
  }
});
