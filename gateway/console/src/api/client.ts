import { type Client, Code, ConnectError, createClient, type Interceptor } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-web';
import { AccessService } from '@sallyport/proto/api/v1/access_pb';
import { ActivityService } from '@sallyport/proto/api/v1/activity_pb';
import { AgentService } from '@sallyport/proto/api/v1/agents_pb';
import { ApprovalService } from '@sallyport/proto/api/v1/approvals_pb';
import { AuditService } from '@sallyport/proto/api/v1/audit_pb';
import { ConnectionService } from '@sallyport/proto/api/v1/connections_pb';
import { IdentityService } from '@sallyport/proto/api/v1/identity_pb';
import { LeaseService } from '@sallyport/proto/api/v1/leases_pb';
import { ResourceService } from '@sallyport/proto/api/v1/resources_pb';
import { SessionService } from '@sallyport/proto/api/v1/sessions_pb';
import { keptToken } from './token.ts';

let whenSignedOut: () => void = () => undefined;

/** Told once a call finds that the token does not hold any more. */
export function onSignedOut(listener: () => void): void {
  whenSignedOut = listener;
}

const bearer: Interceptor = (next) => async (request) => {
  const token = keptToken();
  if (token !== undefined) request.header.set('authorization', `Bearer ${token}`);
  try {
    return await next(request);
  } catch (error) {
    if (token !== undefined && ConnectError.from(error).code === Code.Unauthenticated) whenSignedOut();
    throw error;
  }
};

const transport = createConnectTransport({ baseUrl: location.origin, interceptors: [bearer] });

export const api = {
  access: createClient(AccessService, transport),
  activity: createClient(ActivityService, transport),
  agents: createClient(AgentService, transport),
  approvals: createClient(ApprovalService, transport),
  audit: createClient(AuditService, transport),
  connections: createClient(ConnectionService, transport),
  identity: createClient(IdentityService, transport),
  leases: createClient(LeaseService, transport),
  resources: createClient(ResourceService, transport),
  sessions: createClient(SessionService, transport),
} satisfies Record<string, Client<never> | object>;
