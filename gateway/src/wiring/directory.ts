import type { Principal } from '@sallyport/shared/access/principal.ts';
import type { DirectoriesPort } from '../api/ports.ts';
import { scimUrl } from '../api/scim/server.ts';
import type { Json } from '../audit/event.ts';
import { newEvent } from '../audit/events.ts';
import type { Journal } from '../audit/journal.ts';
import type { Specs } from '../config/kinds.ts';
import { Directory } from '../identity/directory/directory.ts';
import type { DirectoryStore } from '../identity/directory/model.ts';
import type { DirectoryProvider } from '../identity/directory/provider.ts';
import { issuerOf } from '../identity/federation/spec.ts';
import type { Identity } from '../identity/identity.ts';
import type { Sessions } from '../sessions/sessions.ts';

export interface DirectoryWiring {
  readonly store: DirectoryStore;
  readonly journal: Pick<Journal, 'appendDurable'>;
  readonly providers: () => readonly DirectoryProvider[];
  /** Asked when something changed: they need the directory themselves. */
  readonly identity: () => Identity;
  readonly sessions: () => Sessions;
}

/** The directory, and what follows from its changes: tokens of people who left are revoked, sessions looked at again. */
export function directoryOf({ store, journal, providers, identity, sessions }: DirectoryWiring): Directory {
  return new Directory({
    store,
    providers,
    journal: async (type: string, provider: string, data: { [key: string]: Json }) => {
      const principal = { id: `directory:${provider}`, name: `directory of ${provider}` };
      await journal.appendDurable(newEvent(type, { principal, data: { provider, ...data } }));
    },
    async onChange({ idPrefix }) {
      await sessions().reviewPeople(({ id }) => id.startsWith(idPrefix));
      // A session ends by its own person's standing; this keeps tokens from coming back with them.
      await identity().tokens.revokeWhere(idPrefix, async (one) => 'message' in (await identity().current(one)));
    },
  });
}

export interface DirectoriesPortParts {
  readonly directory: Directory;
  readonly journal: (type: string, by: Pick<Principal, 'id' | 'name'>, data: { [key: string]: Json }) => Promise<void>;
  readonly publicUrl: string;
}

/** The API's view of the tokens of directories. */
export function directoriesPort({ directory, journal, publicUrl }: DirectoriesPortParts): DirectoriesPort {
  const { tokens } = directory;
  return {
    async mint({ by, provider, ttlMs, label }) {
      if (directory.provider(provider) === undefined) return undefined;
      await journal('admin.directory-token-minted', by, { provider, ttlMs: ttlMs ?? null, label: label ?? null });
      return { ...(await tokens.mint({ provider, ttlMs, label })), url: scimUrl(publicUrl) };
    },
    async tokens(provider) {
      return (await tokens.list()).filter((one) => provider === undefined || one.provider === provider);
    },
    async revoke(id, by) {
      await journal('admin.directory-token-revoked', by, { tokenId: id });
      return tokens.revoke(id);
    },
  };
}

/** What the directory needs to know of an identity provider. */
export function directoryProviderOf(name: string, spec: Specs['IdentityProvider']): DirectoryProvider {
  const { scim } = spec;
  const [issuer, audiences] =
    spec.type === 'oidc'
      ? [issuerOf(spec), [spec.audience ?? [], spec.clientId ?? []].flat()]
      : [spec.issuer ?? '', []];
  const { match = 'either', groups = 'directory', idClaim } = scim ?? {};
  return {
    name,
    idPrefix: `${spec.type}:${issuer}#`,
    audiences,
    ...(scim === undefined ? {} : { rules: { match, groups, ...(idClaim === undefined ? {} : { idClaim }) } }),
  };
}
