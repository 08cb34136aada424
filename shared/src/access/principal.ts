/** Who acts: established by identity, never by what a protocol claims. */
export interface Principal {
  /** Unique and stable: `user:alice`, `service:ci`, `oidc:<issuer>#<subject>`. */
  readonly id: string;
  /** For people: `alice@example.com`. */
  readonly name: string;
  readonly groups: readonly string[];
  /** Further claims that rules may read. */
  readonly claims: Readonly<Record<string, unknown>>;
}
