import type { Lease, LeaseState } from '@sallyport/shared/tunnel/opening.ts';

/** A credential that was made for one session and ends with it. */
export interface IssuedLogin {
  readonly lease: Lease;
  readonly password: string | undefined;
  /** Takes the credential back. Rejects where that failed: it is tried again, and told. */
  revoke(): Promise<void>;
  /** Nobody else takes it back soon: it is tried every minute until it works, or the agent stops. */
  readonly insists?: true;
  /** Makes it last longer; resolves to the new end, in milliseconds since the epoch. Absent where it never ends. */
  renew?(): Promise<number>;
  /** Tells of a lease that renews itself. Called once. */
  watch?(listener: { renewed(expiresAt: number): void; ended(reason: string): void }): void;
}

export interface LeaseNotice {
  readonly state: LeaseState;
  readonly lease: Lease;
  /** Why it failed. */
  readonly message?: string;
}

/** A share in a lease; the lease ends when the last share is given back. */
export interface Share {
  readonly username: string;
  readonly password: string | undefined;
  release(): void;
}

interface Held {
  readonly issuing: Promise<IssuedLogin>;
  shares: number;
  issued: IssuedLogin | undefined;
  expiresAt: number | undefined;
  renewal: NodeJS.Timeout | undefined;
  linger: NodeJS.Timeout | undefined;
}

/** A session's exchanges come and go: its lease survives moments without one. */
const LINGER_MS = 1_000;
const RETRIES_MS = [0, 500, 2_000, 10_000] as const;
const RENEWAL_RETRY_MS = 60_000;
const REVOKE_AGAIN_MS = 60_000;
/** Logins that could not be taken back and are tried again; beyond it they are told and left to sweeps. */
const MAX_INSISTED = 10_000;

/** All living leases of this agent, each shared by the exchanges of its session. */
export class Leases {
  readonly #held = new Map<string, Held>();
  readonly #listeners = new Set<(notice: LeaseNotice) => void>();
  readonly #ending = new Set<Promise<void>>();
  readonly #insisted = new Set<NodeJS.Timeout>();
  #closed = false;

  /** Issues a login, or shares the one that `key` has already. @throws what `issue` throws */
  async share(key: string, issue: () => Promise<IssuedLogin>): Promise<Share> {
    const held = this.#held.get(key) ?? this.#issue(key, issue);
    held.shares += 1;
    clearTimeout(held.linger);
    const { lease, password } = await held.issuing;
    let isGivenBack = false;
    return {
      username: lease.username,
      password,
      release: () => {
        if (!isGivenBack) this.#giveBack(key, held);
        isGivenBack = true;
      },
    };
  }

  /** Must not throw. Returns how to stop listening. */
  onNotice(listener: (notice: LeaseNotice) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  open(): Lease[] {
    return [...this.#held.values()].flatMap(({ issued, expiresAt }) =>
      issued === undefined ? [] : [{ ...issued.lease, expiresAt }],
    );
  }

  /** Takes all of them back and resolves when that is done or was given up. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const again of this.#insisted) clearTimeout(again);
    for (const [key, held] of [...this.#held]) {
      await held.issuing.catch(() => undefined);
      this.#end(key, held);
    }
    await Promise.all(this.#ending);
  }

  #issue(key: string, issue: () => Promise<IssuedLogin>): Held {
    const issuing = issue();
    const held: Held = {
      issuing,
      shares: 0,
      issued: undefined,
      expiresAt: undefined,
      renewal: undefined,
      linger: undefined,
    };
    this.#held.set(key, held);
    issuing.then(
      (issued) => {
        held.issued = issued;
        held.expiresAt = issued.lease.expiresAt;
        this.#tell({ state: 'issued', lease: issued.lease });
        issued.watch?.({
          renewed: (expiresAt) => {
            held.expiresAt = expiresAt;
            this.#tell({ state: 'renewed', lease: { ...issued.lease, expiresAt } });
          },
          ended: (reason) => this.#tell({ state: 'failed', lease: issued.lease, message: reason }),
        });
        this.#plan(held, this.#twoThirds(held));
      },
      () => this.#held.delete(key),
    );
    return held;
  }

  #giveBack(key: string, held: Held): void {
    held.shares -= 1;
    if (held.shares > 0) return;
    held.linger = setTimeout(() => this.#end(key, held), LINGER_MS);
  }

  #end(key: string, held: Held): void {
    clearTimeout(held.renewal);
    clearTimeout(held.linger);
    if (this.#held.get(key) !== held) return;
    this.#held.delete(key);
    if (held.issued === undefined) return;
    const ending = this.#revoke(held.issued).finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }

  async #revoke(issued: IssuedLogin): Promise<void> {
    const { lease, revoke } = issued;
    let failure: unknown;
    for (const waitMs of RETRIES_MS) {
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      try {
        await revoke();
        return this.#tell({ state: 'revoked', lease });
      } catch (error) {
        failure = error;
      }
    }
    this.#tell({ state: 'failed', lease, message: `it could not be taken back: ${messageOf(failure)}` });
    this.#insist(issued);
  }

  /** The target may be away for hours: what is left there is taken back when it returns. */
  #insist(issued: IssuedLogin): void {
    if (issued.insists !== true || this.#closed || this.#insisted.size >= MAX_INSISTED) return;
    const again = setTimeout(async () => {
      try {
        await issued.revoke();
        this.#tell({ state: 'revoked', lease: issued.lease });
      } catch {
        this.#insist(issued);
      } finally {
        this.#insisted.delete(again);
      }
    }, REVOKE_AGAIN_MS);
    this.#insisted.add(again.unref());
  }

  #twoThirds({ issued, expiresAt }: Held): number {
    return issued === undefined || expiresAt === undefined ? 0 : ((expiresAt - Date.now()) * 2) / 3;
  }

  #plan(held: Held, inMs: number): void {
    const renew = held.issued?.renew;
    if (renew === undefined || held.expiresAt === undefined) return;
    // Timers hold 31 bits of milliseconds.
    held.renewal = setTimeout(() => void this.#renew(held, renew), Math.min(Math.max(inMs, 1_000), 2 ** 31 - 1));
    held.renewal.unref();
  }

  async #renew(held: Held, renew: () => Promise<number>): Promise<void> {
    const lease = held.issued?.lease;
    if (lease === undefined) return;
    try {
      held.expiresAt = await renew();
      this.#tell({ state: 'renewed', lease: { ...lease, expiresAt: held.expiresAt } });
      if (held.renewal !== undefined) this.#plan(held, this.#twoThirds(held));
    } catch (error) {
      this.#tell({ state: 'failed', lease, message: `it could not be renewed: ${messageOf(error)}` });
      if ((held.expiresAt ?? 0) > Date.now()) this.#plan(held, RENEWAL_RETRY_MS);
    }
  }

  #tell(notice: LeaseNotice): void {
    for (const listener of this.#listeners) listener(notice);
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
