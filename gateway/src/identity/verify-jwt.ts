import type { Denial } from '@sallyport/shared/access/verdict.ts';
import { Unavailable } from '@sallyport/shared/errors/errors.ts';
import { errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose';
import { refusal } from './denial.ts';
import type { IssuerKeys } from './issuer-keys.ts';

/** Public keys only: with HS*, whoever knows the public key could sign; `none` needs no key at all. */
export const algorithms = [
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

/** What two clocks may differ by, in seconds. */
export const SKEW_S = 30;

export interface Expected {
  readonly issuer: string;
  readonly audiences: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly required?: readonly string[];
}

/** What a token says, once its signature was found right. */
export interface Verified {
  readonly payload: JWTPayload;
}

/**
 * What a token says, where its issuer signed it for one of these audiences and it holds now.
 * @throws Unavailable where the issuer's keys cannot be had
 */
export async function verifyJwt(token: string, keys: IssuerKeys, expected: Expected): Promise<Verified | Denial> {
  const { issuer, audiences, now, required = ['exp', 'sub'] } = expected;
  const options: JWTVerifyOptions = {
    issuer,
    audience: [...audiences],
    algorithms: [...algorithms],
    clockTolerance: SKEW_S,
    currentDate: new Date(now),
    requiredClaims: [...required],
  };
  try {
    const payload = await verifyAny(token, keys, options);
    const { iat } = payload;
    if (iat === undefined || iat <= Math.floor(now / 1000) + SKEW_S) return { payload };
    return refusal('the token is from the future: compare the clocks of the identity provider and the gateway');
  } catch (error) {
    return explain(error, issuer);
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
