import type { Principal } from '@sallyport/shared/access/principal.ts';
import type { AgentHub } from '../agents/hub.ts';
import type { AgentStatus, AgentsPort } from '../api/ports.ts';
import type { Json } from '../audit/event.ts';
import type { AgentStore as StoredAgents } from '../store/agents.ts';

export interface AgentsPortParts {
  readonly hub: AgentHub;
  readonly store: StoredAgents;
  readonly journal: (type: string, by: Pick<Principal, 'id' | 'name'>, data: { [key: string]: Json }) => Promise<void>;
  /** Where agents dial to. */
  readonly tunnelHost: string;
  readonly tunnelPort: number | undefined;
}

const HOUR_MS = 60 * 60 * 1000;

/** The API's view of agents: those that enrolled, and which of them are here. */
export function agentsPort({ hub, store, journal, tunnelHost, tunnelPort }: AgentsPortParts): AgentsPort {
  return {
    async list() {
      const online = new Map(hub.list().map((one) => [one.name, one]));
      const known = await store.agents();
      return known.map(({ name, labels }): AgentStatus => {
        const here = online.get(name);
        return {
          name,
          online: here !== undefined,
          labels: here?.labels ?? labels,
          version: here?.version,
          since: undefined,
          address: undefined,
          exchanges: here?.exchanges ?? 0,
        };
      });
    },
    async createJoinToken(name, _ttlMs, by) {
      await journal('admin.join-token', by, { agent: name });
      const token = await hub.createJoinToken(name);
      const command =
        tunnelPort === undefined ? undefined : `sallyport-agent --gateway ${tunnelHost}:${tunnelPort} --name ${name}`;
      return { token, expiresAt: Date.now() + HOUR_MS, command };
    },
    async remove(name, by) {
      await journal('admin.agent-removed', by, { agent: name });
      const removed = await store.removeAgent(name);
      hub.disconnect(name);
      return removed;
    },
  };
}
