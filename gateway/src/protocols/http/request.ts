import type { RequestHead } from '@sallyport/shared/wire/http/frames.ts';
import {
  endToEnd,
  type Headers,
  headersOf,
  listOf,
  readHeaders,
  valuesOf,
} from '@sallyport/shared/wire/http/headers.ts';
import { type ClientCredential, credentialOf, withoutCredential } from './credentials.ts';
import { badRequest } from './problem.ts';
import { type ByHost, type Route, routeOf } from './route.ts';
import { type RequestTarget, readTarget, targetText } from './target.ts';

/** A head as the parser gave it. */
export interface RawRequest {
  readonly method: string;
  readonly url: string;
  /** `1.0`, `1.1`, `2.0`. */
  readonly version: string;
  readonly rawHeaders: readonly string[];
  /** Of HTTP/2: whether nothing follows the head. */
  readonly endsWithHead: boolean | undefined;
  /** The parser has stopped for an upgrade: what follows is no HTTP. */
  readonly upgrades: boolean;
}

/** A request that may be answered: where it goes, who says so, what it is. */
export interface ReadRequest {
  readonly route: Route;
  readonly target: RequestTarget;
  readonly credential: ClientCredential;
  readonly head: RequestHead;
  readonly expectsContinue: boolean;
  readonly userAgent: string | undefined;
}

/** Says what it is not: CONNECT makes a proxy of us, TRACE shows headers. */
const refused: ReadonlySet<string> = new Set(['CONNECT', 'TRACE', 'TRACK']);

/** The gateway's and the agent's to say, or another path or method than the one that was judged. */
const dropped =
  /^(?:host|x-forwarded(?:-.*)?|forwarded|x-real-ip|x-client-ip|true-client-ip|via|x-original-url|x-rewrite-url|x-original-host|x-host|alt-used)$/;
const overrides = /^x-(?:http-)?method(?:-override)?$/;
const upgrades = /^(?:websocket|spdy\/3\.1)$/i;

/** @throws RequestProblem where it cannot be served, or could be read in two ways */
export function readRequest(raw: RawRequest, byHost: ByHost): ReadRequest {
  const headers = headersOf(raw.rawHeaders);
  check(raw, headers);
  const target = readTarget(raw.url);
  const credential = credentialOf(headers);
  const route = routeOf(hostOf(raw, headers), target.path, byHost);
  const upgrade = raw.upgrades ? upgradeOf(headers) : undefined;
  const kept = passedOn(withoutCredential(headers));
  return {
    route,
    target,
    credential,
    head: {
      method: raw.method,
      target: targetText(route.path, target.search),
      headers: kept,
      hasBody: hasBody(raw, headers),
      ...(upgrade === undefined ? {} : { upgrade }),
    },
    expectsContinue: valuesOf(headers, 'expect').some((value) => value.toLowerCase() === '100-continue'),
    userAgent: valuesOf(headers, 'user-agent')[0]
      ?.replace(/[^\x20-\x7e]/g, '')
      .slice(0, 128),
  };
}

function check({ method, version, upgrades: isUpgrade }: RawRequest, headers: Headers): void {
  if (refused.has(method)) throw badRequest(`The method ${method} is not served.`, undefined, 405);
  try {
    readHeaders(headers);
  } catch (error) {
    throw badRequest((error as Error).message, undefined, 431);
  }
  const lengths = valuesOf(headers, 'content-length');
  const codings = valuesOf(headers, 'transfer-encoding');
  if (lengths.length > 1 || lengths.some((length) => !/^\d{1,15}$/.test(length)))
    throw badRequest('Content-Length is there twice, or it is no number.');
  if (codings.length > 0 && lengths.length > 0)
    throw badRequest('Content-Length and Transfer-Encoding are both there.');
  if (
    codings.length > 1 ||
    codings.some((coding) => coding.toLowerCase() !== 'chunked') ||
    (codings.length > 0 && version === '1.0')
  ) {
    throw badRequest('Only the transfer coding "chunked" is served.', undefined, 501);
  }
  if (isUpgrade && (codings.length > 0 || Number(lengths[0] ?? 0) > 0))
    throw badRequest('A request that upgrades has a body.');
  if (headers.some(([name]) => overrides.test(name.replaceAll('_', '-')))) {
    throw badRequest(
      'The request asks for another method than its own.',
      'Send the method itself instead of X-HTTP-Method-Override.',
    );
  }
  const expected = valuesOf(headers, 'expect');
  if (expected.some((value) => value.toLowerCase() !== '100-continue'))
    throw badRequest('Only "Expect: 100-continue" is known.', undefined, 417);
}

/** One host, however it was said. */
function hostOf({ version, rawHeaders }: RawRequest, headers: Headers): string {
  const hosts = valuesOf(headers, 'host');
  const at = rawHeaders.findIndex((name, index) => index % 2 === 0 && name === ':authority');
  if (at >= 0) hosts.push(rawHeaders[at + 1] as string);
  const [host, ...others] = [...new Set(hosts)];
  const isDouble = version !== '2.0' && hosts.length > 1;
  if (host === undefined || others.length > 0 || isDouble)
    throw badRequest('The request needs one Host, and only one.');
  return host;
}

function upgradeOf(headers: Headers): string {
  const [upgrade = '', ...more] = valuesOf(headers, 'upgrade').flatMap((value) =>
    value.split(',').map((each) => each.trim()),
  );
  if (more.length > 0 || !upgrades.test(upgrade)) {
    throw badRequest('The protocol that the request would switch to is not served.', 'WebSocket and SPDY/3.1 are.');
  }
  return upgrade;
}

function passedOn(headers: Headers): Headers {
  const trailers = valuesOf(headers, 'te').flatMap(listOf).includes('trailers');
  const kept = endToEnd(headers).filter(([name]) => {
    // Gateways behind (CGI, WSGI) read both spellings as one.
    const spelled = name.replaceAll('_', '-');
    return (
      !dropped.test(spelled) && !(spelled !== name && (guarded.has(spelled) || spelled.startsWith('impersonate-')))
    );
  });
  return trailers ? [...kept, ['te', 'trailers']] : kept;
}

const guarded: ReadonlySet<string> = new Set([
  'authorization',
  'content-length',
  'transfer-encoding',
  'host',
  'cookie',
]);

function hasBody({ endsWithHead, upgrades: isUpgrade }: RawRequest, headers: Headers): boolean {
  if (isUpgrade) return false;
  if (endsWithHead !== undefined) return !endsWithHead;
  return valuesOf(headers, 'transfer-encoding').length > 0 || Number(valuesOf(headers, 'content-length')[0] ?? 0) > 0;
}
