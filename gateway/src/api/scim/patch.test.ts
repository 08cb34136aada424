import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Document } from './document.ts';
import { patched } from './patch.ts';
import { groupType, userType } from './resource-type.ts';

const anna: Document = {
  userName: 'anna',
  active: true,
  name: { givenName: 'Anna', familyName: 'Ito' },
  emails: [
    { type: 'work', value: 'a@work', primary: true },
    { type: 'home', value: 'a@home' },
  ],
};
const group: Document = { displayName: 'g', members: [{ value: 'u1' }, { value: 'u2' }] };

const user = (...Operations: object[]): Document => patched(userType, anna, { Operations });
const members = (...Operations: object[]): unknown =>
  (patched(groupType, group, { Operations })['members'] as { value: string }[] | undefined)?.map(({ value }) => value);

describe('a patch', () => {
  it('leaves what it was given as it was', () => {
    const before = structuredClone(anna);
    user({ op: 'replace', path: 'emails[type eq "work"].value', value: 'x' }, { op: 'remove', path: 'name' });
    assert.deepEqual(anna, before);
  });

  it('adds to lists, once', () => {
    const operation = { op: 'add', path: 'emails', value: { type: 'other', value: 'o' } };
    assert.equal((user(operation, operation)['emails'] as unknown[]).length, 3);
    assert.deepEqual(members({ op: 'add', path: 'members', value: [{ value: 'u2' }, { value: 'u3' }] }), [
      'u1',
      'u2',
      'u3',
    ]);
  });

  it('has one primary value: the newest', () => {
    const { emails } = user({ op: 'add', path: 'emails', value: [{ type: 'new', value: 'n', primary: true }] });
    assert.deepEqual(
      (emails as Document[]).filter(({ primary }) => primary === true).map(({ value }) => value),
      ['n'],
    );
  });

  it('removes parts, values and all of them', () => {
    assert.deepEqual(user({ op: 'remove', path: 'name.givenName' })['name'], { familyName: 'Ito' });
    assert.equal(
      user({ op: 'remove', path: 'name.givenName' }, { op: 'remove', path: 'name.familyName' })['name'],
      undefined,
    );
    assert.equal((user({ op: 'remove', path: 'emails[type eq "home"]' })['emails'] as unknown[]).length, 1);
    assert.equal(user({ op: 'remove', path: 'emails' })['emails'], undefined);
    assert.equal(members({ op: 'remove', path: 'members' }), undefined);
    assert.deepEqual(members({ op: 'remove', path: 'members[value eq "u1"]' }), ['u2']);
    assert.deepEqual(members({ op: 'remove', path: 'members', value: [{ value: 'u9' }] }), ['u1', 'u2']);
  });

  it('an empty list to remove removes nobody', () => {
    assert.deepEqual(members({ op: 'remove', path: 'members', value: [] }), ['u1', 'u2']);
  });

  it('replaces lists as a whole', () => {
    assert.deepEqual(members({ op: 'replace', path: 'members', value: [{ value: 'u7' }] }), ['u7']);
    assert.equal(members({ op: 'replace', path: 'members', value: [] }), undefined);
    assert.deepEqual(members({ op: 'replace', value: { members: ['u8'] } }), ['u8']);
  });

  it('goes through with what matters where something is not kept here', () => {
    const changed = user(
      { op: 'replace', path: 'shoeSize', value: 4 },
      { op: 'replace', path: 'active', value: false },
    );
    assert.equal(changed['active'], false);
  });

  for (const [scimType, operation] of [
    ['invalidSyntax', { op: 'move', path: 'title' }],
    ['invalidSyntax', {}],
    ['noTarget', { op: 'remove' }],
    ['invalidValue', { op: 'replace', value: 'x' }],
    ['invalidValue', { op: 'replace', path: 'active', value: 'nope' }],
    ['invalidValue', { op: 'replace', path: 'title', value: { a: 1 } }],
    ['invalidPath', { op: 'replace', path: 'emails[type eq', value: 'x' }],
    ['invalidPath', { op: 'replace', path: 'emails[nonsense]', value: 'x' }],
    ['invalidPath', { op: 'replace', path: 'name[givenName eq "a"]', value: 'x' }],
    ['invalidPath', { op: 'replace', path: '../x', value: 'x' }],
    ['invalidPath', { op: 'replace', path: 7, value: 'x' }],
    ['mutability', { op: 'replace', path: 'id', value: 'x' }],
    ['mutability', { op: 'replace', path: 'groups', value: [{ value: 'admins' }] }],
    ['noTarget', { op: 'replace', path: 'emails[type ne "x" and value pr and type eq "y"].value', value: 'x' }],
  ] as const) {
    it(`${JSON.stringify(operation)} is ${scimType}`, () => {
      assert.throws(() => user(operation), { name: 'ScimProblem', scimType });
    });
  }

  it('makes no member out of a filter', () => {
    const operation = { op: 'replace', path: 'members[value eq "u9"].type', value: 'User' };
    assert.throws(() => members(operation), { scimType: 'noTarget' });
  });

  it('is bounded', () => {
    const many = Array(201).fill({ op: 'replace', path: 'title', value: 'x' });
    assert.throws(() => user(...many), { scimType: 'invalidSyntax' });
  });
});
