import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readFieldPattern } from './field-pattern.ts';

const hits = (pattern: string, ...path: (string | number)[]): boolean => readFieldPattern(pattern).matchesField(path);

test('names, lists, indexes, quoted names and any depth', () => {
  assert.ok(hits('$.users[*].email', 'users', 3, 'email'));
  assert.ok(!hits('$.users[*].email', 'users', 'email'));
  assert.ok(!hits('$.users[*].email', 'users', 3, 'email', 'x'));
  assert.ok(hits('$..secret', 'secret') && hits('$..secret', 'a', 0, 'secret') && !hits('$..secret', 'secret', 'b'));
  assert.ok(hits('$[1].a', 1, 'a') && !hits('$[1].a', 2, 'a'));
  assert.ok(hits("$['odd name'].x", 'odd name', 'x'));
  assert.ok(hits('$.*', 'anything') && hits('$[*]', 5));
});

test('on some paths only', () => {
  const { matchesPath } = readFieldPattern('/api/users/**: $.email');
  assert.ok(matchesPath('/api/users/7/more') && !matchesPath('/api/orders'));
  assert.ok(!readFieldPattern('/api/*/x: $.email').matchesPath('/api/a/b/x'));
});

for (const wrong of ['email', '$', '$.', '$..', '$.a[', '$.a b', '$a', '/x: email']) {
  test(`"${wrong}" is no field`, () => assert.throws(() => readFieldPattern(wrong), /fields:/));
}
