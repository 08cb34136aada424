import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { it } from 'node:test';
import { Unavailable } from '@sallyport/shared/errors/errors.ts';
import { mapGroups } from '../../group-rules.ts';
import { directoryOf } from './directories.ts';
import { allGroups, type Directory } from './pages.ts';

/** A directory that answers by page number. */
async function served(answer: (page: string | null, base: string) => unknown, ask: (base: string) => Promise<void>) {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', base);
    const said = answer(url.searchParams.get('pageToken'), base);
    const status = request.headers.authorization === 'Bearer right' ? 200 : 403;
    response.writeHead(status).end(JSON.stringify(said));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    await ask(base);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

const group = (id: string) => ({ '@odata.type': '#microsoft.graph.group', id });

it('Microsoft Graph is asked page by page, for groups only', async () => {
  const answer = (page: string | null, base: string) =>
    page === null
      ? {
          value: [group('a'), { '@odata.type': '#microsoft.graph.directoryRole', id: 'x' }],
          '@odata.nextLink': `${base}/?pageToken=2`,
        }
      : { value: [group('b')] };
  await served(answer, async (base) => {
    const directory = directoryOf('graph', base, undefined) as Directory;
    assert.deepEqual(await allGroups(directory, 'right'), ['a', 'b']);
    assert.match(JSON.stringify(await allGroups(directory, 'wrong')), /Microsoft Graph refused/);
  });
});

it('a directory that never ends, or sends the token elsewhere, names nobody’s groups', async () => {
  await served(
    (_page, base) => ({ value: [group('a')], '@odata.nextLink': `${base}/?pageToken=2` }),
    async (base) => {
      const answer = await allGroups(directoryOf('graph', base, undefined) as Directory, 'right');
      assert.match(JSON.stringify(answer), /too many groups/);
    },
  );
  await served(
    () => ({ value: [], '@odata.nextLink': 'https://elsewhere.example.com/' }),
    async (base) => {
      await assert.rejects(allGroups(directoryOf('graph', base, undefined) as Directory, 'right'), Unavailable);
    },
  );
});

it('Google is asked by a verified address that cannot leave its quotes', async () => {
  const answer = (page: string | null) =>
    page === null
      ? { memberships: [{ groupKey: { id: 'dba@example.com' } }], nextPageToken: 'n' }
      : { memberships: [{ groupKey: { id: 'ops@example.com' } }] };
  await served(answer, async (base) => {
    const directory = directoryOf('cloud-identity', base, 'alice@example.com') as Directory;
    assert.deepEqual(await allGroups(directory, 'right'), ['dba@example.com', 'ops@example.com']);
  });
  assert.equal(directoryOf('cloud-identity', undefined, "a' || 'b@example.com"), undefined);
  assert.equal(directoryOf('cloud-identity', undefined, undefined), undefined);
});

it('group rules: exact names, patterns, several outcomes, and what no rule matches', () => {
  const map = [
    { from: 'admins', to: 'dba' },
    { from: 'team-*', to: '*' },
    { from: '*-eu-*', to: 'europe' },
  ];
  assert.deepEqual(mapGroups({ map }, ['admins', 'team-eu-1', 'Admins']), ['dba', 'eu-1', 'europe', 'Admins']);
  assert.deepEqual(mapGroups({ map, unmatched: 'drop' }, ['Admins', 'xadmins', 'team']), []);
  assert.deepEqual(mapGroups({ map: [{ from: 'a*a', to: 'x' }], unmatched: 'drop' }, ['a', 'aa']), ['x']);
  assert.deepEqual(mapGroups(undefined, ['a']), ['a']);
});
