import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/** What is wrong with where a request says it comes from or goes to; undefined where nothing is. */
export type Complaint = { readonly status: 400 | 403 | 421; readonly message: string };

/**
 * Against DNS rebinding and forged requests: a browser lets no page set Host, Origin or Sec-Fetch-Site.
 * Addresses are always ours: a rebound name is a name.
 */
export function checkOrigin(
  { headers, method }: Pick<IncomingMessage, 'headers' | 'method'>,
  hosts: ReadonlySet<string>,
): Complaint | undefined {
  const { host, origin } = headers;
  const name = host === undefined ? undefined : nameOf(`http://${host}`);
  if (name === undefined) return { status: 400, message: 'the Host header is missing or cannot be read' };
  if (!(isIP(name) !== 0 || name === 'localhost' || hosts.has(name))) {
    return {
      status: 421,
      message: `this gateway does not serve the name "${name}"; its publicUrl says what it serves`,
    };
  }
  if (origin !== undefined && placeOf(origin) !== host?.toLowerCase()) {
    return { status: 403, message: 'requests from pages of other origins are not served' };
  }
  const site = headers['sec-fetch-site'];
  if (method !== 'GET' && method !== 'HEAD' && site !== undefined && site !== 'same-origin' && site !== 'none') {
    return { status: 403, message: 'requests from pages of other sites are not served' };
  }
  return undefined;
}

function nameOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).hostname.replace(/^\[|\]$/g, '').toLowerCase() : undefined;
}

const placeOf = (origin: string): string | undefined => (URL.canParse(origin) ? new URL(origin).host : undefined);
