import type { Connection } from '@sallyport/shared/access/connection.ts';
import type { Principal } from '@sallyport/shared/access/principal.ts';
import type { AgentHub } from '../agents/hub.ts';
import type { ConnectionsPort, ReachableConnection } from '../api/ports.ts';
import type { AccessGrants } from '../approvals/grants/grants.ts';
import type { CurrentAccess } from '../sessions/access.ts';
import { accessCase } from '../sessions/access-terms.ts';

export interface ConnectionsParts {
  readonly access: CurrentAccess;
  readonly agents: Pick<AgentHub, 'list'>;
  readonly grants: Pick<AccessGrants, 'find'>;
  /** Where clients connect to. */
  readonly host: string;
  readonly port: number;
  /** Of HTTP APIs. */
  readonly httpPort: number;
}

/** The API's view of what somebody may reach. */
export function connectionsPort({ access, agents, grants, host, port, httpPort }: ConnectionsParts): ConnectionsPort {
  function reachable(connection: Connection, principal: Principal): ReachableConnection | undefined {
    const session = { id: '', sourceAddress: '', startedAt: Date.now() };
    const verdict = access.now.policy.mayOpen(principal, connection, session);
    if (verdict.outcome === 'deny') return undefined;
    const of = verdict.outcome === 'approve' ? accessCase(principal, connection, verdict) : undefined;
    const grant = of && grants.find(of.principal.id, of.connection, of.rule, of.terms);
    const { name, protocol, labels } = connection;
    const user = /^[A-Za-z0-9._@-]+$/.test(principal.name) ? principal.name : 'me';
    return {
      name,
      protocol,
      labels,
      online: isOnline(connection),
      needsApproval: verdict.outcome === 'approve' && grant === undefined,
      host,
      port: protocol === 'http' ? httpPort : port,
      user,
      tls: true,
      command:
        protocol === 'http'
          ? `curl -u ${user} https://${host}:${httpPort}/${encodeURIComponent(name)}/`
          : `psql "host=${host} port=${port} dbname=${name} user=${user} sslmode=require"`,
    };
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
      return all.map((one) => reachable(one, principal)).filter((one) => one !== undefined);
    },
    async get(name, principal) {
      const connection = access.now.connections.get(name);
      return connection && reachable(connection, principal);
    },
  };
}
