import type { IncomingMessage, RequestListener, ServerOptions, ServerResponse } from 'node:http';
import { type ConnectRouter, createContextValues, type Interceptor } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { AccessService } from '@sallyport/proto/api/v1/access_pb';
import { AgentService } from '@sallyport/proto/api/v1/agents_pb';
import { ApprovalService } from '@sallyport/proto/api/v1/approvals_pb';
import { AuditService } from '@sallyport/proto/api/v1/audit_pb';
import { ConnectionService } from '@sallyport/proto/api/v1/connections_pb';
import { HealthService } from '@sallyport/proto/api/v1/health_pb';
import { IdentityService } from '@sallyport/proto/api/v1/identity_pb';
import { LeaseService } from '@sallyport/proto/api/v1/leases_pb';
import { ResourceService } from '@sallyport/proto/api/v1/resources_pb';
import { SessionService } from '@sallyport/proto/api/v1/sessions_pb';
import { addressKey } from './caller.ts';
import { createGate } from './gate.ts';
import { checkOrigin } from './origin.ts';
import { approvalPage, missingPage, pageHeaders, statusPage } from './pages.ts';
import type { ApiPorts } from './ports.ts';
import { type Log, tell } from './problems.ts';
import { builtInGroups, type RoleGroups } from './roles.ts';
import { accessService } from './services/access.ts';
import { agentService } from './services/agents.ts';
import { approvalService } from './services/approvals.ts';
import { auditService } from './services/audit.ts';
import { connectionService } from './services/connections.ts';
import { healthService } from './services/health.ts';
import { identityService } from './services/identity.ts';
import { leaseService } from './services/leases.ts';
import { resourceService } from './services/resources.ts';
import { sessionService } from './services/sessions.ts';
import { Streams } from './streams.ts';

export interface ApiOptions {
  /** Where people reach the API; its host is served besides localhost and addresses. */
  readonly publicUrl: string;
  /** Further host names that are served. */
  readonly hosts?: readonly string[];
  readonly groups?: Partial<RoleGroups>;
  readonly log?: Log;
  /** Ends streams when the gateway stops. */
  readonly signal?: AbortSignal;
  readonly clock?: () => number;
  /** How often a lasting stream asks whether its token still holds. */
  readonly recheckMs?: number;
}

/** For the http or https server around the listener: nobody holds a socket by being slow. */
export const serverLimits = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 15_000,
  connectionsCheckingInterval: 5_000,
  insecureHTTPParser: false,
} as const satisfies ServerOptions;

const KIB = 1024;
const MAX_BODY_BYTES = 64 * KIB;
const MAX_APPLY_BYTES = 4 * KIB * KIB;

/** The API and a few plain pages. TLS, the socket and `serverLimits` are the caller's. */
export function createApiServer(ports: ApiPorts, options: ApiOptions): RequestListener {
  const { publicUrl, log = () => {} } = options;
  const hosts = new Set([new URL(publicUrl).hostname, ...(options.hosts ?? [])].map((host) => host.toLowerCase()));
  const api = connectNodeAdapter({
    routes: (router) => route(router, ports, options, log),
    fallback: (request, response) => servePage(request as IncomingMessage, response as ServerResponse, publicUrl),
    contextValues: (request) => createContextValues().set(addressKey, request.socket.remoteAddress ?? 'unknown'),
    requestGate: createGate({ identity: ports.identity, groups: { ...builtInGroups, ...options.groups }, log }),
    interceptors: [plainErrors(log)],
    jsonOptions: { ignoreUnknownFields: false, alwaysEmitImplicit: true },
    acceptCompression: [],
    readMaxBytes: MAX_BODY_BYTES,
    grpc: false,
    grpcWeb: false,
    ...(options.signal === undefined ? {} : { shutdownSignal: options.signal }),
  });
  return (request, response) => {
    const complaint = checkOrigin(request, hosts);
    if (complaint === undefined) return api(request, response);
    const { status, message } = complaint;
    response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
    response.end(JSON.stringify({ code: status === 400 ? 'invalid_argument' : 'permission_denied', message }));
  };
}

function route(router: ConnectRouter, ports: ApiPorts, { clock, recheckMs }: ApiOptions, log: Log): void {
  const streams = new Streams(log, recheckMs);
  router
    .service(AccessService, accessService(ports.access, ports.approvals, streams))
    .service(AgentService, agentService(ports.agents))
    .service(ApprovalService, approvalService(ports.approvals, streams))
    .service(AuditService, auditService(ports.audit, streams))
    .service(ConnectionService, connectionService(ports.connections))
    .service(HealthService, healthService(ports.health))
    .service(IdentityService, identityService(ports.identity, clock))
    .service(LeaseService, leaseService(ports.leases))
    .service(ResourceService, resourceService(ports.resources), { readMaxBytes: MAX_APPLY_BYTES })
    .service(SessionService, sessionService(ports.sessions, streams));
}

/** Nothing of an inner error is told, also when a stream breaks halfway. */
function plainErrors(log: Log): Interceptor {
  return (next) => async (request) => {
    try {
      const response = await next(request);
      return response.stream ? { ...response, message: told(response.message, log) } : response;
    } catch (error) {
      throw tell(error, log);
    }
  };
}

async function* told<T>(messages: AsyncIterable<T>, log: Log): AsyncGenerator<T> {
  try {
    yield* messages;
  } catch (error) {
    throw tell(error, log);
  }
}

function servePage({ method, url = '/' }: IncomingMessage, response: ServerResponse, publicUrl: string): void {
  if (method !== 'GET' && method !== 'HEAD') {
    response.writeHead(404, { 'content-type': 'application/json' });
    response.end('{"code":"unimplemented","message":"there is no such method"}');
    return;
  }
  const [path = '/'] = url.split('?');
  if (path === '/healthz') {
    response.writeHead(200, { 'content-type': 'text/plain', 'cache-control': 'no-store' });
    response.end('ok\n');
    return;
  }
  const [, approval] = /^\/approvals\/([A-Za-z0-9_-]{1,64})$/.exec(path) ?? [];
  const text = path === '/' ? statusPage(publicUrl) : approval === undefined ? undefined : approvalPage(approval);
  response.writeHead(text === undefined ? 404 : 200, pageHeaders);
  response.end(text ?? missingPage());
}
