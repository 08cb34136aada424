import type { Principal } from '@sallyport/shared/access/principal.ts';
import type { Denial } from '@sallyport/shared/access/verdict.ts';
import { decodeJwt, decodeProtectedHeader, type JWTPayload } from 'jose';
import { principalOf } from './claims.ts';
import { refusal } from './denial.ts';
import { IssuerKeys, type KeyTimes, keyTimes } from './issuer-keys.ts';
import type { OidcProvider } from './provider.ts';
import { algorithms, SKEW_S, verifyJwt } from './verify-jwt.ts';

/** Who a provider's token speaks of, and until when. */
export interface OidcIdentity {
  readonly principal: Principal;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

const types = ['jwt', 'at+jwt', 'application/at+jwt', 'application/jwt'];
const MAX_TOKEN_CHARS = 16 * 1024;

/** Whether a secret has the form of a signed token. @see RFC 7515, 3.1 */
export function looksLikeJwt(secret: string): boolean {
  return /^eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*$/.test(secret);
}

/** Checks tokens of any number of OpenID Connect providers, each on its own: one that is down harms no other. */
export class Oidc {
  readonly #providers: () => readonly OidcProvider[];
  readonly #clock: () => number;
  readonly #times: KeyTimes;
  readonly #keys = new Map<string, IssuerKeys>();

  constructor(providers: () => readonly OidcProvider[], clock: () => number = Date.now, times: KeyTimes = keyTimes) {
    this.#providers = providers;
    this.#clock = clock;
    this.#times = times;
  }

  /** @throws Unavailable where the token's issuer cannot be asked for its keys. */
  async authenticate(token: string): Promise<OidcIdentity | Denial> {
    if (token.length > MAX_TOKEN_CHARS) return refusal('the token is too long: at most 16 KiB are read');
    const claimed = readClaimed(token);
    if (claimed === undefined) return refusal('the token cannot be read: it is no whole JWT');
    const provider = this.#providerFor(claimed);
    if ('message' in provider) return provider;
    const { issuer, audiences } = provider;
    const verified = await verifyJwt(token, this.#keysOf(issuer), { issuer, audiences, now: this.#clock() });
    return 'payload' in verified ? this.#identify(provider, verified.payload) : verified;
  }

  /** By what the token says of itself, which is checked afterwards. */
  #providerFor({ alg, typ, payload }: Claimed): OidcProvider | Denial {
    if (!algorithms.includes(alg)) return refusal('the token is signed in a way that is not accepted here');
    if (typ !== undefined && !types.includes(typ)) return refusal('the token is of a type that is no sign-in');
    const known = this.#providers();
    this.#forgetAllBut(known);
    const sameIssuer = known.filter(({ issuer }) => issuer === payload.iss);
    const listed = [payload.aud ?? []].flat();
    const provider = sameIssuer.find(({ audiences }) => audiences.some((audience) => listed.includes(audience)));
    if (provider !== undefined) return provider;
    if (sameIssuer.length > 0) return refusal('the token was made for another audience');
    return refusal('the token is from an identity provider that is not known here');
  }

  #identify(provider: OidcProvider, payload: JWTPayload): OidcIdentity | Denial {
    const { exp } = payload;
    if (exp === undefined) return refusal('the token has no end');
    // A logout token names a person too, and proves nobody's presence. OpenID Connect Back-Channel Logout 1.0, 2.4.
    if (payload['events'] !== undefined) return refusal('the token tells of an event: it is no sign-in');
    const principal = principalOf(provider, payload);
    if ('message' in principal) return principal;
    return { principal, expiresAt: (exp + SKEW_S) * 1000 };
  }

  #keysOf(issuer: string): IssuerKeys {
    const known = this.#keys.get(issuer) ?? new IssuerKeys(issuer, this.#times);
    this.#keys.set(issuer, known);
    return known;
  }

  #forgetAllBut(providers: readonly OidcProvider[]): void {
    for (const issuer of this.#keys.keys()) {
      if (!providers.some((provider) => provider.issuer === issuer)) this.#keys.delete(issuer);
    }
  }
}

interface Claimed {
  readonly alg: string;
  /** Lower case. */
  readonly typ: string | undefined;
  readonly payload: JWTPayload;
}

function readClaimed(token: string): Claimed | undefined {
  try {
    const { alg, typ } = decodeProtectedHeader(token);
    if (typeof alg !== 'string' || (typ !== undefined && typeof typ !== 'string')) return undefined;
    return { alg, typ: typ?.toLowerCase(), payload: decodeJwt(token) };
  } catch {
    return undefined;
  }
}
