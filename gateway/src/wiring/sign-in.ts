import type { Party } from '@sallyport/shared/access/principal.ts';
import type { Log } from '../api/problems.ts';
import { Throttle } from '../api/throttle.ts';
import { OAuthEndpoints } from '../api/web/oauth.ts';
import { SignIn } from '../api/web/sign-in.ts';
import { Web } from '../api/web/web.ts';
import type { Json } from '../audit/event.ts';
import type { ServiceLookup } from '../identity/delegation.ts';
import type { Federation } from '../identity/federation/federation.ts';
import type { Identity } from '../identity/identity.ts';
import { Authorization } from '../identity/oauth/authorization.ts';
import { Browsers } from '../identity/oauth/browsers.ts';
import { ClientCredentials } from '../identity/oauth/client-credentials.ts';
import { Delegations } from '../identity/oauth/delegation.ts';
import type { GrantStore } from '../identity/oauth/grant-store.ts';
import { type NamedWorkload, Workloads } from '../identity/oauth/workloads.ts';
import { servicePrincipal } from '../identity/principals.ts';
import { tokenPrefix } from '../identity/tokens.ts';
import type { BeginLink } from '../sessions/link.ts';

export interface WebWiring {
  readonly publicUrl: string;
  readonly store: GrantStore;
  readonly identity: Identity;
  readonly federation: Federation;
  readonly workloads: () => readonly NamedWorkload[];
  /** A line; see `Web`. */
  readonly sshUserAuthority: string;
  readonly services: ServiceLookup;
  readonly journal: (type: string, by: Party, data: { [key: string]: Json }) => Promise<void>;
  readonly log: Log;
}

type Journal = ConstructorParameters<typeof Workloads>[0]['journal'];

/** In whose name clients without a secret ask. */
const linkClient = (protocol = 'postgres'): string => (protocol === 'ssh' ? 'ssh' : 'psql');

/** Sign-ins and codes that cost nothing, for an address: many people may share one. */
const rate = { burst: 60, refillMs: 1_000 };

/** Sign-in with a browser, the tokens that come of it, and links for clients without a secret. */
export function signInOf({
  publicUrl,
  store,
  identity,
  federation,
  workloads,
  services,
  journal,
  sshUserAuthority,
  log,
}: WebWiring): { readonly web: Web; readonly beginLink: BeginLink } {
  const throttle = new Throttle(rate);
  const browsers = new Browsers(store, identity.tokens);
  const providers = () => federation.providers;
  const authorization = new Authorization({
    store,
    identity,
    browsers,
    refresh: async (secret) => federation.provider(secret.provider)?.refresh?.(secret),
  });
  const signIn = new SignIn({
    publicUrl,
    store,
    browsers,
    providers,
    throttle,
    async byPassword(user, password, address) {
      const found = await identity.authenticate({ secret: password, user, address });
      if ('message' in found) return found;
      // A token that is typed as a password signs nobody in for longer than it lives.
      if (found.method === 'password') return found.principal;
      return { reason: 'unauthenticated', message: 'the user or the password is wrong' };
    },
    admitted: (principal) => identity.current(principal),
    journal: (principal, sourceAddress, provider) =>
      journal('admin.sign-in', principal, { sourceAddress, provider: provider ?? null }),
  });
  const exchanged: Journal = (principal, data) => journal('admin.token-exchanged', principal, { ...data });
  const jobs = new Workloads({
    workloads,
    tokens: identity.tokens,
    principal: (name) => {
      const terms = services(name);
      return terms && servicePrincipal(name, terms.groups);
    },
    journal: exchanged,
  });
  const oauth = new OAuthEndpoints({
    publicUrl,
    authorization,
    throttle,
    workloads: jobs,
    clients: new ClientCredentials({ identity, journal: exchanged }),
    delegations: new Delegations({ identity, workloads: jobs, services, journal: exchanged }),
    async revoke(token) {
      if (!token.startsWith(tokenPrefix)) return;
      const found = await identity.tokens.find(token);
      if ('token' in found) await identity.tokens.revoke(found.token.id);
    },
  });
  const beginLink: BeginLink = async (address, protocol) => {
    const client = linkClient(protocol);
    const { deviceCode, userCode } = await authorization.beginDevice(client, address);
    return {
      userCode,
      link: `${publicUrl.replace(/\/$/, '')}/device?user_code=${userCode}`,
      token: async (signal) => (await authorization.awaitDevice(deviceCode, client, signal))?.accessToken,
    };
  };
  return { web: new Web({ publicUrl, signIn, oauth, browsers, providers, sshUserAuthority, log }), beginLink };
}
