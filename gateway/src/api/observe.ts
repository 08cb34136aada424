import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ApiPorts, HealthPort } from './ports.ts';
import { isDenial, type Log } from './problems.ts';
import { type RoleGroups, rolesOf } from './roles.ts';

/** In Prometheus' text format. */
export interface MetricsPort {
  readonly contentType: string;
  text(): Promise<string>;
}

export interface ObserveParts {
  readonly health: HealthPort;
  readonly metrics: MetricsPort | undefined;
  readonly log: Log;
}

const paths = new Set(['/healthz', '/readyz', '/metrics']);

export const isObserved = (path: string): boolean => paths.has(path);

/** Probes for whoever runs the gateway. `mayRead` says who may have the metrics. Never rejects. */
export async function observe(
  request: IncomingMessage,
  response: ServerResponse,
  { health, metrics, log }: ObserveParts,
  mayRead: () => Promise<boolean>,
): Promise<void> {
  const answer = (status: number, text: string, type = 'text/plain; charset=utf-8'): void => {
    response.writeHead(status, {
      'content-type': type,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    response.end(request.method === 'HEAD' ? undefined : text);
  };
  const [path] = (request.url ?? '/').split('?');
  try {
    if (request.method !== 'GET' && request.method !== 'HEAD') return answer(405, 'GET is served here\n');
    if (path === '/healthz') return answer(200, 'ok\n');
    if (path === '/readyz') return await ready(health, answer);
    if (metrics === undefined || !(await mayRead())) {
      response.setHeader('www-authenticate', 'Bearer realm="sallyport"');
      return answer(401, 'metrics are for auditors and administrators: send a token, or set listen.metrics\n');
    }
    answer(200, await metrics.text(), metrics.contentType);
  } catch (error) {
    log('a probe failed', { error });
    answer(503, 'not ready\n');
  }
}

/** 200 while clients can be served, 503 otherwise; a line for each part. */
async function ready(health: HealthPort, answer: (status: number, text: string) => void): Promise<void> {
  const parts = await health.parts();
  const lines = parts.map(({ part, state }) => `${part} ${state}\n`);
  const isReady = !parts.some(({ state, needed }) => needed && state !== 'ok');
  answer(isReady ? 200 : 503, `${isReady ? 'ready' : 'not ready'}\n${lines.join('')}`);
}

/** Whether the bearer of a request is an auditor or an administrator. */
export async function isReader(
  request: IncomingMessage,
  identity: Pick<ApiPorts['identity'], 'authenticate'>,
  groups: RoleGroups,
): Promise<boolean> {
  const [, secret] = /^Bearer +([\x21-\x7e]{1,8192}) *$/i.exec(request.headers.authorization ?? '') ?? [];
  if (secret === undefined) return false;
  const found = await identity.authenticate(secret, { address: request.socket.remoteAddress ?? 'unknown' });
  if (isDenial(found) || found.connection !== undefined) return false;
  const roles = rolesOf(found.principal, groups);
  return roles.includes('auditor') || roles.includes('admin');
}
