import type { IncomingMessage, RequestListener, ServerOptions, ServerResponse } from 'node:http';
import { type ConnectRouter, createContextValues, type Interceptor } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { AccessService } from '@sallyport/proto/api/v1/access_pb';
import { ActivityService } from '@sallyport/proto/api/v1/activity_pb';
import { AgentService } from '@sallyport/proto/api/v1/agents_pb';
import { ApprovalService } from '@sallyport/proto/api/v1/approvals_pb';
import { AuditService } from '@sallyport/proto/api/v1/audit_pb';
import { ConnectionService } from '@sallyport/proto/api/v1/connections_pb';
import { DirectoryService } from '@sallyport/proto/api/v1/directory_pb';
import { HealthService } from '@sallyport/proto/api/v1/health_pb';
import { IdentityService } from '@sallyport/proto/api/v1/identity_pb';
import { KeyService } from '@sallyport/proto/api/v1/keys_pb';
import { LeaseService } from '@sallyport/proto/api/v1/leases_pb';
import { NotifierService } from '@sallyport/proto/api/v1/notifiers_pb';
import { PolicyService } from '@sallyport/proto/api/v1/policy_pb';
import { ResourceService } from '@sallyport/proto/api/v1/resources_pb';
import { ServiceAccountService } from '@sallyport/proto/api/v1/service_accounts_pb';
import { SessionService } from '@sallyport/proto/api/v1/sessions_pb';
import type { Directory } from '../identity/directory/directory.ts';
import { addressKey } from './caller.ts';
import type { Console } from './console.ts';
import { createGate } from './gate.ts';
import { type HooksPort, isHook, serveHook } from './hooks.ts';
import { isObserved, isReader, type MetricsPort, observe } from './observe.ts';
import { checkOrigin } from './origin.ts';
import { approvalPage, missingPage, pageHeaders, statusPage } from './pages.ts';
import type { ApiPorts } from './ports.ts';
import { type Log, tell } from './problems.ts';
import { builtInGroups, type RoleGroups } from './roles.ts';
import { createScimServer, scimRoot } from './scim/server.ts';
import { accessService } from './services/access.ts';
import { activityService } from './services/activity.ts';
import { agentService } from './services/agents.ts';
import { approvalService } from './services/approvals.ts';
import { auditService } from './services/audit.ts';
import { connectionService } from './services/connections.ts';
import { directoryService } from './services/directory.ts';
import { healthService } from './services/health.ts';
import { identityService } from './services/identity.ts';
import { keyService } from './services/keys.ts';
import { leaseService } from './services/leases.ts';
import { notifierService } from './services/notifiers.ts';
import { policyService } from './services/policy.ts';
import { resourceService } from './services/resources.ts';
import { serviceAccountService } from './services/service-accounts.ts';
import { sessionService } from './services/sessions.ts';
import { Streams } from './streams.ts';
import type { Web } from './web/web.ts';

export interface ApiOptions {
  /** Where people reach the API; its host is served besides localhost and addresses. */
  readonly publicUrl: string;
  /** Further host names that are served. */
  readonly hosts?: readonly string[];
  readonly groups?: Partial<RoleGroups>;
  readonly log?: Log;
  /** Where identity providers provision people; absent: no SCIM. */
  readonly directory?: Directory;
  /** Ends streams when the gateway stops. */
  readonly signal?: AbortSignal;
  /** The web console; a few plain pages where it is absent. */
  readonly console?: Console | undefined;
  /** Sign-in pages and OAuth endpoints. */
  readonly web?: Web | undefined;
  /** What others call when people press their buttons. */
  readonly hooks?: HooksPort | undefined;
  readonly metrics?: MetricsPort | undefined;
  /** Lines of a known_hosts file for the gateway's SSH port. */
  readonly knownHosts?: (() => string) | undefined;
  /** PEM of the authority that vouches for the gateway's listeners, where it is the gateway's own. */
  readonly authority?: string | undefined;
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
  const roles = { ...builtInGroups, ...options.groups };
  const api = connectNodeAdapter({
    routes: (router) => route(router, ports, options, log),
    fallback: (request, response) => servePage(request as IncomingMessage, response as ServerResponse, options),
    contextValues: (request) => createContextValues().set(addressKey, request.socket.remoteAddress ?? 'unknown'),
    requestGate: createGate({ identity: ports.identity, groups: roles, log }),
    interceptors: [plainErrors(log)],
    jsonOptions: { ignoreUnknownFields: false, alwaysEmitImplicit: true },
    acceptCompression: [],
    readMaxBytes: MAX_BODY_BYTES,
    grpc: false,
    grpcWeb: false,
    ...(options.signal === undefined ? {} : { shutdownSignal: options.signal }),
  });
  const { directory, web, hooks } = options;
  const mayRead = (request: IncomingMessage) => () => isReader(request, ports.identity, roles);
  const scim = directory && createScimServer({ directory, publicUrl, log });
  return (request, response) => {
    const [path = '/'] = (request.url ?? '/').split('?');
    const elsewhere = web?.takesFromElsewhere(request.method, path) === true;
    if (isObserved(path))
      return void observe(request, response, { health: ports.health, metrics: options.metrics, log }, mayRead(request));
    const complaint = checkOrigin(elsewhere ? withoutOrigin(request) : request, hosts);
    if (complaint === undefined && web?.owns(path) === true) return void web.serve(request, response);
    if (complaint === undefined && hooks !== undefined && isHook(path)) {
      return void serveHook(hooks, request, response, log);
    }
    if (complaint === undefined && scim !== undefined && request.url?.startsWith(`${scimRoot}/`)) {
      return void scim(request, response);
    }
    if (complaint === undefined) return api(request, response);
    const { status, message } = complaint;
    response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
    response.end(JSON.stringify({ code: status === 400 ? 'invalid_argument' : 'permission_denied', message }));
  };
}

/** Its Host still counts. */
const withoutOrigin = ({ headers, method }: IncomingMessage): Pick<IncomingMessage, 'headers' | 'method'> => ({
  method: method ?? 'GET',
  headers: { ...(headers.host === undefined ? {} : { host: headers.host }) },
});

function route(router: ConnectRouter, ports: ApiPorts, { clock, recheckMs }: ApiOptions, log: Log): void {
  const streams = new Streams(log, recheckMs);
  router
    .service(ActivityService, activityService(ports.activity))
    .service(AccessService, accessService(ports.access, ports.approvals, streams))
    .service(AgentService, agentService(ports.agents))
    .service(ApprovalService, approvalService(ports.approvals, streams))
    .service(AuditService, auditService(ports.audit, streams))
    .service(ConnectionService, connectionService(ports.connections))
    .service(DirectoryService, directoryService(ports.directories))
    .service(HealthService, healthService(ports.health))
    .service(IdentityService, identityService(ports.identity, clock))
    .service(KeyService, keyService(ports.keys))
    .service(LeaseService, leaseService(ports.leases))
    .service(NotifierService, notifierService(ports.notifiers))
    .service(PolicyService, policyService(ports.policy, streams), { readMaxBytes: MAX_APPLY_BYTES })
    .service(ResourceService, resourceService(ports.resources), { readMaxBytes: MAX_APPLY_BYTES })
    .service(ServiceAccountService, serviceAccountService(ports.serviceAccounts))
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

function servePage(
  request: IncomingMessage,
  response: ServerResponse,
  { publicUrl, console, knownHosts, authority }: ApiOptions,
): void {
  const { method, url = '/' } = request;
  if (method !== 'GET' && method !== 'HEAD') {
    response.writeHead(404, { 'content-type': 'application/json' });
    response.end('{"code":"unimplemented","message":"there is no such method"}');
    return;
  }
  const [path = '/'] = url.split('?');
  if (path === '/.well-known/gateway-ca.pem' && authority !== undefined) {
    response.writeHead(200, { 'content-type': 'application/x-pem-file', 'cache-control': 'no-store' });
    response.end(authority);
    return;
  }
  if (path === '/.well-known/ssh-known-hosts' && knownHosts !== undefined) {
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
    response.end(knownHosts());
    return;
  }
  if (console?.serve(request, path, response) === true) return;
  const [, approval] = /^\/approvals\/([A-Za-z0-9_-]{1,64})$/.exec(path) ?? [];
  const text = path === '/' ? statusPage(publicUrl) : approval === undefined ? undefined : approvalPage(approval);
  response.writeHead(text === undefined ? 404 : 200, pageHeaders);
  response.end(text ?? missingPage());
}
