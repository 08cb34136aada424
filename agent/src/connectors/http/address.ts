import type { Target } from '@sallyport/shared/access/connection.ts';
import type { Headers } from '@sallyport/shared/wire/http/headers.ts';

/** `host`, `host:port` where the port is not the scheme's own, with brackets around IPv6. */
export function authorityOf({ host, port, tls }: Target): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return port === (tls === 'disable' ? 80 : 443) ? name : `${name}:${port}`;
}

export const originOf = (target: Target): string =>
  `${target.tls === 'disable' ? 'http' : 'https'}://${authorityOf(target)}`;

/** The addresses in a reply's header as paths from the connection's own root, where they lie below it. */
export function relativeTo(target: Target, headers: Headers): Headers {
  const origin = originOf(target);
  const base = target.http?.basePath ?? '';
  const below = (address: string): string => {
    const path = address.startsWith(`${origin}/`) ? address.slice(origin.length) : address === origin ? '/' : address;
    if (!path.startsWith('/') || path.startsWith('//')) return address;
    if (base === '') return path;
    if (path === base) return '/';
    // What lies outside cannot be reached: told as it is, in full.
    return path.startsWith(`${base}/`) ? path.slice(base.length) : `${origin}${path}`;
  };
  return headers.map(([name, value]) => {
    if (name === 'location' || name === 'content-location') return [name, below(value)] as const;
    if (name === 'link')
      return [name, value.replace(/<([^>]*)>/g, (_, address: string) => `<${below(address)}>`)] as const;
    if (name === 'set-cookie') return [name, cookie(value, base)] as const;
    return [name, value] as const;
  });
}

function cookie(value: string, base: string): string {
  if (base === '') return value;
  return value.replace(/(;\s*path\s*=\s*)([^;]*)/i, (_, start: string, path: string) =>
    path === base ? `${start}/` : `${start}${path.startsWith(`${base}/`) ? path.slice(base.length) : '/'}`,
  );
}
