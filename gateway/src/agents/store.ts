/** An agent that has enrolled. */
export interface KnownAgent {
  readonly name: string;
  /** Ed25519, DER SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  readonly labels: Readonly<Record<string, string>>;
}

/** What is remembered of agents. Join tokens are kept as hashes only. */
export interface AgentStore {
  addJoinToken(token: { readonly hash: string; readonly name: string; readonly expiresAt: Date }): Promise<void>;
  /** Atomic: of several who ask for one token, one gets its agent's name; undefined when unknown, used or expired. */
  consumeJoinToken(hash: string, now: Date): Promise<{ readonly name: string } | undefined>;
  putAgent(agent: KnownAgent): Promise<void>;
  agent(name: string): Promise<KnownAgent | undefined>;
}
