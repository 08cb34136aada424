/** Judged actions of one minute. */
export interface MinuteCounts {
  /** Milliseconds since the epoch: when the minute began. */
  readonly at: number;
  readonly allowed: number;
  readonly approved: number;
  readonly denied: number;
}

/** What is counted since the start, and by what. */
export type Counted = 'judged' | 'started' | 'rejected';

export type Judged = 'allowed' | 'approved' | 'denied';

const MINUTE_MS = 60_000;
const KEPT = 60;

/** Counts what was judged by the minute for the last hour, and what happened since the start. */
export class Activity {
  readonly #clock: () => number;
  readonly #totals = {
    judged: new Map<string, number>(),
    started: new Map<string, number>(),
    rejected: new Map<string, number>(),
  };
  readonly #minutes: { at: number; allowed: number; approved: number; denied: number }[] = [];

  constructor(clock: () => number = Date.now) {
    this.#clock = clock;
  }

  count(judged: Judged): void {
    this.#now()[judged] += 1;
    this.note('judged', judged);
  }

  /** `which`: of few words, never one that a client chose. */
  note(what: Counted, which: string): void {
    const counts = this.#totals[what];
    counts.set(which, (counts.get(which) ?? 0) + 1);
  }

  totals(
    what: Counted,
    label: string,
  ): { readonly labels: Readonly<Record<string, string>>; readonly value: number }[] {
    return [...this.#totals[what]].map(([which, value]) => ({ labels: { [label]: which }, value }));
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
