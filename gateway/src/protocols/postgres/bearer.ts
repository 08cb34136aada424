import { WireError } from '@sallyport/shared/errors/errors.ts';

/** The user name with which a client says that it wants to sign in by OAuth: nothing else tells before a method is offered. */
export const bearerUser = 'oauth';

export const mechanism = 'OAUTHBEARER';

/** What a client sends after a failure, before it is told goodbye: one separator. @see RFC 7628, 3.2.3 */
export const kvsep = 0x01;

const scheme = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i;

/**
 * The token of a client's first response; undefined where it has none and asks where to get one.
 * @see RFC 7628, 3.1 and 4.3; PostgreSQL manual, 53.3.2
 * @throws WireError
 */
export function readBearer(data: Uint8Array | null): string | undefined {
  const text = Buffer.from(data ?? []).toString('utf8');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the separator of RFC 7628 is one
  const [, pairs] = /^[ny],,\x01((?:[A-Za-z]+=[^\x01]*\x01)*)\x01$/.exec(text) ?? [];
  if (pairs === undefined) throw malformed('its first response is none of OAUTHBEARER’s, or names another identity');
  const values = pairs
    .split('\x01')
    .filter((pair) => pair.startsWith('auth='))
    .map((pair) => pair.slice('auth='.length));
  const [value, more] = values;
  if (value === undefined || more !== undefined) throw malformed('auth is needed, once');
  if (value === '') return undefined;
  const [, token] = scheme.exec(value) ?? [];
  if (token === undefined) throw malformed('auth is no bearer token');
  return token;
}

/** Why there is no way in, and where a token is to be had. @see RFC 7628, 3.2.2 */
export const bearerFailure = (configuration: string): Buffer =>
  Buffer.from(JSON.stringify({ status: 'invalid_token', scope: 'openid', 'openid-configuration': configuration }));

const malformed = (why: string): WireError =>
  new WireError('ERR_WIRE_MALFORMED', `the client broke the OAUTHBEARER exchange: ${why}`, { see: 'RFC 7628, 3' });
