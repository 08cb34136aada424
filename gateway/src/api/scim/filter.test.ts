import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Document } from './document.ts';
import { parseFilter } from './filter.ts';
import { matcherOf } from './filter-match.ts';
import { userType } from './resource-type.ts';

const anna: Document = {
  userName: 'Anna@example.com',
  externalId: 'Ext-1',
  active: true,
  title: '',
  name: { familyName: 'O"Neil \\ Ö', givenName: 'Anna' },
  emails: [
    { type: 'work', value: 'anna@example.com', primary: true },
    { type: 'home', value: 'anna@example.org' },
  ],
  meta: { created: '2026-01-02T03:04:05.000Z' },
  'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { department: 'R&D' },
};

const fits = (text: string): boolean => matcherOf(parseFilter(text), userType)(anna);

describe('a filter', () => {
  for (const text of [
    'userName eq "anna@EXAMPLE.com"',
    'USERNAME Eq "anna@example.com"',
    'urn:ietf:params:scim:schemas:core:2.0:User:userName sw "anna"',
    'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "r&d"',
    'externalId eq "Ext-1"',
    'active eq true',
    'active eq "True"',
    'active ne false',
    'name.familyName eq "o\\"neil \\\\ \\u00f6"',
    'emails co "example.org"',
    'emails.value eq "anna@example.org"',
    'emails[type eq "work" and value ew ".com"]',
    'emails[not (type eq "work")]',
    'emails[primary eq true and (type eq "home" or type eq "work")]',
    'emails pr',
    'not (title pr)',
    'title eq null or userName pr',
    'meta.created ge "2026-01-02T04:04:05+01:00"',
    'meta.created lt "2027-01-01T00:00:00Z"',
    'userName gt "a" and userName lt "b"',
    'shoeSize ne "44"',
    // `and` binds closer: read otherwise this were false.
    'active eq true or active eq true and active eq false',
    '((((userName pr))))',
  ]) {
    it(`${text} fits`, () => assert.equal(fits(text), true));
  }

  for (const text of [
    'externalId eq "ext-1"',
    'emails[type eq "home" and value ew ".com"]',
    'userName ne "anna@example.com"',
    'not (active eq true)',
    'title pr',
    'shoeSize pr',
    'shoeSize eq "44"',
    'shoeSize[left eq "44"]',
    'meta.created gt "2026-01-02T03:04:05Z"',
  ]) {
    it(`${text} does not`, () => assert.equal(fits(text), false));
  }

  for (const text of [
    '',
    'userName',
    'userName eq',
    'userName eq anna',
    'userName eq "anna',
    'userName eq "a\nb"',
    'userName like "a"',
    'userName eq "a" and',
    'userName eq "a" userName eq "b"',
    '(userName pr',
    'userName pr)',
    'not userName pr',
    'emails[type eq "work"',
    'emails[type[value pr]]',
    'emails[type eq "work"].value eq "x"',
    'active gt true',
    'active eq "perhaps"',
    'userName eq 5',
    'name eq "Anna"',
    'meta.created gt "yesterday"',
    'meta.created co "2026"',
    `${'('.repeat(40)}userName pr${')'.repeat(40)}`,
    Array(80).fill('userName pr').join(' or '),
    `userName eq "${'a'.repeat(5000)}"`,
    '\u0000',
  ]) {
    it(`${text.slice(0, 50) || 'nothing'} is none`, () => {
      assert.throws(() => fits(text), { name: 'ScimProblem', scimType: 'invalidFilter' });
    });
  }

  it('is read in time that grows with its length only', () => {
    const started = performance.now();
    for (const text of ['('.repeat(4096), '"\\'.repeat(2048), `a${'.a'.repeat(2000)} pr`, '-'.repeat(4096)]) {
      try {
        fits(text);
      } catch (error) {
        assert.equal((error as Error).name, 'ScimProblem');
      }
    }
    assert.ok(performance.now() - started < 1000);
  });
});
