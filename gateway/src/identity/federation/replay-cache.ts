/** Remembers what may be used once, until it ends by itself. Implementations may share it between gateways. */
export interface ReplayCache {
  /** True for the first use of a key; false for all later ones, and where no more can be remembered. */
  use(key: string, until: number): boolean | Promise<boolean>;
}

/** A replay cache in this process. When it is full of what still holds, nothing new is accepted. */
export class MemoryReplayCache implements ReplayCache {
  readonly #until = new Map<string, number>();
  readonly #clock: () => number;
  readonly #max: number;

  constructor(clock: () => number = Date.now, max = 100_000) {
    this.#clock = clock;
    this.#max = max;
  }

  /** `until` in milliseconds since the epoch. */
  use(key: string, until: number): boolean {
    if (this.#until.size >= this.#max) this.#sweep();
    if (this.#isKnown(key) || this.#until.size >= this.#max) return false;
    this.#until.set(key, until);
    return true;
  }

  get size(): number {
    return this.#until.size;
  }

  #isKnown(key: string): boolean {
    const until = this.#until.get(key);
    return until !== undefined && until >= this.#clock();
  }

  #sweep(): void {
    const now = this.#clock();
    for (const [key, until] of this.#until) if (until < now) this.#until.delete(key);
  }
}
