import { type Issued, type Lease, type LeaseEnd, LeaseGone } from './login.ts';

export interface LeaseTimes {
  /** Waits before each try to take a lease back. */
  readonly revokeAfterMs: readonly number[];
  /** Wait after a renewal that failed; halved as often as the time that is left demands. */
  readonly renewAgainMs: number;
  /** How long before its end a lease counts as lost. */
  readonly noticeMs: number;
}

const usual: LeaseTimes = { revokeAfterMs: [0, 500, 2_000, 10_000], renewAgainMs: 15_000, noticeMs: 5_000 };

/** A renewal that wins less than this is the last one: the source's own limit has been reached. */
const LEAST_GAIN_MS = 1_000;
const LARGEST_TIMER_MS = 2 ** 31 - 1;

/** Renews at two thirds of what is left. `warn` is told what could not be taken back. */
export class RenewedLease implements Lease {
  readonly id: string;
  readonly source: string;
  readonly issuedAt = Date.now();
  readonly #issued: Issued;
  readonly #warn: (text: string) => void;
  readonly #times: LeaseTimes;
  readonly #renewals = new Set<(expiresAt: number) => void>();
  readonly #ends = new Set<(end: LeaseEnd) => void>();
  readonly #releases = new Set<() => void>();
  #expiresAt: number;
  #timer: NodeJS.Timeout | undefined;
  #end: LeaseEnd | undefined;
  #released: Promise<boolean> | undefined;

  constructor(issued: Issued, warn: (text: string) => void, times: Partial<LeaseTimes> = {}) {
    this.id = issued.id;
    this.source = issued.source;
    this.#issued = issued;
    this.#warn = warn;
    this.#times = { ...usual, ...times };
    this.#expiresAt = issued.expiresAt;
    if (issued.isRenewable) this.#plan(((this.#expiresAt - Date.now()) * 2) / 3, () => this.#renew());
    else this.#lastStretch('the source does not renew it');
  }

  get expiresAt(): number {
    return this.#expiresAt;
  }

  onRenewal(listener: (expiresAt: number) => void): () => void {
    this.#renewals.add(listener);
    return () => this.#renewals.delete(listener);
  }

  onEnd(listener: (end: LeaseEnd) => void): () => void {
    if (this.#end !== undefined) listener(this.#end);
    else this.#ends.add(listener);
    return () => this.#ends.delete(listener);
  }

  /** Told once, when the lease has been taken back or that was given up. */
  onRelease(listener: () => void): void {
    this.#releases.add(listener);
  }

  release(): Promise<boolean> {
    clearTimeout(this.#timer);
    this.#renewals.clear();
    this.#ends.clear();
    this.#released ??= this.#takeBack().finally(() => {
      for (const listener of this.#releases) listener();
    });
    return this.#released;
  }

  async #renew(): Promise<void> {
    try {
      const expiresAt = await this.#issued.renew();
      if (this.#released !== undefined) return;
      const gainMs = expiresAt - this.#expiresAt;
      this.#expiresAt = expiresAt;
      if (gainMs < LEAST_GAIN_MS) return this.#lastStretch('it has reached the longest life that the source allows');
      for (const listener of this.#renewals) listener(expiresAt);
      this.#plan(((expiresAt - Date.now()) * 2) / 3, () => this.#renew());
    } catch (error) {
      if (this.#released !== undefined) return;
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    const reason = `it could not be renewed: ${error instanceof Error ? error.message : 'for no known reason'}`;
    const leftMs = this.#expiresAt - Date.now() - this.#times.noticeMs;
    if (error instanceof LeaseGone || leftMs <= 0) return this.#over(reason);
    this.#plan(Math.min(this.#times.renewAgainMs, Math.max(leftMs / 2, 250)), () => this.#renew());
  }

  /** No renewal is to come: the session hears of it shortly before the end, so that it can last until then. */
  #lastStretch(reason: string): void {
    this.#plan(this.#expiresAt - Date.now() - this.#times.noticeMs, async () => this.#over(reason));
  }

  #over(reason: string): void {
    clearTimeout(this.#timer);
    this.#end = { reason, expiresAt: this.#expiresAt };
    for (const listener of this.#ends) listener(this.#end);
    this.#ends.clear();
  }

  #plan(inMs: number, act: () => Promise<void>): void {
    const waitMs = Math.max(inMs, 0);
    // Timers hold 31 bits of milliseconds.
    const next = waitMs > LARGEST_TIMER_MS ? async () => this.#plan(waitMs - LARGEST_TIMER_MS, act) : act;
    this.#timer = setTimeout(() => void next(), Math.min(waitMs, LARGEST_TIMER_MS));
    this.#timer.unref();
  }

  async #takeBack(): Promise<boolean> {
    let why = '';
    for (const waitMs of this.#times.revokeAfterMs) {
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      try {
        await this.#issued.revoke();
        return true;
      } catch (error) {
        why = error instanceof Error ? error.message : 'for no known reason';
      }
    }
    const until = new Date(this.#expiresAt).toISOString();
    this.#warn(
      `The lease ${this.id} of ${this.source} could not be revoked: ${why}. It ends by itself at ${until}; revoke it there by its id to end it sooner.`,
    );
    return false;
  }
}
