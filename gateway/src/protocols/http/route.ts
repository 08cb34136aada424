import { badRequest } from './problem.ts';

/** Which connection a request is for. */
export interface Route {
  readonly connection: string;
  /** What of the path led here: `/NAME`; empty where the host name did. */
  readonly prefix: string;
  /** The rest of the path. */
  readonly path: string;
}

/** A connection that has the host name, where one does. */
export type ByHost = (host: string) => string | undefined;

/** By host name where one is a connection's, else by the first segment of the path. @throws RequestProblem */
export function routeOf(host: string, path: string, byHost: ByHost): Route {
  const named = byHost(hostName(host));
  if (named !== undefined) return { connection: named, prefix: '', path };
  const end = path.indexOf('/', 1);
  const segment = end < 0 ? path.slice(1) : path.slice(1, end);
  if (segment === '') {
    throw badRequest(
      'The path names no connection.',
      'Put its name first: https://GATEWAY/CONNECTION/path. "sallyport connect" lists what you may reach.',
      404,
    );
  }
  return { connection: decodeURIComponent(segment), prefix: `/${segment}`, path: end < 0 ? '/' : path.slice(end) };
}

/** Without the port, lower case. */
export function hostName(host: string): string {
  const match = /^(\[[0-9a-f:.]+\]|[^:]*)(?::\d{1,5})?$/i.exec(host);
  if (match === null) throw badRequest('The Host header is no host name.');
  return (match[1] as string).toLowerCase().replace(/\.$/, '');
}
