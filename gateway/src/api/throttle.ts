/** So many at once, then one for each `refillMs`. */
export interface Rate {
  readonly burst: number;
  readonly refillMs: number;
}

interface Bucket {
  left: number;
  at: number;
}

/** A token bucket for each key, in bounded memory: what was not used longest is forgotten first. */
export class Throttle {
  readonly #rate: Rate;
  readonly #clock: () => number;
  readonly #maxKeys: number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(rate: Rate, clock: () => number = Date.now, maxKeys = 10_000) {
    this.#rate = rate;
    this.#clock = clock;
    this.#maxKeys = maxKeys;
  }

  /** Takes one. Milliseconds to wait where there was none left; 0 where it was taken. */
  take(key: string): number {
    const bucket = this.#filled(key);
    const waitMs = bucket.left >= 1 ? 0 : Math.ceil((1 - bucket.left) * this.#rate.refillMs);
    if (waitMs === 0) bucket.left -= 1;
    // Set anew, so that the map stays in the order of last use.
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    this.#trim();
    return waitMs;
  }

  get size(): number {
    return this.#buckets.size;
  }

  #filled(key: string): Bucket {
    const { burst, refillMs } = this.#rate;
    const now = this.#clock();
    const known = this.#buckets.get(key);
    if (known === undefined) return { left: burst, at: now };
    const gained = Math.max(0, now - known.at) / refillMs;
    return { left: Math.min(burst, known.left + gained), at: now };
  }

  #trim(): void {
    for (const key of this.#buckets.keys()) {
      if (this.#buckets.size <= this.#maxKeys) return;
      this.#buckets.delete(key);
    }
  }
}
