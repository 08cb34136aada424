import type { Connection, ProtocolName } from '@sallyport/shared/access/connection.ts';
import type { Principal } from '@sallyport/shared/access/principal.ts';
import type { AgentHub } from '../agents/hub.ts';
import type { ConnectionsPort, ReachableConnection } from '../api/ports.ts';
import type { AccessGrants } from '../approvals/grants/grants.ts';
import type { AccessCase, AccessRequests } from '../approvals/grants/requests.ts';
import type { CurrentAccess } from '../sessions/access.ts';
import { accessCase } from '../sessions/access-terms.ts';

export interface ConnectionsParts {
  readonly access: CurrentAccess;
  readonly agents: Pick<AgentHub, 'list'>;
  readonly grants: Pick<AccessGrants, 'find'>;
  readonly requests: Pick<AccessRequests, 'waiting'>;
  /** Where clients connect to. */
  readonly host: string;
  /** Undefined where a protocol is not served. */
  readonly ports: { readonly [P in ProtocolName]?: number | undefined };
}

interface Place {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
}

/** The line to paste, for the client that everybody has. */
const lines: Readonly<Record<ProtocolName, (place: Place) => string>> = {
  postgres: ({ name, host, port, user }) =>
    `psql "host=${host} port=${port} dbname=${name} user=${user} sslmode=require"`,
  ssh: ({ name, host, port }) => `ssh -p ${port} ${name}@${host}`,
  kubernetes: ({ name }) => `kubectl --context ${name} get pods`,
  http: ({ name, host, port, user }) => `curl -u ${user} https://${host}:${port}/${encodeURIComponent(name)}/`,
};

/** The API's view of what somebody may reach. */
export function connectionsPort({ access, agents, grants, requests, host, ports }: ConnectionsParts): ConnectionsPort {
  async function reachable(connection: Connection, principal: Principal): Promise<ReachableConnection | undefined> {
    const session = { id: '', sourceAddress: '', startedAt: Date.now() };
    const verdict = access.now.policy.mayOpen(principal, connection, session);
    if (verdict.outcome === 'deny') return undefined;
    const of = verdict.outcome === 'approve' ? accessCase(principal, connection, verdict) : undefined;
    const grant = of && grants.find(of.principal.id, of.connection, of.rule, of.terms);
    const { name, protocol, labels } = connection;
    const port = ports[protocol] ?? 0;
    const user = /^[A-Za-z0-9._@-]+$/.test(principal.name) ? principal.name : 'me';
    return {
      name,
      protocol,
      labels,
      online: isOnline(connection),
      needsApproval: verdict.outcome === 'approve' && grant === undefined,
      host,
      port,
      user,
      tls: true,
      ...(of === undefined ? {} : await offered(of, grant?.endsAt)),
      command: lines[protocol]({ name, host, port, user }),
    };
  }

  async function offered(
    of: AccessCase,
    grantedUntil: number | undefined,
  ): Promise<Pick<ReachableConnection, 'access'>> {
    const { grant, breakGlass } = of.access;
    if (grant === undefined) return {};
    const { groups, actor } = of.principal;
    const mayBreakGlass = actor === undefined && breakGlass?.groups.some((group) => groups.includes(group)) === true;
    const { maxMs, defaultMs, needsReason = false } = grant;
    const requestId = await requests.waiting(of);
    return { access: { maxMs, defaultMs, needsReason, mayBreakGlass, grantedUntil, requestId } };
  }

  const isOnline = ({ agent }: Connection): boolean =>
    agents
      .list()
      .some((one) =>
        typeof agent === 'string'
          ? one.name === agent
          : Object.entries(agent).every(([key, value]) => one.labels[key] === value),
      );

  return {
    async list(principal) {
      const all = [...access.now.connections.values()].sort((a, b) => a.name.localeCompare(b.name));
      const found = await Promise.all(all.map((one) => reachable(one, principal)));
      return found.filter((one) => one !== undefined);
    },
    async get(name, principal) {
      const connection = access.now.connections.get(name);
      return connection && reachable(connection, principal);
    },
  };
}
