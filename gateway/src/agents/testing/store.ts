import type { AgentStore, KnownAgent } from '../store.ts';

/** In memory, for tests and benchmarks. */
export class MemoryAgentStore implements AgentStore {
  readonly #tokens = new Map<string, { readonly name: string; readonly expiresAt: Date }>();
  readonly #agents = new Map<string, KnownAgent>();

  async addJoinToken({ hash, name, expiresAt }: { hash: string; name: string; expiresAt: Date }): Promise<void> {
    this.#tokens.set(hash, { name, expiresAt });
  }

  async consumeJoinToken(hash: string, now: Date): Promise<{ readonly name: string } | undefined> {
    const token = this.#tokens.get(hash);
    this.#tokens.delete(hash);
    return token !== undefined && token.expiresAt > now ? { name: token.name } : undefined;
  }

  async putAgent(agent: KnownAgent): Promise<void> {
    this.#agents.set(agent.name, agent);
  }

  async agent(name: string): Promise<KnownAgent | undefined> {
    return this.#agents.get(name);
  }
}
