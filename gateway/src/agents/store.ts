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
  /**
   * Takes the token and keeps the agent that it was for, both or neither. Of several who come with one token, one gets the
   * agent's name; undefined when unknown, used or expired.
   */
  enrol(hash: string, now: Date, agent: Omit<KnownAgent, 'name'>): Promise<{ readonly name: string } | undefined>;
  agent(name: string): Promise<KnownAgent | undefined>;
}
