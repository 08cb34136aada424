const WINDOW_MS = 60 * 60_000;
/** Beyond it, those whose hour is over are forgotten before anybody new is counted. */
const MANY = 10_000;

/** How often somebody may ask within an hour, so that nobody wears approvers down or fills the journal. */
export class Quota {
  readonly #max: number;
  readonly #clock: () => number;
  readonly #asked = new Map<string, { count: number; since: number }>();

  constructor(max: number, clock: () => number) {
    this.#max = max;
    this.#clock = clock;
  }

  /** Counts one more; false where it was one too many. */
  take(who: string): boolean {
    const now = this.#clock();
    const known = this.#asked.get(who);
    // A clock that was put back must not lock anybody out.
    if (known !== undefined && now - known.since < WINDOW_MS && now >= known.since) {
      known.count += 1;
      return known.count <= this.#max;
    }
    if (this.#asked.size >= MANY) this.#forget(now);
    this.#asked.set(who, { count: 1, since: now });
    return true;
  }

  #forget(now: number): void {
    for (const [who, { since }] of this.#asked) {
      if (now - since >= WINDOW_MS || now < since) this.#asked.delete(who);
    }
  }
}
