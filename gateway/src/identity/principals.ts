import type { Principal } from '@sallyport/shared/access/principal.ts';
import type { StoredUser } from './store.ts';

const userPrefix = 'user:';
const servicePrefix = 'service:';

export function userPrincipal({ name, groups }: Pick<StoredUser, 'name' | 'groups'>): Principal {
  return { id: `${userPrefix}${name}`, name, groups, claims: {} };
}

export function servicePrincipal(name: string, groups: readonly string[]): Principal {
  return { id: `${servicePrefix}${name}`, name, groups, claims: {} };
}

/** The built-in user's name in a principal's id; undefined where it is somebody else's. */
export function userNameOf(principalId: string): string | undefined {
  return principalId.startsWith(userPrefix) ? principalId.slice(userPrefix.length) : undefined;
}

export function serviceNameOf(principalId: string): string | undefined {
  return principalId.startsWith(servicePrefix) ? principalId.slice(servicePrefix.length) : undefined;
}
