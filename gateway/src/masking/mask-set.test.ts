import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readColumnPattern } from '@sallyport/shared/access/column-pattern.ts';
import type { Principal } from '@sallyport/shared/access/principal.ts';
import type { Place } from '@sallyport/shared/access/scope.ts';
import { compileMasks } from './mask-set.ts';
import type { MaskSpec } from './spec.ts';

const hashKey = Buffer.alloc(32, 7);
const alice: Principal = { id: 'user:alice', name: 'alice@example.com', groups: ['dev'], claims: {} };
const robot: Principal = { id: 'service:ci', name: 'ci', groups: [], claims: {} };
const prod: Place = { name: 'prod-db', labels: { env: 'prod' }, protocol: 'postgres' };

const one = (spec: MaskSpec, name = 'pii') => compileMasks([{ name, spec }], { hashKey });
const veilOf = (spec: MaskSpec) => one(spec).veil(alice, prod)!;

describe('a mask concerns', () => {
  const columns = ['users.email'];
  for (const [what, spec, person, expected] of [
    ['everyone where nobody is named', { columns }, alice, true],
    ['nobody who is excepted by group', { columns, except: { groups: ['dev'] } }, alice, false],
    ['nobody who is excepted by name', { columns, except: { users: ['alice@example.com'] } }, alice, false],
    ['others than those excepted', { columns, except: { groups: ['privacy'] } }, alice, true],
    ['who is named', { columns, who: { groups: ['dev'] } }, alice, true],
    ['no other', { columns, who: { groups: ['ops'] } }, alice, false],
    ['service accounts by their own list', { columns, who: { serviceAccounts: ['ci'] } }, robot, true],
    ['no service account as a user', { columns, who: { users: ['ci'] } }, robot, false],
    ['a connection by name', { columns, connections: { names: ['prod-db'] } }, alice, true],
    ['no other connection', { columns, connections: { names: ['test-db'] } }, alice, false],
    ['connections by label', { columns, connections: { labels: { env: 'prod' } } }, alice, true],
    ['no connection of another label', { columns, connections: { labels: { env: 'test' } } }, alice, false],
    ['no connection of another protocol', { columns, connections: { protocol: 'ssh' } }, alice, false],
  ] as const) {
    it(what, () => assert.equal(one(spec).veil(person, prod) !== undefined, expected));
  }
});

describe('a veil', () => {
  it('protects the columns that are named', () => {
    const veil = veilOf({ columns: ['public.users.email', '*.*.ssn', 'orders.card_*'] });
    assert.deepEqual(veil.treatment(['public', 'users', 'email']), { mask: 'pii', as: 'redact' });
    assert.equal(veil.treatment(['other', 'users', 'email']), undefined);
    assert.ok(veil.treatment(['x', 'y', 'ssn']));
    assert.ok(veil.treatment(['any', 'orders', 'card_number']));
    assert.equal(veil.treatment(['any', 'orders', 'id']), undefined);
    assert.equal(veil.treatment(['any', 'orders', 'id']), undefined, 'also when asked again');
  });

  it('knows tables in which nothing is protected', () => {
    const veil = veilOf({ columns: ['public.users.email'] });
    assert.ok(veil.mayProtect(['public', 'users']));
    assert.ok(!veil.mayProtect(['public', 'orders']));
    assert.ok(!veil.mayProtect(['other', 'users']));
  });

  it('does not take one path for another', () => {
    const veil = veilOf({ columns: ['"a.b".c.d'] });
    assert.ok(veil.treatment(['a.b', 'c', 'd']));
    assert.equal(veil.treatment(['a', 'b.c', 'd']), undefined);
  });

  it('answers the unknown treatment to a path that is none', () => {
    const veil = veilOf({ columns: ['users.email'] });
    assert.equal(veil.treatment(['users', 'email']), veil.unknown);
  });

  it('takes the strictest of several masks', () => {
    const names = ['partial', 'hash', 'redact', 'null'] as const;
    for (const [i, weak] of names.entries()) {
      for (const strong of names.slice(i)) {
        for (const order of [
          [weak, strong],
          [strong, weak],
        ] as const) {
          const masks = order.map((as) => ({ name: as, spec: { columns: ['users.ssn'], as } }));
          const veil = compileMasks(masks, { hashKey }).veil(alice, prod)!;
          assert.equal(veil.treatment(['public', 'users', 'ssn'])?.as, strong);
        }
      }
    }
  });

  it('never shows parts or hashes of what is computed', () => {
    for (const [as, unknown] of [
      ['partial', 'redact'],
      ['hash', 'redact'],
      ['redact', 'redact'],
      ['null', 'null'],
    ] as const) {
      assert.equal(veilOf({ columns: ['users.ssn'], as }).unknown.as, unknown);
    }
  });

  it('tells whether it protects columns or only looks for secrets', () => {
    const detecting = veilOf({ detect: ['email'] });
    assert.deepEqual([detecting.protects, detecting.inspects], [false, true]);
    const protecting = veilOf({ columns: ['users.ssn'] });
    assert.deepEqual([protecting.protects, protecting.inspects], [true, false]);
  });

  it('replaces by treatment', () => {
    const veil = veilOf({ columns: ['users.ssn'] });
    const as = (how: 'redact' | 'null' | 'hash' | 'partial', text: string) =>
      veil.replace(Buffer.from(text), { mask: 'pii', as: how })?.toString();
    assert.equal(as('redact', 'secret'), '[redacted]');
    assert.equal(as('null', 'secret'), undefined);
    assert.equal(as('partial', '4111111111111111'), '************1111');
    assert.equal(as('partial', 'überaschungsgäßte'), `${'*'.repeat(13)}äßte`);
    assert.equal(as('partial', '🙂'.repeat(10)), `${'*'.repeat(6)}${'🙂'.repeat(4)}`);
    assert.equal(as('partial', '12345678'), '********', 'half of it would be too much');
    assert.equal(as('partial', ''), '');
    assert.match(as('hash', 'secret')!, /^[0-9a-f]{16}$/);
    assert.equal(as('hash', 'secret'), as('hash', 'secret'));
    assert.notEqual(as('hash', 'secret'), as('hash', 'Secret'));
    const other = compileMasks([{ name: 'm', spec: { columns: ['a.b'] } }], { hashKey: Buffer.alloc(32, 8) });
    const elsewhere = other.veil(alice, prod)!.replace(Buffer.from('secret'), { mask: 'm', as: 'hash' });
    assert.notEqual(elsewhere?.toString(), as('hash', 'secret'), 'the key matters');
  });
});

describe('a column pattern', () => {
  for (const [pattern, path, expected] of [
    ['users.email', ['public', 'users', 'email'], true],
    ['Users.EMail', ['public', 'users', 'email'], true],
    ['"Users".email', ['public', 'users', 'email'], false],
    ['"Users".email', ['public', 'Users', 'email'], true],
    ['users.email', ['public', 'Users', 'email'], false],
    ['p*c.u*s.*', ['public', 'users', 'x'], true],
    ['*.*.*ssn*', ['public', 'users', 'the_ssn_no'], true],
    ['*.*.*a*b*', ['public', 'users', 'xbxa'], false],
    ['*.*.a*a', ['public', 'users', 'a'], false],
    ['*.*.a*a', ['public', 'users', 'aa'], true],
    ['u."*"', ['public', 'u', 'anything'], false],
    ['u."*"', ['public', 'u', '*'], true],
    ['u."a""b"', ['public', 'u', 'a"b'], true],
    ['"a.b".c.d', ['a.b', 'c', 'd'], true],
    ['ÄPFEL.x', ['public', 'Äpfel', 'x'], true],
    ['ÄPFEL.x', ['public', 'äpfel', 'x'], false],
  ] as [string, [string, string, string], boolean][]) {
    it(`${pattern} ${expected ? 'is' : 'is not'} ${path.join(' . ')}`, () => {
      const { matchesTable, matchesColumn } = readColumnPattern(pattern);
      assert.equal(matchesTable(path[0], path[1]) && matchesColumn(path[2]), expected);
    });
  }

  for (const wrong of ['email', 'a.b.c.d', '', '.', 'a.', '.b', 'a..b', 'a."b', 'a.""', 'a b.c', 'a."b"c']) {
    it(`"${wrong}" is none`, () => assert.throws(() => readColumnPattern(wrong), /columns:/));
  }
});

describe('a wrong mask', () => {
  for (const [spec, message] of [
    [{}, /mask pii: name columns, fields, detect or patterns/],
    [{ columns: [] }, /it would mask nothing/],
    [{ column: ['a.b'] }, /column is no key of a mask; did you mean columns\?/],
    [{ columns: ['a.b'], as: 'redacted' }, /as: redacted is not known; did you mean redact\?/],
    [{ columns: ['a.b'], as: 'toString' }, /as: toString is not known/],
    [{ detect: ['credit-cards'] }, /did you mean credit-card\?/],
    [{ detect: ['e-mail'] }, /did you mean email\?/],
    [{ columns: ['email'] }, /has 1 parts/],
    [{ columns: ['a.b'], except: { group: ['x'] } }, /except\.group is no key of a mask; did you mean groups\?/],
    [{ columns: ['a.b'], connections: { name: ['x'] } }, /did you mean names\?/],
    [{ columns: ['a.b'], who: {} }, /who: it names nobody/],
    [{ columns: ['a.b'], except: { any: true } }, /except\.any/],
    [{ columns: ['a.b'], except: { groups: [] } }, /except: it names nobody/],
    [{ columns: ['a.b'], except: { groups: 'dev' } }, /except\.groups: write a list/],
    [{ columns: 'a.b' }, /columns: write a list/],
    [{ columns: ['a.b'], connections: { names: 'prod' } }, /connections\.names: write a list/],
    [{ columns: ['a.b'], connections: { names: [] } }, /it names none/],
    [{ columns: ['a.b'], connections: { protocol: 'postgress' } }, /did you mean postgres\?/],
    [{ patterns: [{ name: 'p', pattern: '(' }] }, /patterns: p: /],
    [{ patterns: [{ name: 'p', pattern: '(a)\\1' }] }, /patterns: p: /],
    [{ patterns: [{ name: 'p', pattern: 'a*' }] }, /matches the empty text/],
    [{ patterns: [{ name: 'p', pattern: 'a', flags: 'g' }] }, /there are: i, m, s/],
    [{ patterns: [{ name: 'p', pattern: 'a'.repeat(2000) }] }, /longer than/],
    [{ patterns: [{ name: 'p', pattern: '(a{1,100}){1,100}' }] }, /patterns: p/],
    [{ patterns: [{ name: 'p', patern: 'a' }] }, /did you mean pattern\?/],
  ] as const) {
    it(`${JSON.stringify(spec).slice(0, 60)} is refused`, () => {
      assert.throws(() => one(spec as unknown as MaskSpec), message);
    });
  }

  it('a hash key that is too short is refused', () => {
    assert.throws(() => compileMasks([], { hashKey: Buffer.alloc(8) }), /hash key/);
  });
});
