import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Principal } from '@sallyport/shared/access/principal.ts';
import { matched } from './matching.ts';
import type { DirectoryUser, UserKey } from './model.ts';
import { type DirectoryProvider, type DirectoryRules, providerOf } from './provider.ts';

const provider: DirectoryProvider = { name: 'corporate', idPrefix: 'oidc:https://id#', audiences: ['a'] };
const either: DirectoryRules = { match: 'either', groups: 'directory' };

const person = (userName: string, externalId?: string): DirectoryUser => ({
  id: `id-${userName}`,
  provider: 'corporate',
  userName,
  externalId,
  active: true,
  attributes: {},
  version: 1,
  createdAt: 0,
  updatedAt: 0,
});

const storeOf = (...people: readonly DirectoryUser[]) => ({
  usersBy: async (_: string, key: UserKey) =>
    people.filter((one) =>
      'userName' in key ? one.userName.toLowerCase() === key.userName.toLowerCase() : one.externalId === key.externalId,
    ),
});

const signedIn = (sub: string, name: string, claims: Record<string, unknown> = {}): Principal => ({
  id: `oidc:https://id#${sub}`,
  name,
  groups: [],
  claims,
});

async function found(rules: DirectoryRules, who: Principal, ...people: DirectoryUser[]): Promise<string> {
  const user = await matched(storeOf(...people), provider, rules, who);
  return 'message' in user ? user.message : user.id;
}

describe('who somebody is in the directory', () => {
  it('by the subject, the object id or the user id', async () => {
    assert.equal(await found(either, signedIn('s1', 'x'), person('a', 's1')), 'id-a');
    assert.equal(await found(either, signedIn('s1', 'x', { oid: 'o1' }), person('a', 'o1')), 'id-a');
    assert.equal(await found(either, signedIn('s1', 'x', { uid: 'u1' }), person('a', 'u1')), 'id-a');
  });

  it('by name, where the directory knows no external id', async () => {
    assert.equal(await found(either, signedIn('s1', 'Anna'), person('anna')), 'id-anna');
  });

  it('never by a name that the directory knows by another id', async () => {
    assert.match(await found(either, signedIn('s1', 'anna'), person('anna', 's2')), /by another external id/);
    assert.equal(
      await found({ ...either, match: 'userName' }, signedIn('s1', 'anna'), person('anna', 's2')),
      'id-anna',
    );
  });

  it('by the external id alone, by one claim alone', async () => {
    const byId: DirectoryRules = { ...either, match: 'externalId' };
    assert.match(await found(byId, signedIn('s1', 'anna'), person('anna')), /is not in the directory/);
    const byClaim: DirectoryRules = { ...byId, idClaim: 'employee.number' };
    const claims = { employee: { number: 'e7' }, oid: 'o1' };
    assert.equal(await found(byClaim, signedIn('s1', 'x', claims), person('a', 'e7'), person('b', 's1')), 'id-a');
    assert.match(
      await found(byClaim, signedIn('s1', 'x', { oid: 'o1' }), person('b', 's1')),
      /is not in the directory/,
    );
  });

  it('nobody, where ids of two people fit', async () => {
    const who = signedIn('s1', 'x', { oid: 'o1' });
    assert.match(await found(either, who, person('a', 's1'), person('b', 'o1')), /more than one person/);
  });

  it('claims that are no texts match nobody', async () => {
    for (const oid of [['s2'], { a: 1 }, 7, true, '']) {
      assert.match(await found(either, signedIn('s1', 'x', { oid }), person('a', 's2'), person('b', '')), /is not in/);
    }
  });
});

describe('whose people somebody is of', () => {
  const rules = either;
  const other: DirectoryProvider = { name: 'other', idPrefix: provider.idPrefix, audiences: ['b'], rules };

  it('the provider whose audience the token has', () => {
    const who = (aud: unknown) => ({ id: 'oidc:https://id#x', claims: { aud } });
    assert.equal(providerOf([provider, other], who('b'))?.name, 'other');
    assert.equal(providerOf([provider, other], who(['z', 'a']))?.name, 'corporate');
    // What no longer says whose it is, is the directory's that could refuse it.
    assert.equal(providerOf([provider, other], who(undefined))?.name, 'other');
  });

  it('nobody’s whose issuer only begins like one', () => {
    assert.equal(providerOf([other], { id: 'oidc:https://id.evil#x', claims: {} }), undefined);
    assert.equal(providerOf([other], { id: 'user:x', claims: {} }), undefined);
  });
});
