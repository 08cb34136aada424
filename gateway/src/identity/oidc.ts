import type { Principal } from '@sallyport/shared/access/principal.ts';
import type { Denial } from '@sallyport/shared/access/verdict.ts';
import { Unavailable } from '@sallyport/shared/errors/errors.ts';
import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose';
import { principalOf } from './claims.ts';
import { refusal } from './denial.ts';
import { IssuerKeys, type KeyTimes, keyTimes } from './issuer-keys.ts';
import type { OidcProvider } from './provider.ts';

/** Who a provider's token speaks of, and until when. */
export interface OidcIdentity {
  readonly principal: Principal;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** Public keys only: with HS*, whoever knows the public key could sign; `none` needs no key at all. */
const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
const types = ['jwt', 'at+jwt', 'application/at+jwt', 'application/jwt'];
const MAX_TOKEN_CHARS = 16 * 1024;
const SKEW_S = 30;

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
    const payload = await this.#verify(token, provider);
    if ('message' in payload && 'reason' in payload) return payload as Denial;
    return this.#identify(provider, payload as JWTPayload);
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

  async #verify(token: string, { issuer, audiences }: OidcProvider): Promise<JWTPayload | Denial> {
    const options: JWTVerifyOptions = {
      issuer,
      audience: [...audiences],
      algorithms,
      clockTolerance: SKEW_S,
      currentDate: new Date(this.#clock()),
      requiredClaims: ['exp', 'sub'],
    };
    try {
      return await verifyAny(token, this.#keysOf(issuer), options);
    } catch (error) {
      return explain(error, issuer);
    }
  }

  #identify(provider: OidcProvider, payload: JWTPayload): OidcIdentity | Denial {
    const { exp, iat } = payload;
    if (exp === undefined) return refusal('the token has no end');
    if (iat !== undefined && !(iat <= Math.floor(this.#clock() / 1000) + SKEW_S)) {
      return refusal('the token is from the future: compare the clocks of the identity provider and the gateway');
    }
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

/** A token without a key id may fit several keys of its issuer: any one of them that verifies will do. */
async function verifyAny(token: string, keys: IssuerKeys, options: JWTVerifyOptions): Promise<JWTPayload> {
  try {
    return (await jwtVerify(token, keys.get, options)).payload;
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    for await (const key of error) {
      try {
        return (await jwtVerify(token, key, options)).payload;
      } catch (failure) {
        if (!(failure instanceof errors.JWSSignatureVerificationFailed)) throw failure;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

/** What is wrong with the token, or that it could not be found out. */
function explain(error: unknown, issuer: string): Denial {
  if (error instanceof errors.JWTExpired) return refusal('the token of your identity provider has expired');
  if (error instanceof errors.JWTClaimValidationFailed) {
    return refusal(`the token of your identity provider does not hold: its claim "${error.claim}" is wrong or missing`);
  }
  if (error instanceof errors.JWKSNoMatchingKey) {
    return refusal('the token is signed with a key that its identity provider does not publish');
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) return refusal("the token's signature is wrong");
  if (tokenFaults.some((fault) => error instanceof fault)) return refusal('the token cannot be read as a signed JWT');
  if (error instanceof Unavailable) throw error;
  const message = `the identity provider ${issuer} cannot be used: its keys cannot be read`;
  throw new Unavailable('identity', 'ERR_IDENTITY_UNAVAILABLE', message, { cause: error });
}

const tokenFaults = [errors.JWSInvalid, errors.JWTInvalid, errors.JOSEAlgNotAllowed, errors.JOSENotSupported];
