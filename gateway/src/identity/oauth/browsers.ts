import { randomUUID } from 'node:crypto';
import type { Principal } from '@sallyport/shared/access/principal.ts';
import type { Json, ProviderSession, RefreshSecret, SignedIn } from '../federation/browser-provider.ts';
import type { Tokens } from '../tokens.ts';
import type { Grant, GrantStore } from './grant-store.ts';
import { hashOf, newSecret } from './secrets.ts';

/** A browser in which somebody has signed in. */
export interface BrowserSession {
  readonly family: string;
  readonly principal: Principal;
  /** The identity provider's name; undefined for users of the gateway's own. */
  readonly provider: string | undefined;
  readonly refresh: RefreshSecret | undefined;
  readonly providerSession: ProviderSession | undefined;
  readonly expiresAt: number;
}

/** A working day: then people sign in again. */
export const SIGN_IN_MS = 12 * 60 * 60_000;

/** Signed-in browsers, and all that came of each sign-in. */
export class Browsers {
  readonly #store: GrantStore;
  readonly #tokens: Pick<Tokens, 'revoke'>;
  readonly #clock: () => number;

  constructor(store: GrantStore, tokens: Pick<Tokens, 'revoke'>, clock: () => number = Date.now) {
    this.#store = store;
    this.#tokens = tokens;
    this.#clock = clock;
  }

  /** Resolves to the cookie's value. */
  async open(signedIn: Pick<SignedIn, 'principal'> & Partial<SignedIn>, provider: string | undefined): Promise<string> {
    const secret = newSecret();
    const { principal, refresh, providerSession } = signedIn;
    const body = JSON.parse(JSON.stringify({ principal, provider, refresh, providerSession })) as Json;
    await this.#store.put({
      kind: 'browser',
      hash: hashOf(secret),
      family: randomUUID(),
      owner: principal.id,
      sid: providerSession?.sid,
      body,
      expiresAt: this.#clock() + SIGN_IN_MS,
    });
    return secret;
  }

  async find(secret: string | undefined): Promise<BrowserSession | undefined> {
    if (secret === undefined || !/^[A-Za-z0-9_-]{43}$/.test(secret)) return undefined;
    const grant = await this.#store.find('browser', hashOf(secret));
    return grant === undefined || grant.expiresAt <= this.#clock() ? undefined : sessionOf(grant);
  }

  /** Ends a sign-in: its browser, its codes, its refresh tokens, and its access tokens with their sessions. */
  async end(family: string): Promise<void> {
    const grants = await this.#store.family(family);
    await this.#store.removeFamily(family);
    for (const { kind, hash } of grants) if (kind === 'access') await this.#tokens.revoke(hash);
  }

  /** Ends what an identity provider has ended. Resolves to how many sign-ins that were. */
  async endOf(match: Parameters<GrantStore['familiesOf']>[0]): Promise<number> {
    const families = await this.#store.familiesOf(match);
    for (const family of families) await this.end(family);
    return families.length;
  }
}

function sessionOf({ family, body, expiresAt }: Grant): BrowserSession {
  const { principal, provider, refresh, providerSession } = body as unknown as Omit<BrowserSession, 'family'>;
  return { family, principal, provider, refresh, providerSession, expiresAt };
}
