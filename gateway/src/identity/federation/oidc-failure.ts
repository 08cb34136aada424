import type { Denial } from '@sallyport/shared/access/verdict.ts';
import { Unavailable } from '@sallyport/shared/errors/errors.ts';
import * as client from 'openid-client';
import { refusal } from '../denial.ts';

export const again = 'Start again with "sallyport login", or on the sign-in page.';

/** What a failed exchange with a provider means for the person. @throws Unavailable where the provider is to blame */
export function failureOf(error: unknown, oidc: { unavailable(why: string, cause?: unknown): Unavailable }): Denial {
  const unavailable = unavailableWithin(error);
  if (unavailable !== undefined) throw unavailable;
  if (error instanceof client.AuthorizationResponseError) return declined(error);
  if (error instanceof client.ResponseBodyError) {
    if (error.error === 'invalid_grant') {
      return refusal('your identity provider no longer accepts this sign-in: it is over, used up or withdrawn', again);
    }
    // The client id or secret is wrong: nothing that the person could do.
    throw oidc.unavailable(
      `it refused the gateway's request (${code(error.error)}): compare clientId and clientSecret`,
      error,
    );
  }
  if (error instanceof client.ClientError && badAnswers.includes(error.code ?? '')) {
    return refusal('what your identity provider sent back does not belong to this sign-in, or does not hold', again);
  }
  throw oidc.unavailable('its answer cannot be used', error);
}

const badAnswers = [
  'OAUTH_INVALID_RESPONSE',
  'OAUTH_JWT_CLAIM_COMPARISON_FAILED',
  'OAUTH_JWT_TIMESTAMP_CHECK_FAILED',
  'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED',
  'OAUTH_UNSUPPORTED_OPERATION',
  'OAUTH_PARSE_ERROR',
];

function declined({ error }: client.AuthorizationResponseError): Denial {
  if (error === 'access_denied')
    return refusal('the sign-in was cancelled, or your identity provider refused it', again);
  return refusal(`your identity provider refused the sign-in (${code(error)})`, again);
}

/** Errors of the library carry ours as a cause. */
export function unavailableWithin(error: unknown): Unavailable | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if (at instanceof Unavailable) return at;
  }
  return undefined;
}

/** A code that somebody else chose, as text for a page. */
const code = (text: string): string => (/^[\w.-]{1,64}$/.test(text) ? text : 'unknown');
