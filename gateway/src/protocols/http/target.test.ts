import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readJson } from './json/read.ts';
import { RequestProblem } from './problem.ts';
import { addressed } from './reply-address.ts';
import { routeOf } from './route.ts';
import { readTarget } from './target.ts';

test('one form for each path', () => {
  assert.equal(readTarget('/a/%41%7e%3a/%c3%bc/?x=%41').path, '/a/A~:/%C3%BC/');
  assert.deepEqual({ ...readTarget('/a?x=1&x=%20&y&+=z').query }, { x: ['1', ' '], y: [''], ' ': ['z'] });
  assert.deepEqual(Object.keys(readTarget('/a?__proto__=1').query), ['__proto__']);
});

for (const wrong of [
  '',
  '*',
  'a',
  'http://a/',
  '//a',
  '/a//b',
  '/./a',
  '/a/..',
  '/%2E%2e/',
  '/a%2Fb',
  '/a%5cb',
  '/a\\b',
  '/a;b',
  '/a%3Bb',
  '/a%00',
  '/%',
  '/%zz',
  '/%2541',
  '/a#b',
  '/ü',
  '/a b',
  '/a?%ff',
  `/${'a'.repeat(20_000)}`,
]) {
  test(`"${wrong.slice(0, 20)}" is refused`, () => assert.throws(() => readTarget(wrong), RequestProblem));
}

test('by host name or by the first segment', () => {
  const byHost = (host: string) => (host === 'shop.gw' ? 'shop' : undefined);
  assert.deepEqual(routeOf('SHOP.gw:16443', '/a', byHost), { connection: 'shop', prefix: '', path: '/a' });
  assert.deepEqual(routeOf('gw', '/shop', byHost), { connection: 'shop', prefix: '/shop', path: '/' });
  assert.throws(() => routeOf('gw', '/', byHost), RequestProblem);
  assert.throws(() => routeOf('gw@evil/', '/a', byHost), RequestProblem);
});

test('JSON that readers could read in two ways is not read', () => {
  assert.deepEqual(JSON.stringify(readJson(Buffer.from('{"a":[1,"x",{"b":null}]}'))), '{"a":[1,"x",{"b":null}]}');
  for (const wrong of [
    '{"a":1,"a":2}',
    '{"a":1,"\\u0061":2}',
    '{a:1}',
    '[1,]',
    '01',
    '1 2',
    '',
    '"\n"',
    'NaN',
    `${'['.repeat(100)}${']'.repeat(100)}`,
  ]) {
    assert.equal(readJson(Buffer.from(wrong)), undefined, wrong);
  }
  assert.equal(readJson(Buffer.from([0x22, 0xff, 0x22])), undefined);
});

test('addresses of the target lead through the gateway; what leads around it is dropped', () => {
  const head = {
    status: 200,
    reason: '',
    headers: [
      ['location', '/x'],
      ['location', '//evil/x'],
      ['alt-svc', 'h3=":1"'],
      ['link', '</n>; rel=next'],
      ['set-cookie', 'a=b; Domain=x; path=/'],
    ] as const,
  };
  assert.deepEqual(addressed(head, '/shop').headers, [
    ['location', '/shop/x'],
    ['location', '//evil/x'],
    ['link', '</shop/n>; rel=next'],
    ['set-cookie', 'a=b; path=/shop/'],
  ]);
});
