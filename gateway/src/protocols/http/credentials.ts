import { type Headers, valuesOf, without } from '@sallyport/shared/wire/http/headers.ts';
import { badRequest, problemOf, RequestProblem } from './problem.ts';

/** What a client proves itself with. Nothing of it is believed yet. */
export interface ClientCredential {
  readonly user: string;
  readonly secret: string;
}

/** Ours, for clients that need `Authorization` for the API itself. */
const ownHeader = 'sallyport-token';

const needed = (): RequestProblem =>
  new RequestProblem(
    problemOf({
      reason: 'unauthenticated',
      message: 'The request has no token.',
      hint: 'Send "Authorization: Bearer TOKEN" or, with curl, -u me:TOKEN; "sallyport token CONNECTION" prints one.',
    }),
  );

/**
 * The token of a request: of `Sallyport-Token`, `Authorization: Bearer`, or the password of `Authorization: Basic`.
 * @throws RequestProblem where there is none, or more than one
 */
export function credentialOf(headers: Headers): ClientCredential {
  const [own, ...more] = valuesOf(headers, ownHeader);
  const [authorization, ...others] = valuesOf(headers, 'authorization');
  if (more.length + others.length > 0) throw badRequest('The request has two of one header that proves who you are.');
  if (own !== undefined) return { user: '', secret: present(own.trim()) };
  const [, scheme = '', value = ''] = /^([A-Za-z]+) +(\S+) *$/.exec(authorization ?? '') ?? [];
  if (scheme.toLowerCase() === 'bearer') return { user: '', secret: present(value) };
  if (scheme.toLowerCase() === 'basic') return basic(value, headers);
  throw needed();
}

/** Without what proved who the client is. Its own `Authorization` stays where the token came in another header. */
export const withoutCredential = (headers: Headers): Headers =>
  valuesOf(headers, ownHeader).length > 0 ? without(headers, ownHeader) : without(headers, 'authorization');

/** RFC 7617; a browser sends it again by itself, also for pages of others. */
function basic(value: string, headers: Headers): ClientCredential {
  const [site] = valuesOf(headers, 'sec-fetch-site');
  if (site === 'cross-site' || site === 'same-site') {
    throw badRequest('Another site made the browser send this request.', 'Open the address by itself.', 403);
  }
  const text = Buffer.from(value, 'base64').toString('utf8');
  const at = text.indexOf(':');
  return { user: at < 0 ? '' : text.slice(0, at), secret: present(at < 0 ? '' : text.slice(at + 1)) };
}

function present(secret: string): string {
  if (secret === '') throw needed();
  return secret;
}
