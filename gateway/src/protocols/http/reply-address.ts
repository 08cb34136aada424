import type { ReplyHead } from '@sallyport/shared/wire/http/frames.ts';
import type { Headers } from '@sallyport/shared/wire/http/headers.ts';

/** What would lead a client around the gateway, or binds the gateway's own host name. */
const dropped: ReadonlySet<string> = new Set([
  'alt-svc',
  'strict-transport-security',
  'public-key-pins',
  'clear-site-data',
]);

/** A reply's head with the addresses in it as the client reaches them: paths behind the connection's prefix. */
export function addressed(head: ReplyHead, prefix: string): ReplyHead {
  const headers: Headers = head.headers
    .filter(([name]) => !dropped.has(name))
    .map(([name, value]) => [name, readdressed(name, value, prefix)] as const);
  return { ...head, headers };
}

function readdressed(name: string, value: string, prefix: string): string {
  if (name === 'location' || name === 'content-location') return isPath(value) ? `${prefix}${value}` : value;
  if (name === 'link') return value.replace(/<(\/(?!\/)[^>]*)>/g, (_, path: string) => `<${prefix}${path}>`);
  return name === 'set-cookie' ? cookie(value, prefix) : value;
}

const isPath = (value: string): boolean => value.startsWith('/') && !value.startsWith('//');

/** For this connection's paths only: never for a domain, which other targets may share (RFC 6265, 5.2.3 and 5.2.4). */
function cookie(value: string, prefix: string): string {
  const [pair = '', ...attributes] = value.split(';');
  const kept = attributes.filter((each) => !/^\s*domain\s*=/i.test(each));
  return [
    pair,
    ...kept.map((each) => each.replace(/^(\s*path\s*=\s*)(\/.*)$/i, (_, start, path) => `${start}${prefix}${path}`)),
  ].join(';');
}
