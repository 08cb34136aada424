import type { IncomingMessage, ServerResponse } from 'node:http';
import { Unavailable } from '@sallyport/shared/errors/errors.ts';
import type { Directory } from '../../identity/directory/directory.ts';
import { DirectoryProblem, type DirectoryProblemKind } from '../../identity/directory/problem.ts';
import type { DirectoryProvider } from '../../identity/directory/provider.ts';
import type { Log } from '../problems.ts';
import { discovered } from './discovery.ts';
import { bad, ScimProblem, type ScimType } from './problem.ts';
import { type Answer, Resources } from './resources.ts';

export const scimRoot = '/scim/v2';

/** What identity providers ask for as the base URL or tenant URL. */
export const scimUrl = (publicUrl: string): string => `${publicUrl.replace(/\/+$/, '')}${scimRoot}`;

export interface ScimParts {
  readonly directory: Directory;
  /** Without a slash at its end. */
  readonly publicUrl: string;
  readonly log: Log;
}

const MAX_URL_CHARS = 8 * 1024;
/** Requests that are worked on at once; identity providers send few. */
const MAX_AT_ONCE = 64;

/** Where identity providers provision people and groups: SCIM 2.0. @see RFC 7643, RFC 7644 */
export function createScimServer({ directory, publicUrl, log }: ScimParts) {
  const base = scimUrl(publicUrl);
  let atOnce = 0;
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    atOnce += 1;
    try {
      if (atOnce > MAX_AT_ONCE) throw new ScimProblem(503, 'too many requests at once: try again');
      const provider = await admitted(directory, request);
      send(response, await answer(directory, provider, request, base));
    } catch (error) {
      const problem = problemOf(error, log);
      // What was not read of the body is not waited for.
      const rest = request.complete ? {} : { connection: 'close' };
      send(response, { status: problem.status, headers: { ...headersOf(problem), ...rest }, body: problem.body });
    } finally {
      atOnce -= 1;
    }
  };
}

/** @throws ScimProblem 401 */
async function admitted(directory: Directory, request: IncomingMessage): Promise<DirectoryProvider> {
  const [, secret = ''] = /^Bearer +([\x21-\x7e]{1,128}) *$/i.exec(request.headers.authorization ?? '') ?? [];
  const token = await directory.tokens.find(secret);
  const provider = token && directory.provider(token.provider);
  if (provider !== undefined) return provider;
  // One answer for all: whoever guesses learns nothing.
  throw new ScimProblem(401, 'this needs a SCIM token of an identity provider: sallyport scim token PROVIDER');
}

async function answer(
  directory: Directory,
  provider: DirectoryProvider,
  request: IncomingMessage,
  base: string,
): Promise<Answer> {
  const { url = '', method = 'GET' } = request;
  if (url.length > MAX_URL_CHARS) throw new ScimProblem(414, 'the URL is too long');
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  const path = pathname.slice(scimRoot.length).replace(/\/+$/, '');
  if (searchParams.has('filter') && method !== 'GET') throw bad('invalidFilter', 'a filter goes with GET only');
  const resources = new Resources(directory, provider, base);
  const found = await resources.answer(method, path, searchParams, request);
  if (found !== undefined) return found;
  if (/^\/(?:Bulk|Me)(?:\/|$)/.test(path)) throw new ScimProblem(501, `${path} is not served here`);
  const body = discovered(path, base);
  if (body === undefined) throw new ScimProblem(404, 'there is nothing at this address');
  if (method !== 'GET') throw new ScimProblem(405, `${method} is not served here`);
  // RFC 7644, 4: a filter of what is discovered is forbidden.
  if (searchParams.has('filter')) throw new ScimProblem(403, 'this cannot be filtered');
  return { status: 200, body };
}

const kinds: Readonly<Record<DirectoryProblemKind, readonly [number, ScimType?]>> = {
  missing: [404],
  taken: [409, 'uniqueness'],
  stale: [412],
  full: [503],
  'unknown-member': [400, 'invalidValue'],
};

function problemOf(error: unknown, log: Log): ScimProblem {
  if (error instanceof ScimProblem) return error;
  if (error instanceof DirectoryProblem) {
    const [status, scimType] = kinds[error.kind];
    return new ScimProblem(status, error.message, scimType);
  }
  if (error instanceof Unavailable) {
    log('a SCIM request failed: something is down', { part: error.part, error });
    return new ScimProblem(503, error.message);
  }
  log('a SCIM request failed by an error of the gateway', { error });
  return new ScimProblem(500, 'the gateway met an error of its own');
}

function headersOf({ status }: ScimProblem): Record<string, string> {
  if (status === 401) return { 'www-authenticate': 'Bearer realm="sallyport scim"' };
  return status === 503 ? { 'retry-after': '5' } : {};
}

function send(response: ServerResponse, { status, headers = {}, body }: Answer): void {
  response.writeHead(status, {
    ...(body === undefined ? {} : { 'content-type': 'application/scim+json; charset=utf-8' }),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}
