import { createClient, type Interceptor } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { AccessService } from '@sallyport/proto/api/v1/access_pb';
import { AgentService } from '@sallyport/proto/api/v1/agents_pb';
import { ApprovalService } from '@sallyport/proto/api/v1/approvals_pb';
import { AuditService } from '@sallyport/proto/api/v1/audit_pb';
import { ConnectionService } from '@sallyport/proto/api/v1/connections_pb';
import { DirectoryService } from '@sallyport/proto/api/v1/directory_pb';
import { IdentityService } from '@sallyport/proto/api/v1/identity_pb';
import { KeyService } from '@sallyport/proto/api/v1/keys_pb';
import { LeaseService } from '@sallyport/proto/api/v1/leases_pb';
import { NotifierService } from '@sallyport/proto/api/v1/notifiers_pb';
import { PolicyService } from '@sallyport/proto/api/v1/policy_pb';
import { ResourceService } from '@sallyport/proto/api/v1/resources_pb';
import { ServiceAccountService } from '@sallyport/proto/api/v1/service_accounts_pb';
import { SessionService } from '@sallyport/proto/api/v1/sessions_pb';

export type Api = ReturnType<typeof openApi>;

/** Typed clients of every service. A call that takes longer than 30 s fails; streams, and reading the whole journal, last. */
export function openApi({
  url,
  token,
  ca,
}: {
  readonly url: string;
  readonly token?: string | undefined;
  readonly ca?: string | undefined;
}) {
  const transport = createConnectTransport({
    baseUrl: url,
    httpVersion: '1.1',
    interceptors: [bearer(token)],
    // A pinned certificate may be the gateway's own and no authority's.
    nodeOptions: ca === undefined ? {} : { ca, allowPartialTrustChain: true },
  });
  return {
    access: createClient(AccessService, transport),
    agents: createClient(AgentService, transport),
    approvals: createClient(ApprovalService, transport),
    audit: createClient(AuditService, transport),
    connections: createClient(ConnectionService, transport),
    directories: createClient(DirectoryService, transport),
    identity: createClient(IdentityService, transport),
    keys: createClient(KeyService, transport),
    leases: createClient(LeaseService, transport),
    notifiers: createClient(NotifierService, transport),
    policy: createClient(PolicyService, transport),
    resources: createClient(ResourceService, transport),
    serviceAccounts: createClient(ServiceAccountService, transport),
    sessions: createClient(SessionService, transport),
  };
}

const CALL_MS = 30_000;

function bearer(token: string | undefined): Interceptor {
  return (next) => (request) => {
    if (token !== undefined) request.header.set('authorization', `Bearer ${token}`);
    const lasts = request.stream || request.method.name === 'VerifyJournal';
    if (!lasts) return next({ ...request, signal: AbortSignal.any([request.signal, AbortSignal.timeout(CALL_MS)]) });
    return next(request);
  };
}
