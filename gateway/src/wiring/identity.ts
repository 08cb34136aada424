import type { Party, Principal } from '@sallyport/shared/access/principal.ts';
import type { Denial } from '@sallyport/shared/access/verdict.ts';
import type { Authenticated, IdentityPort, MintedToken, MintOrder, SignInOrder } from '../api/ports.ts';
import type { Json } from '../audit/event.ts';
import type { Identity } from '../identity/identity.ts';
import { looksLikeJwt } from '../identity/oidc.ts';
import { servicePrincipal, userPrincipal } from '../identity/principals.ts';
import { tokenPrefix } from '../identity/tokens.ts';

export interface IdentityPortParts {
  readonly identity: Identity;
  readonly serviceGroups: (name: string) => readonly string[] | undefined;
  readonly journal: (type: string, by: Party, data: { [key: string]: Json }) => Promise<void>;
}

const notASecret: Denial = {
  reason: 'unauthenticated',
  message: 'this is no token',
  hint: 'Sign in with: sallyport login',
};

/** The API's view of who somebody is. */
export function identityPort({ identity, serviceGroups, journal }: IdentityPortParts): IdentityPort {
  const { tokens, users } = identity;

  async function authenticate(
    secret: string,
    { address }: { readonly address: string },
  ): Promise<Authenticated | Denial> {
    if (!secret.startsWith(tokenPrefix) && !looksLikeJwt(secret)) return notASecret;
    return identity.authenticate({ secret, user: '', address });
  }

  async function signIn(order: SignInOrder): Promise<(MintedToken & { readonly principal: Principal }) | Denial> {
    const { user, password, address, ttlMs, label } = order;
    // What looks like a token would be taken for one: here it must be the password.
    if (password.startsWith(tokenPrefix)) return notASecret;
    const found = await identity.authenticate({ secret: password, user, address });
    if ('message' in found) return found;
    if (found.method !== 'password') return notASecret;
    const { principal } = found;
    await journal('admin.sign-in', principal, { sourceAddress: address });
    const minted = await tokens.mint({ principal, ttlMs: bounded(ttlMs), label });
    return { ...minted, principal };
  }

  async function principalOf({ by, for: whom }: MintOrder): Promise<Principal | undefined> {
    if (whom === undefined) return by;
    if (whom.kind === 'user') {
      const user = await users.find(whom.name);
      return user && userPrincipal(user);
    }
    const groups = serviceGroups(whom.name);
    return groups && servicePrincipal(whom.name, groups);
  }

  const bounded = (ttlMs: number | undefined): number | undefined => ttlMs;

  return {
    authenticate,
    signIn,
    async mint(order) {
      const principal = await principalOf(order);
      if (principal === undefined) return undefined;
      const { by, connection, notAfter, label, sources } = order;
      const asked = order.ttlMs ?? tokens.ttlMs;
      const ttlMs = notAfter === undefined ? asked : Math.min(asked, notAfter - Date.now());
      await journal('admin.token-minted', by, {
        for: principal.id,
        connection: connection ?? null,
        ttlMs,
        ...(sources.length === 0 ? {} : { from: sources }),
      });
      return tokens.mint({ principal, connection, ttlMs, label, sources });
    },
    tokens: (principalId) => tokens.list(principalId),
    token: (id) => tokens.byId(id),
    async revoke(id, by) {
      await journal('admin.token-revoked', by, { tokenId: id });
      return tokens.revoke(id);
    },
    async setPassword({ by, user, address, current, password }) {
      const known = await users.find(user);
      if (known === undefined) return undefined;
      if (current !== undefined) {
        const checked = await identity.authenticate({ secret: current, user, address });
        if ('message' in checked) return checked;
        if (checked.method !== 'password') return notASecret;
      }
      await journal('admin.password-set', by, { user });
      await users.put({ name: user, groups: known.groups, password });
      return true;
    },
  };
}
