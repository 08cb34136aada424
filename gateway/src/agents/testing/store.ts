import type { AgentStore, KnownAgent } from '../store.ts';

/** In memory, for tests and benchmarks. */
export class MemoryAgentStore implements AgentStore {
  readonly #tokens = new Map<string, { readonly name: string; readonly expiresAt: Date }>();
  readonly #agents = new Map<string, KnownAgent>();

  async addJoinToken({ hash, name, expiresAt }: { hash: string; name: string; expiresAt: Date }): Promise<void> {
    this.#tokens.set(hash, { name, expiresAt });
  }

  async enrol(
    hash: string,
    now: Date,
    agent: Omit<KnownAgent, 'name'>,
  ): Promise<{ readonly name: string } | undefined> {
    const token = this.#tokens.get(hash);
    this.#tokens.delete(hash);
    if (token === undefined || token.expiresAt <= now) return undefined;
    this.#agents.set(token.name, { name: token.name, ...agent });
    return { name: token.name };
  }

  async agent(name: string): Promise<KnownAgent | undefined> {
    return this.#agents.get(name);
  }
}
