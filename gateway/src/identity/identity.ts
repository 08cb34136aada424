import { createHash } from 'node:crypto';
import type { Principal } from '@sallyport/shared/access/principal.ts';
import type { Denial } from '@sallyport/shared/access/verdict.ts';
import type { KeyProof } from '../protocols/protocol.ts';
import { type Attempt, Attempts } from './attempts.ts';
import { actingFor, type ServiceLookup } from './delegation.ts';
import { forAnother, refusal } from './denial.ts';
import type { Directory } from './directory/directory.ts';
import type { KeyTimes } from './issuer-keys.ts';
import { looksLikeJwt, Oidc } from './oidc.ts';
import { Passwords } from './password.ts';
import { serviceNameOf, servicePrincipal, userNameOf, userPrincipal } from './principals.ts';
import type { OidcProvider } from './provider.ts';
import { type ServiceSecretStore, ServiceSecrets, serviceSecretPrefix } from './service-secrets.ts';
import { type Sources, sourcesOf, wrongSource } from './source.ts';
import type { UserAuthority } from './ssh/authority.ts';
import { type KeyLogin, KeyLogins } from './ssh/key-login.ts';
import { keyPrefix, RegisteredKeys } from './ssh/keys.ts';
import type { KeyStore } from './ssh/store.ts';
import type { IdentityStore, StoredToken } from './store.ts';
import { type TokenOptions, Tokens, tokenPrefix } from './tokens.ts';
import { Users } from './users.ts';

export interface IdentityParts {
  readonly store: IdentityStore;
  readonly tokens?: TokenOptions;
  /** Secrets of service accounts; absent: there are none. */
  readonly secrets?: ServiceSecretStore;
  /** Asked anew each time. */
  readonly providers?: () => readonly OidcProvider[];
  /** A service account as it is now. Absent: as when its token was minted, and none acts on anybody's behalf. */
  readonly services?: ServiceLookup;
  /** Who of an identity provider's people is one still, and their groups. Absent: whoever has a token of it. */
  readonly directory?: Pick<Directory, 'current'>;
  /** Public keys and certificates of SSH clients. Absent: nobody comes in with one. */
  readonly ssh?: { readonly store: KeyStore; readonly authority: UserAuthority };
  /** Told of whoever comes from an address that their token is not bound to. Must not throw. */
  readonly onElsewhere?: (principal: Principal, tokenId: string | undefined, address: string) => void;
  readonly clock?: () => number;
  readonly keyTimes?: KeyTimes;
}

/** What somebody offers to prove who they are. Nothing of it is believed yet. */
export interface Credentials {
  /** A token of ours, a provider's JWT, or a password. */
  readonly secret: string;
  /** Counts with a password only; psql always sends one. */
  readonly user: string;
  /** The connection that they want, where they said one. */
  readonly connection?: string;
  /** IP address. */
  readonly address: string;
}

/** It is known who this is. */
export interface Identified {
  readonly principal: Principal;
  readonly method: 'token' | 'secret' | 'password' | 'oidc' | 'key' | 'certificate';
  /** The token's, also of the one that a certificate came of, the secret's, or the registered key's: sessions end with it. */
  readonly tokenId: string | undefined;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number | undefined;
  /** The only connection that the token opens; undefined: any. */
  readonly connection: string | undefined;
  /** The addresses that the token is bound to. */
  readonly sources?: Sources | undefined;
}

/** Finds out who somebody is. What secret they bring decides how. */
export class Identity {
  readonly tokens: Tokens;
  readonly users: Users;
  /** Undefined where no SSH clients come in by keys. */
  readonly keys: RegisteredKeys | undefined;
  readonly #keyLogins: KeyLogins | undefined;
  readonly secrets: ServiceSecrets;
  readonly #parts: IdentityParts;
  readonly #passwords = new Passwords();
  readonly #oidc: Oidc;
  readonly #attempts: Attempts;

  private constructor(parts: IdentityParts) {
    const { store, clock = Date.now, providers = () => [] } = parts;
    this.#parts = parts;
    this.#attempts = new Attempts(clock);
    this.#oidc = new Oidc(providers, clock, parts.keyTimes);
    this.secrets = new ServiceSecrets(parts.secrets ?? noSecrets, clock);
    const isSecretLiving = async (id: string) => (await this.secrets.living(id)) !== undefined;
    this.tokens = new Tokens(store, parts.tokens, clock, isSecretLiving);
    this.users = new Users(store, this.#passwords, this.tokens, async (id) => this.keys?.removeAllOf(id));
    if (parts.ssh === undefined) return;
    const shared = { tokens: this.tokens, clock, current: (one: Principal) => this.current(one) };
    this.keys = new RegisteredKeys({ ...shared, store: parts.ssh.store, isKnownHere: (one) => this.#isKnownHere(one) });
    this.#keyLogins = new KeyLogins({ ...shared, keys: this.keys, authority: parts.ssh.authority });
  }

  static create(parts: IdentityParts): Identity {
    return new Identity(parts);
  }

  /**
   * Wrong passwords slow down their user and address; tokens cannot be guessed and are never made to wait.
   * @throws Unavailable where the store or the token's issuer cannot be asked, or too many passwords wait.
   */
  authenticate(credentials: Credentials): Promise<Identified | Denial> {
    const secret = credentials.secret.trim();
    if (secret.startsWith(tokenPrefix)) return this.#byToken(secret, credentials);
    if (secret.startsWith(serviceSecretPrefix)) return this.#bySecret({ ...credentials, secret });
    if (looksLikeJwt(secret)) return this.#byProvider(secret);
    return this.#byPassword(credentials);
  }

  /** By a key of an SSH client. @throws Unavailable where the store cannot be asked */
  async authenticateKey(proof: KeyProof, login: KeyLogin): Promise<Identified | Denial> {
    const found = (await this.#keyLogins?.authenticate(proof, login)) ?? refusal('keys are not accepted here');
    if ('message' in found) return found;
    // A certificate is bound to the addresses that its token is bound to.
    const isToken = found.tokenId !== undefined && !found.tokenId.startsWith(keyPrefix);
    const token = isToken ? await this.#living(found.tokenId ?? '') : undefined;
    return this.#elsewhere(found.principal, token, login.address) ?? found;
  }

  /**
   * Whether somebody who was identified is so still: between then and the session, people may have been asked.
   * Resolves to undefined where they are.
   */
  async recheck(
    { principal, tokenId, expiresAt }: Pick<Identified, 'principal' | 'tokenId' | 'expiresAt'>,
    address: string,
  ): Promise<Denial | undefined> {
    if (expiresAt !== undefined && expiresAt <= this.#now()) return expired(expiresAt);
    const isKey = tokenId?.startsWith(keyPrefix) === true;
    if (isKey && (await this.keys?.isLive(tokenId)) !== true) {
      return refusal('the key is no longer registered, or its owner has left');
    }
    const token = tokenId === undefined || isKey ? undefined : await this.#living(tokenId);
    if (tokenId !== undefined && !isKey && token === undefined) return unknownToken();
    const current = await this.current(principal);
    return 'message' in current ? current : this.#elsewhere(current, token, address);
  }

  /** Somebody as they are now: a group that was taken away counts at once. Or why they may not come in any more. */
  async current(principal: Principal): Promise<Principal | Denial> {
    const { actor, ...alone } = principal;
    const current = (await this.#current(alone)) ?? unknownToken();
    if (actor === undefined || 'message' in current) return current;
    return actingFor(current, actor, this.#parts.services ?? (() => undefined));
  }

  async #byToken(secret: string, { connection: wanted, address }: Credentials): Promise<Identified | Denial> {
    const found = await this.tokens.find(secret);
    if (!('token' in found)) return found.state === 'mistyped' ? mistyped() : unknownToken();
    if (found.state === 'expired') return expired(found.token.expiresAt);
    const { token } = found;
    const principal = await this.current(token.principal);
    if ('message' in principal) return principal;
    return (
      this.#elsewhere(principal, token, address) ?? forAnother(token, wanted) ?? identified(principal, 'token', token)
    );
  }

  /** A service account by its long-lived secret. Guessing one is hopeless, and still made slow. */
  async #bySecret({ secret, address }: Credentials): Promise<Identified | Denial> {
    const attempt = { user: `secret ${createHash('sha256').update(secret).digest('hex').slice(0, 16)}`, address };
    const waitMs = this.#attempts.waitMs(attempt);
    if (waitMs > 0) return refusal(`too many wrong secrets: wait ${Math.ceil(waitMs / 1000)} s`, newSecret);
    const found = await this.secrets.find(secret);
    if (found === undefined) {
      this.#attempts.failed(attempt);
      return refusal('the secret is not known, or it was revoked', newSecret);
    }
    const { id, service, expiresAt } = found.of;
    if (found.state === 'expired')
      return refusal(`the secret expired at ${new Date(expiresAt).toISOString()}`, newSecret);
    const principal = await this.current(servicePrincipal(service, []));
    if ('message' in principal) return principal;
    const elsewhere = this.#elsewhere(principal, { id }, address);
    if (elsewhere !== undefined) return elsewhere;
    await this.secrets.noteUse(found.of, address);
    return identified(principal, 'secret', { id, expiresAt });
  }

  /** A token or a secret that holds still. */
  async #living(id: string): Promise<Pick<StoredToken, 'id' | 'sources'> | undefined> {
    return (await this.tokens.living(id)) ?? (await this.secrets.living(id));
  }

  async #byProvider(secret: string): Promise<Identified | Denial> {
    const found = await this.#oidc.authenticate(secret);
    if ('message' in found) return found;
    const principal = await this.current(found.principal);
    return 'message' in principal ? principal : identified(principal, 'oidc', { expiresAt: found.expiresAt });
  }

  async #byPassword({ secret, user, address }: Credentials): Promise<Identified | Denial> {
    const attempt = { user, address };
    const mayTry = () => this.#attempts.waitMs(attempt) === 0;
    if (!mayTry()) return this.#wait(attempt);
    const stored = await this.#parts.store.user(user);
    const right = await this.#passwords.verify(secret, stored?.passwordHash, mayTry);
    // Others of the same user may have failed while this one waited its turn.
    if (!right && !mayTry()) return this.#wait(attempt);
    if (!right || stored === undefined) {
      this.#attempts.failed(attempt);
      return refusal('the user or the password is wrong');
    }
    this.#attempts.succeeded(attempt);
    return identified(userPrincipal(stored), 'password', {});
  }

  /** Whether it is this gateway, or a directory, that says when they are gone. */
  async #isKnownHere(principal: Principal): Promise<boolean> {
    if ((userNameOf(principal.id) ?? serviceNameOf(principal.id)) !== undefined) return true;
    return (await this.#parts.directory?.current(principal)) !== undefined;
  }

  /** Undefined where the principal is gone. */
  async #current(principal: Principal): Promise<Principal | Denial | undefined> {
    const userName = userNameOf(principal.id);
    if (userName !== undefined) {
      const user = await this.#parts.store.user(userName);
      return user === undefined ? undefined : userPrincipal(user);
    }
    const serviceName = serviceNameOf(principal.id);
    const { services, directory } = this.#parts;
    if (serviceName === undefined) return (await directory?.current(principal)) ?? principal;
    if (services === undefined) return principal;
    const terms = services(serviceName);
    // What its platform said of it is what it was let in for; its groups are those of now.
    return terms && { ...servicePrincipal(serviceName, terms.groups), claims: principal.claims };
  }

  /** A leaked token is worth nothing where it is not meant for. */
  #elsewhere(
    principal: Principal,
    token: Pick<StoredToken, 'id' | 'sources'> | undefined,
    address: string,
  ): Denial | undefined {
    const { services, onElsewhere } = this.#parts;
    const denial = wrongSource(address, [...(token?.sources ?? []), ...sourcesOf(principal, services)]);
    if (denial !== undefined) onElsewhere?.(principal, token?.id, address);
    return denial;
  }

  #wait(attempt: Attempt): Denial {
    const seconds = Math.ceil(this.#attempts.waitMs(attempt) / 1000);
    return refusal(`too many wrong passwords: wait ${seconds} s`, 'A token from "sallyport token" works at once.');
  }

  #now(): number {
    return (this.#parts.clock ?? Date.now)();
  }
}

function identified(
  principal: Principal,
  method: Identified['method'],
  { id, expiresAt, connection, sources }: Partial<Pick<StoredToken, 'id' | 'expiresAt' | 'connection' | 'sources'>>,
): Identified {
  return { principal, method, tokenId: id, expiresAt, connection, ...(sources && { sources }) };
}

const newSecret = 'An administrator makes another with: sallyport service-account secret create NAME';

/** None is known, and none can be made. */
const noSecrets: ServiceSecretStore = {
  add: async () => {
    throw new Error('no secrets of service accounts are kept here');
  },
  byHash: async () => undefined,
  byId: async () => undefined,
  list: async () => [],
  revoke: async () => false,
  noteUse: async () => undefined,
  noteWarning: async () => undefined,
  sweep: async () => undefined,
};

const mistyped = (): Denial => refusal('the token is incomplete or mistyped');

const unknownToken = (): Denial => refusal('the token is not known, or it was revoked');

const expired = (at: number): Denial =>
  refusal(`the token expired at ${new Date(at).toISOString()}`, 'Get a new one with "sallyport token".');
