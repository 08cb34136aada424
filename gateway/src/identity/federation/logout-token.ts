import type { Denial } from '@sallyport/shared/access/verdict.ts';
import { decodeProtectedHeader, type JWTPayload } from 'jose';
import { refusal } from '../denial.ts';
import type { IssuerKeys } from '../issuer-keys.ts';
import { SKEW_S, verifyJwt } from '../verify-jwt.ts';
import type { ProviderLogout } from './browser-provider.ts';
import type { ReplayCache } from './replay-cache.ts';

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const types = ['logout+jwt', 'application/logout+jwt', 'jwt'];
const MAX_CHARS = 16 * 1024;
const MAX_ID = 255;
/** A token that says no end, or a far one, is remembered for this long and is not accepted afterwards. */
const MAX_AGE_S = 600;

export interface LogoutChecks {
  readonly issuer: string;
  readonly clientId: string;
  readonly keys: IssuerKeys;
  readonly replay: ReplayCache;
  readonly clock: () => number;
}

const wrong = (why: string): Denial => refusal(`the logout token does not hold: ${why}`, 'Nothing was ended.');

/**
 * What a provider's logout token ends; each is accepted once.
 * @see OpenID Connect Back-Channel Logout 1.0, 2.6 @throws Unavailable where the provider's keys cannot be had
 */
export async function verifyLogoutToken(token: string, checks: LogoutChecks): Promise<ProviderLogout | Denial> {
  const { issuer, clientId, keys, replay, clock } = checks;
  if (token.length > MAX_CHARS || !isOfType(token)) return wrong('it cannot be read as one');
  const expected = { issuer, audiences: [clientId], now: clock(), required: ['iat', 'jti', 'events'] };
  const verified = await verifyJwt(token, keys, expected);
  if (!('payload' in verified)) return verified;
  const { payload } = verified;
  const about = readLogout(payload);
  if ('message' in about) return about;
  const { iat = 0, jti = '' } = payload;
  const ends = (iat + MAX_AGE_S + SKEW_S) * 1000;
  if (clock() > ends) return wrong('it is too old');
  if (!(await replay.use(`logout ${issuer} ${jti}`, ends))) return wrong('it was used before');
  return about;
}

function isOfType(token: string): boolean {
  try {
    const { typ } = decodeProtectedHeader(token);
    return typ === undefined || types.includes(typ.toLowerCase());
  } catch {
    return false;
  }
}

function readLogout({ sub, sid, events, nonce, jti, iat }: JWTPayload): ProviderLogout | Denial {
  const event = isObject(events) && Object.hasOwn(events, EVENT) ? events[EVENT] : undefined;
  if (!isObject(event)) return wrong('it tells of no logout');
  // 2.4: so that no ID token passes for one.
  if (nonce !== undefined) return wrong('it has a nonce');
  if (!isId(jti) || typeof iat !== 'number') return wrong('it has no usable jti or iat');
  if ((sub !== undefined && !isId(sub)) || (sid !== undefined && !isId(sid)))
    return wrong('its sub or sid is unusable');
  if (sub === undefined && sid === undefined) return wrong('it names nobody');
  return { ...(sub === undefined ? {} : { sub }), ...(isId(sid) ? { sid } : {}) };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isId = (value: unknown): value is string => typeof value === 'string' && value !== '' && value.length <= MAX_ID;
