/** Somebody as events and listings name them. */
export interface Party {
  readonly id: string;
  readonly name: string;
  /** Who acts on their behalf. @see RFC 8693 section 4.1 */
  readonly actor?: Party;
}

/** A program that acts on a person's behalf: never on its own account, and never with more than the rules say of both. */
export interface Actor extends Party {
  /** `service:NAME`. */
  readonly id: string;
  readonly groups: readonly string[];
  /** Whether it proved itself by what its platform says of it, or by a secret of the gateway's. */
  readonly kind: 'service' | 'workload';
  /** The one before it, that handed the person's errand on to it; once at most. */
  readonly actor?: Actor;
}

/** Who acts: established by identity, never by what a protocol claims. */
export interface Principal {
  /** Unique and stable: `user:alice`, `service:ci`, `oidc:<issuer>#<subject>`. */
  readonly id: string;
  /** For people: `alice@example.com`. */
  readonly name: string;
  readonly groups: readonly string[];
  /** Further claims that rules may read. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** Who acts on their behalf; absent where they act themselves. */
  readonly actor?: Actor;
}

export function partyOf({ id, name, actor }: Party): Party {
  return { id, name, ...(actor === undefined ? {} : { actor: partyOf(actor) }) };
}

/** `alice`, or `claude on behalf of alice`. */
export function spokenName({ name, actor }: Party): string {
  return actor === undefined ? name : `${actor.name} on behalf of ${name}`;
}

/** Everybody who acts for a principal, the nearest first. */
export function actorsOf({ actor }: Pick<Principal, 'actor'>): readonly Actor[] {
  return actor === undefined ? [] : [actor, ...actorsOf(actor)];
}
