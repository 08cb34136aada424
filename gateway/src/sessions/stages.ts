/** What a message passes in the gateway; each is told apart in the metrics. */
export const stages = ['read', 'analyse', 'decide', 'write', 'reply'] as const;
export type Stage = (typeof stages)[number];

/** Upper bounds in seconds; one more bucket has all that is longer. */
export const stageBounds = [
  0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.01, 0.05, 0.25, 1,
] as const;

export interface StageCount {
  readonly stage: Stage;
  /** One for each bound, then the rest; not cumulative. */
  readonly buckets: Float64Array;
  readonly count: number;
  readonly sumSeconds: number;
}

/** How long messages spend in the gateway. Observing allocates nothing: it happens for each. */
export class Stages {
  readonly #buckets = Object.fromEntries(
    stages.map((stage) => [stage, new Float64Array(stageBounds.length + 1)]),
  ) as Readonly<Record<Stage, Float64Array>>;
  readonly #sums = Object.fromEntries(stages.map((stage) => [stage, 0])) as Record<Stage, number>;

  /** Since `startedMs` of `performance.now()`. */
  since(stage: Stage, startedMs: number): void {
    const seconds = (performance.now() - startedMs) / 1000;
    const buckets = this.#buckets[stage];
    let at = 0;
    while (at < stageBounds.length && seconds > (stageBounds[at] as number)) at++;
    buckets[at] = (buckets[at] as number) + 1;
    this.#sums[stage] += seconds;
  }

  counts(): StageCount[] {
    return stages.map((stage) => {
      const buckets = this.#buckets[stage];
      return { stage, buckets, count: buckets.reduce((sum, one) => sum + one, 0), sumSeconds: this.#sums[stage] };
    });
  }
}
