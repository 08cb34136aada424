import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Principal } from '@sallyport/shared/access/principal.ts';
import { ScimHost } from './testing/scim-host.ts';

const patchOp = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const person = (sub: string, name: string, claims: object = {}): Principal => ({
  id: `oidc:https://id.example.com#${sub}`,
  name,
  groups: ['from-the-token'],
  claims: { aud: 'sallyport', ...claims },
});

describe('SCIM as Okta speaks it', () => {
  let host: ScimHost;
  let id = '';
  before(async () => {
    host = await ScimHost.start();
  });
  after(() => host.stop());

  it('looks for a person, finds none, and makes one', async () => {
    const asked = await host.send(
      'GET',
      '/Users?filter=userName%20eq%20%22anna%40example.com%22&startIndex=1&count=100',
    );
    assert.equal(asked.status, 200);
    assert.match(asked.headers.get('content-type') ?? '', /^application\/scim\+json/);
    assert.deepEqual(asked.body, {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
      totalResults: 0,
      startIndex: 1,
      itemsPerPage: 0,
      Resources: [],
    });
    const made = await host.send('POST', '/Users', {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
      userName: 'anna@example.com',
      name: { givenName: 'Anna', familyName: 'Okonkwo' },
      emails: [{ primary: true, value: 'anna@example.com', type: 'work' }],
      displayName: 'Anna Okonkwo',
      locale: 'en-US',
      externalId: '00uanna',
      groups: [],
      password: 'never-to-be-kept-4711',
      active: true,
    });
    assert.equal(made.status, 201);
    id = made.body.id;
    assert.equal(made.headers.get('location'), `https://gw.example.com/scim/v2/Users/${id}`);
    assert.equal(made.body.meta.version, 'W/"1"');
    assert.ok(!JSON.stringify(made.body).includes('4711'));
    const { body } = await host.send('GET', '/Users?filter=userName%20eq%20%22ANNA%40example.com%22');
    assert.equal(body.Resources[0].id, id);
  });

  it('pushes a group with a person, and its name with an id beside it', async () => {
    const { body } = await host.send('POST', '/Groups', {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'],
      displayName: 'Engineers',
      members: [{ value: id, display: 'anna@example.com' }],
    });
    assert.deepEqual(((await host.directory.current(person('00uanna', 'x'))) as Principal).groups, ['Engineers']);
    const renamed = await host.send('PATCH', `/Groups/${body.id}`, {
      schemas: [patchOp],
      Operations: [{ op: 'replace', value: { id: body.id, displayName: 'engineering' } }],
    });
    assert.equal(renamed.status, 200);
    assert.equal(renamed.body.displayName, 'engineering');
    assert.equal(renamed.body.members[0].value, id);
    const removed = await host.send('PATCH', `/Groups/${body.id}`, {
      schemas: [patchOp],
      Operations: [{ op: 'remove', path: `members[value eq "${id}"]` }],
    });
    assert.equal(removed.body.members, undefined);
  });

  it('deactivates without a path, and the person is refused', async () => {
    const { body } = await host.send('PATCH', `/Users/${id}`, {
      schemas: [patchOp],
      Operations: [{ op: 'replace', value: { active: false } }],
    });
    assert.equal(body.active, false);
    const denial = await host.directory.current(person('00uanna', 'anna@example.com'));
    assert.match((denial as { message: string }).message, /was deactivated in the directory of corporate/);
    assert.equal(host.events.at(-1)?.type, 'admin.directory-user-deactivated');
  });

  it('a replacement that says nothing of "active" does not let anybody in again', async () => {
    const { body } = await host.send('PUT', `/Users/${id}`, { userName: 'anna@example.com', externalId: '00uanna' });
    assert.equal(body.active, false);
    assert.equal(body.name, undefined);
    await host.send('PUT', `/Users/${id}`, { userName: 'anna@example.com', externalId: '00uanna', active: true });
    assert.ok('groups' in ((await host.directory.current(person('00uanna', 'x'))) as object));
  });
});

describe('SCIM as Entra ID speaks it', () => {
  let host: ScimHost;
  let id = '';
  const patch = (path: string, ...Operations: object[]) => host.send('PATCH', path, { schemas: [patchOp], Operations });
  before(async () => {
    host = await ScimHost.start();
    const made = await host.send('POST', '/Users', {
      schemas: [
        'urn:ietf:params:scim:schemas:core:2.0:User',
        'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User',
      ],
      externalId: '3aa1ba20-0001-4f6e-8000-c0ffee000001',
      userName: 'Bo@example.com',
      active: 'True',
      emails: [{ primary: true, type: 'work', value: 'bo@example.com' }],
      meta: { resourceType: 'User' },
      name: { formatted: 'Bo Lind', familyName: 'Lind', givenName: 'Bo' },
      roles: [],
      'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { department: 'Sales' },
    });
    assert.equal(made.status, 201);
    id = made.body.id;
  });
  after(() => host.stop());

  it('texts for booleans, capital verbs, parts by filter, extensions by URN', async () => {
    const { body, status } = await patch(
      `/Users/${id}`,
      { op: 'Add', path: 'displayName', value: 'Bo L.' },
      { op: 'Replace', path: 'emails[type eq "work"].value', value: 'bo.lind@example.com' },
      { op: 'Add', path: 'phoneNumbers[type eq "mobile"].value', value: '+46 1' },
      { op: 'Replace', path: 'name.familyName', value: 'Lindh' },
      { op: 'Add', path: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department', value: 'R&D' },
      { op: 'Add', path: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager', value: 'boss-id' },
      { op: 'Add', path: 'urn:ietf:params:scim:schemas:extension:custom:2.0:User:shoeSize', value: '44' },
      { op: 'Replace', path: 'active', value: 'False' },
    );
    assert.equal(status, 200);
    assert.equal(body.active, false);
    assert.equal(body.displayName, 'Bo L.');
    assert.deepEqual(body.emails, [{ primary: true, type: 'work', value: 'bo.lind@example.com' }]);
    assert.deepEqual(body.phoneNumbers, [{ type: 'mobile', value: '+46 1' }]);
    assert.equal(body.name.familyName, 'Lindh');
    assert.deepEqual(body['urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'], {
      department: 'R&D',
      manager: { value: 'boss-id' },
    });
    assert.ok(body.schemas.includes('urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'));
  });

  it('paths as keys of a value without a path', async () => {
    const { body } = await patch(`/Users/${id}`, {
      op: 'replace',
      value: { active: 'True', 'name.givenName': 'Bosse', 'emails[type eq "work"].value': 'b@example.com' },
    });
    assert.equal(body.active, true);
    assert.equal(body.name.givenName, 'Bosse');
    assert.equal(body.emails[0].value, 'b@example.com');
  });

  it('removes the members that it lists, and no others', async () => {
    const second = await host.user('carl@example.com');
    const made = await host.send('POST', '/Groups', { displayName: 'dba', externalId: 'g-1' });
    const added = await patch(`/Groups/${made.body.id}`, {
      op: 'Add',
      path: 'members',
      value: [{ $ref: null, value: id }, { value: second }],
    });
    assert.equal(added.body.members.length, 2);
    const left = await patch(`/Groups/${made.body.id}`, { op: 'Remove', path: 'members', value: [{ value: id }] });
    assert.deepEqual(
      left.body.members.map(({ value }: { value: string }) => value),
      [second],
    );
    const shown = await host.send('GET', `/Groups/${made.body.id}?excludedAttributes=members`);
    assert.equal(shown.body.members, undefined);
    const asked = await host.send('GET', '/Groups?excludedAttributes=members&filter=displayName%20eq%20%22DBA%22');
    assert.equal(asked.body.totalResults, 1);
    assert.equal((await patch(`/Groups/${made.body.id}`, { op: 'remove', path: 'members' })).body.members, undefined);
  });

  it('matches the object id of its tokens', async () => {
    const claims = { oid: '3aa1ba20-0001-4f6e-8000-c0ffee000001' };
    assert.ok('groups' in ((await host.directory.current(person('pairwise', 'somebody', claims))) as object));
    const denial = await host.directory.current(person('pairwise', 'bo@example.com', { oid: 'another' }));
    assert.match((denial as { message: string }).message, /by another external id/);
  });

  it('a deleted person is refused, and nobody else’s provider is meant', async () => {
    assert.equal((await host.send('DELETE', `/Users/${id}`)).status, 204);
    assert.equal((await host.send('GET', `/Users/${id}`)).status, 404);
    const denial = await host.directory.current(person('x', 'bo@example.com'));
    assert.match((denial as { message: string }).message, /is not in the directory of corporate/);
    const stranger = { id: 'oidc:https://elsewhere.example.com#x', name: 'x', groups: [], claims: {} };
    assert.equal(await host.directory.current(stranger), undefined);
  });
});

describe('who may speak SCIM, and what is refused', () => {
  let host: ScimHost;
  before(async () => {
    host = await ScimHost.start();
  });
  after(() => host.stop());

  it('a living token of a directory, and no other', async () => {
    for (const authorization of [
      '',
      'Bearer ',
      `Bearer spt_${'a'.repeat(49)}`,
      `Basic ${host.token}`,
      `Bearer ${host.token}x`,
    ]) {
      const { status, headers } = await host.send('GET', '/Users', undefined, { authorization });
      assert.equal(status, 401, authorization);
      assert.match(headers.get('www-authenticate') ?? '', /^Bearer/);
    }
    const { token, id } = await host.directory.tokens.mint({ provider: 'corporate' });
    const headers = { authorization: `Bearer ${token}` };
    assert.equal((await host.send('GET', '/Users', undefined, headers)).status, 200);
    assert.equal(await host.directory.tokens.revoke(id), true);
    assert.equal((await host.send('GET', '/Users', undefined, headers)).status, 401);
    const gone = await host.directory.tokens.mint({ provider: 'no-longer-there' });
    assert.equal((await host.send('GET', '/Users', undefined, { authorization: `Bearer ${gone.token}` })).status, 401);
    await assert.rejects(
      host.directory.tokens.mint({ provider: 'corporate', ttlMs: 4 * 365 * 86_400_000 }),
      RangeError,
    );
  });

  it('one directory never sees or touches another’s', async () => {
    const id = await host.user('dora@example.com', { externalId: 'd1' });
    const group = (await host.send('POST', '/Groups', { displayName: 'admins', members: [{ value: id }] })).body.id;
    const { token } = await host.directory.tokens.mint({ provider: 'other' });
    const headers = { authorization: `Bearer ${token}` };
    const as = (method: string, path: string, body?: object) => host.send(method, path, body, headers);
    assert.equal((await as('GET', '/Users')).body.totalResults, 0);
    for (const [method, path] of [
      ['GET', `/Users/${id}`],
      ['DELETE', `/Users/${id}`],
      ['DELETE', `/Groups/${group}`],
    ] as const) {
      assert.equal((await as(method, path)).status, 404, `${method} ${path}`);
    }
    const operation = { Operations: [{ op: 'replace', path: 'active', value: false }] };
    assert.equal((await as('PATCH', `/Users/${id}`, operation)).status, 404);
    const joined = await as('POST', '/Groups', { displayName: 'theirs', members: [{ value: id }] });
    assert.deepEqual([joined.status, joined.body.scimType], [400, 'invalidValue']);
    assert.equal((await host.send('GET', `/Users/${id}`)).body.groups[0].display, 'admins');
  });

  it('names twice, whatever the case, and says what RFC 7644 says', async () => {
    await host.user('eve@example.com', { externalId: 'e1' });
    for (const body of [{ userName: 'EVE@example.com' }, { userName: 'eve2@example.com', externalId: 'e1' }]) {
      const { status, body: told } = await host.send('POST', '/Users', body);
      assert.equal(status, 409);
      assert.deepEqual(told.schemas, ['urn:ietf:params:scim:api:messages:2.0:Error']);
      assert.deepEqual([told.status, told.scimType], ['409', 'uniqueness']);
    }
  });

  it('entity tags: a change of what somebody else changed is refused', async () => {
    const id = await host.user('fay@example.com');
    const operation = { Operations: [{ op: 'replace', path: 'title', value: 'a' }] };
    const first = await host.send('PATCH', `/Users/${id}`, operation, { 'if-match': 'W/"1"' });
    assert.equal(first.headers.get('etag'), 'W/"2"');
    for (const method of ['PATCH', 'PUT', 'DELETE']) {
      const body = method === 'PATCH' ? operation : method === 'PUT' ? { userName: 'fay@example.com' } : undefined;
      assert.equal((await host.send(method, `/Users/${id}`, body, { 'if-match': 'W/"1"' })).status, 412, method);
    }
    assert.equal((await host.send('GET', `/Users/${id}`, undefined, { 'if-none-match': '"2"' })).status, 304);
    // The same once more changes nothing, and its version stays.
    const again = await host.send('PATCH', `/Users/${id}`, operation);
    assert.equal(again.headers.get('etag'), 'W/"2"');
  });

  it('bodies that are none', async () => {
    const deep = `${'['.repeat(100)}${']'.repeat(100)}`;
    const id = await host.user('gus@example.com');
    const statusOf = async (method: string, path: string, body: unknown, headers = {}) =>
      (await host.send(method, path, body, headers)).status;
    assert.equal(await statusOf('POST', '/Users', '{"userName"'), 400);
    assert.equal(await statusOf('POST', '/Users', deep), 400);
    assert.equal(await statusOf('POST', '/Users', '[]'), 400);
    assert.equal(await statusOf('POST', '/Users', 'userName=x', { 'content-type': 'text/plain' }), 415);
    assert.equal(await statusOf('POST', '/Users', { userName: 'x'.repeat(5_000_000) }), 413);
    assert.equal(await statusOf('POST', '/Users', { userName: 'new\nline' }), 400);
    assert.equal(await statusOf('POST', '/Users', {}), 400);
    assert.equal(await statusOf('POST', '/Users', { userName: 'h', active: 'perhaps' }), 400);
    assert.equal(await statusOf('PATCH', `/Users/${id}`, { Operations: [] }), 400);
    assert.equal(await statusOf('POST', '/Groups', { displayName: 'g', members: [{ value: id, type: 'Group' }] }), 400);
    assert.equal(await statusOf('POST', '/Groups', { displayName: 'g', members: [{ value: 'nobody' }] }), 400);
    assert.equal(await statusOf('DELETE', '/Users', undefined), 405);
    assert.equal(await statusOf('POST', '/Bulk', {}), 501);
    assert.equal(await statusOf('GET', '/Things', undefined), 404);
    assert.deepEqual(host.problems, [], 'none of this is an error of the gateway');
  });

  it('a member that is named by __proto__ or constructor is nobody', async () => {
    const body =
      '{"userName":"ina@example.com","__proto__":{"active":true},"constructor":{"a":1},"name":{"__proto__":{"x":1}}}';
    const { status, body: made } = await host.send('POST', '/Users', body);
    assert.equal(status, 201);
    assert.equal(made.name, undefined);
    assert.equal(({} as { x?: number }).x, undefined);
  });
});

describe('lists', () => {
  let host: ScimHost;
  before(async () => {
    host = await ScimHost.start();
    for (const [name, active] of [
      ['zoe', true],
      ['Adam', true],
      ['mia', false],
      ['ben', true],
      ['Kim', false],
    ] as const) {
      await host.user(`${name}@example.com`, { active, name: { familyName: `F-${name}` } });
    }
  });
  after(() => host.stop());

  const names = async (query: string): Promise<string[]> => {
    const { body } = await host.send('GET', `/Users?${query}`);
    return body.Resources.map(({ userName }: { userName: string }) => userName.split('@')[0]);
  };

  it('sorted, paged, with the count of all', async () => {
    assert.deepEqual(await names('sortBy=userName'), ['Adam', 'ben', 'Kim', 'mia', 'zoe']);
    assert.deepEqual(await names('sortBy=name.familyName&sortOrder=descending&count=2'), ['zoe', 'mia']);
    const { body } = await host.send('GET', '/Users?sortBy=userName&startIndex=2&count=2');
    assert.deepEqual([body.totalResults, body.startIndex, body.itemsPerPage], [5, 2, 2]);
    assert.deepEqual(await names('startIndex=6'), []);
    assert.deepEqual(await names('count=0'), []);
    const unsorted = [...(await names('count=3')), ...(await names('startIndex=4&count=3'))];
    assert.deepEqual(unsorted.sort(), ['Adam', 'Kim', 'ben', 'mia', 'zoe']);
  });

  it('filtered', async () => {
    const filter = (text: string) => `sortBy=userName&filter=${encodeURIComponent(text)}`;
    assert.deepEqual(await names(filter('active eq false')), ['Kim', 'mia']);
    assert.deepEqual(await names(filter('active eq true and not (userName sw "z")')), ['Adam', 'ben']);
    assert.deepEqual(await names(filter('userName eq "kim@example.com" or name.familyName co "mi"')), ['Kim', 'mia']);
    assert.deepEqual(await names(filter('userName eq "kim@example.com" and active eq true')), []);
    assert.deepEqual(await names(filter('meta.created gt "2020-01-01T00:00:00Z" and title pr')), []);
    const { status, body } = await host.send('GET', '/Users?filter=userName%20is%20%22x%22');
    assert.deepEqual([status, body.scimType], [400, 'invalidFilter']);
  });

  it('searched with POST, and shown in part', async () => {
    const { body } = await host.send('POST', '/Users/.search', {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'],
      attributes: ['userName', 'name.familyName'],
      filter: 'userName sw "z"',
    });
    const [{ id, ...shown }] = body.Resources;
    assert.ok(id);
    assert.deepEqual(shown, {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
      userName: 'zoe@example.com',
      name: { familyName: 'F-zoe' },
    });
  });

  it('of what there is', async () => {
    const { body } = await host.send('GET', '/ServiceProviderConfig');
    assert.deepEqual([body.patch.supported, body.filter.supported, body.etag.supported], [true, true, true]);
    assert.equal((await host.send('GET', '/ResourceTypes')).body.totalResults, 2);
    const schema = await host.send('GET', '/Schemas/urn:ietf:params:scim:schemas:core:2.0:User');
    assert.ok(schema.body.attributes.some(({ name }: { name: string }) => name === 'userName'));
    assert.equal((await host.send('GET', '/Schemas?filter=id%20pr')).status, 403);
  });
});
