import type { Lease, LeaseState } from '@sallyport/shared/tunnel/opening.ts';

export interface LeaseEvent {
  readonly type: 'lease.issued' | 'lease.renewed' | 'lease.revoked' | 'lease.failed';
  readonly agent: string;
  readonly lease: Lease;
  /** Why it failed. */
  readonly message: string;
}

export interface OpenLease extends Lease {
  readonly agent: string;
  /** What went wrong with it last; the agent goes on trying, or somebody has to. */
  readonly problem: string | undefined;
}

/** Beyond this, agents' words about leases are journalled and not remembered. */
const MAX_REMEMBERED = 100_000;

/** The credentials that agents have made and not yet taken back, as they tell. */
export class OpenLeases {
  readonly #open = new Map<string, OpenLease>();

  /** What an agent says of a lease; undefined where nothing happened. */
  told(agent: string, lease: Lease, state: LeaseState, message: string): LeaseEvent | undefined {
    const key = JSON.stringify([agent, lease.id]);
    if (state === 'revoked') this.#open.delete(key);
    else if (this.#open.has(key) || this.#open.size < MAX_REMEMBERED) {
      this.#open.set(key, { ...lease, agent, problem: state === 'failed' ? message : undefined });
    }
    return state === 'open' ? undefined : { type: `lease.${state}`, agent, lease, message };
  }

  /** Oldest first. One that failed and has ended by itself is forgotten. */
  list(now: number = Date.now()): OpenLease[] {
    for (const [key, { problem, expiresAt }] of this.#open) {
      if (problem !== undefined && expiresAt !== undefined && expiresAt < now) this.#open.delete(key);
    }
    return [...this.#open.values()].sort((one, other) => one.issuedAt - other.issuedAt);
  }
}
