import type { Lookup } from '../spec.ts';
import type { Directory, Page } from './pages.ts';

const addresses: Readonly<Record<Lookup, string>> = {
  graph: 'https://graph.microsoft.com',
  'cloud-identity': 'https://cloudidentity.googleapis.com',
  'cloud-identity-transitive': 'https://cloudidentity.googleapis.com',
};

/** The permission that a lookup needs, as a scope. */
export const lookupScopes: Readonly<Record<Lookup, string>> = {
  graph: 'https://graph.microsoft.com/GroupMember.Read.All',
  'cloud-identity': 'https://www.googleapis.com/auth/cloud-identity.groups.readonly',
  'cloud-identity-transitive': 'https://www.googleapis.com/auth/cloud-identity.groups.readonly',
};

/** The directory that knows the groups of the person with this (verified) address. */
export function directoryOf(lookup: Lookup, url: string | undefined, email: string | undefined): Directory | undefined {
  const base = url ?? addresses[lookup];
  if (lookup === 'graph') return graph(base);
  // It stands within quotes in a CEL expression of Google's.
  if (email === undefined || !/^[^\s'"\\]{1,254}$/.test(email)) return undefined;
  return cloudIdentity(base, lookup, email);
}

/** @see https://learn.microsoft.com/graph/api/user-list-transitivememberof */
function graph(base: string): Directory {
  const first = new URL('/v1.0/me/transitiveMemberOf', base);
  first.search = new URLSearchParams({ $select: 'id', $top: '999' }).toString();
  return {
    title: 'Microsoft Graph',
    first,
    read: (answer): Page => {
      const next = answer['@odata.nextLink'];
      return {
        groups: listOf(answer['value'])
          .filter((one) => one['@odata.type'] === '#microsoft.graph.group')
          .flatMap(({ id }) => (typeof id === 'string' ? [id] : [])),
        next: typeof next === 'string' ? (URL.parse(next) ?? undefined) : undefined,
      };
    },
  };
}

/** @see https://cloud.google.com/identity/docs/reference/rest/v1/groups.memberships/searchDirectGroups */
function cloudIdentity(base: string, lookup: Lookup, email: string): Directory {
  const transitive = lookup === 'cloud-identity-transitive';
  const first = new URL(`/v1/groups/-/memberships:search${transitive ? 'Transitive' : 'Direct'}Groups`, base);
  const labels = transitive ? " && 'cloudidentity.googleapis.com/groups.discussion_forum' in labels" : '';
  first.searchParams.set('query', `member_key_id == '${email}'${labels}`);
  first.searchParams.set('pageSize', '200');
  return {
    title: 'Google Cloud Identity',
    first,
    read: (answer, asked): Page => {
      const token = answer['nextPageToken'];
      const next = new URL(asked);
      if (typeof token === 'string') next.searchParams.set('pageToken', token);
      return {
        groups: listOf(answer['memberships']).flatMap(({ groupKey }) => {
          const id = (groupKey as { id?: unknown } | undefined)?.id;
          return typeof id === 'string' ? [id] : [];
        }),
        next: typeof token === 'string' && token !== '' ? next : undefined,
      };
    },
  };
}

const listOf = (value: unknown): readonly Readonly<Record<string, unknown>>[] =>
  Array.isArray(value) ? value.filter((one) => typeof one === 'object' && one !== null) : [];
