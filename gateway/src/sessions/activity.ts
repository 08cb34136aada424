/** Judged actions of one minute. */
export interface MinuteCounts {
  /** Milliseconds since the epoch: when the minute began. */
  readonly at: number;
  readonly allowed: number;
  readonly approved: number;
  readonly denied: number;
}

export type Judged = 'allowed' | 'approved' | 'denied';

const MINUTE_MS = 60_000;
const KEPT = 60;

/** Counts what was judged, by the minute, for the last hour. */
export class Activity {
  readonly #clock: () => number;
  readonly #minutes: { at: number; allowed: number; approved: number; denied: number }[] = [];

  constructor(clock: () => number = Date.now) {
    this.#clock = clock;
  }

  count(judged: Judged): void {
    this.#now()[judged] += 1;
  }

  /** Oldest first, without gaps; the last one is not over. */
  lastHour(): MinuteCounts[] {
    const { at } = this.#now();
    const known = new Map(this.#minutes.map((minute) => [minute.at, minute]));
    return Array.from({ length: KEPT }, (_, index) => {
      const begun = at - (KEPT - 1 - index) * MINUTE_MS;
      return { ...(known.get(begun) ?? { at: begun, allowed: 0, approved: 0, denied: 0 }) };
    });
  }

  #now() {
    const at = Math.floor(this.#clock() / MINUTE_MS) * MINUTE_MS;
    const last = this.#minutes.at(-1);
    if (last?.at === at) return last;
    const fresh = { at, allowed: 0, approved: 0, denied: 0 };
    this.#minutes.push(fresh);
    if (this.#minutes.length > KEPT) this.#minutes.shift();
    return fresh;
  }
}
