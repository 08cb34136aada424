import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readFieldPattern } from '@sallyport/shared/access/field-pattern.ts';
import type { Treatment, Veil } from '../../protocol.ts';
import { EventVeil } from './events.ts';
import { JsonVeil } from './json.ts';

const veil = {
  inspects: true,
  inspect: (text: Buffer) => Buffer.from(text.toString().replaceAll('anna@example.org', '[mail]')),
  replace: (_: Buffer, { as }: Treatment) => (as === 'null' ? undefined : Buffer.from('[redacted]')),
} as unknown as Veil;

const fieldsOf = (patterns: readonly string[], as: Treatment['as'] = 'redact') => {
  const all = patterns.map(readFieldPattern);
  return (path: readonly (string | number)[]): Treatment | undefined =>
    all.some(({ matchesField }) => matchesField(path)) ? { mask: 'm', as } : undefined;
};

/** Cut after every byte, and not at all: the same. */
function shown(text: string, patterns: readonly string[], as?: Treatment['as']): string {
  const whole = new JsonVeil(veil, fieldsOf(patterns, as));
  const once = Buffer.concat([whole.write(Buffer.from(text)), whole.end()]).toString();
  const cut = new JsonVeil(veil, fieldsOf(patterns, as));
  const parts = [...Buffer.from(text)].map((byte) => cut.write(Buffer.of(byte)));
  assert.equal(Buffer.concat([...parts, cut.end()]).toString(), once);
  return once;
}

test('values of any kind are replaced, whole, and the rest stays as it was', () => {
  const text =
    '{ "users": [ {"email":"a\\"b","n":1}, {"email":{"x":[1,{"y":2}]},"n":2}, {"email":17} ], "e": [] , "o": {} }';
  assert.equal(
    shown(text, ['$.users[*].email']),
    '{ "users": [ {"email":"[redacted]","n":1}, {"email":"[redacted]","n":2}, {"email":"[redacted]"} ], "e": [] , "o": {} }',
  );
  assert.deepEqual(JSON.parse(shown(text, ['$..email'], 'null')).users[1], { email: null, n: 2 });
});

test('a name is what it means, not how it is written', () => {
  assert.equal(shown('{"em\\u0061il":"x"}', ['$.email']), '{"em\\u0061il":"[redacted]"}');
  assert.equal(shown('{"email":1,"email":2}', ['$.email']), '{"email":"[redacted]","email":"[redacted]"}');
});

test('detectors see texts without their escapes', () => {
  assert.equal(shown('["anna\\u0040example.org", "é"]', []), '["[mail]", "é"]');
});

test('several values one behind the other', () => {
  assert.equal(shown('{"a":1}\n{"a":2}\n', ['$.a']), '{"a":"[redacted]"}\n{"a":"[redacted]"}\n');
  assert.equal(shown('\u001e{"a":1}\n\u001e7\n', ['$.a']), '\u001e{"a":"[redacted]"}\n\u001e7\n');
});

for (const text of [
  '{',
  '{"a":1',
  '{"a" 1}',
  '{"a":1]',
  '[1 2]',
  '{1:2}',
  '[,]',
  '[1,]',
  '{"a":nul}',
  '"a',
  '{"a":1,}',
  "{'a':1}",
]) {
  test(`${text} is refused`, () => assert.throws(() => shown(text, ['$.a']), /cannot be read/));
}

test('server-sent events', () => {
  const events = new EventVeil(veil, fieldsOf(['$.a']));
  const first = events.write(Buffer.from('event: x\ndata: {"a":\ndata: 1}\n'));
  assert.equal(first.length, 0);
  const rest = events.write(Buffer.from('\n: anna@example.org\n\ndata: {"b":2}\r\n\r\nda'));
  assert.equal(rest.toString(), 'event: x\ndata: {"a":\ndata: "[redacted]"}\n\n\ndata: {"b":2}\n\n');
  assert.throws(() => events.write(Buffer.from('ta: no json\n\n')), /cannot be read/);
});
