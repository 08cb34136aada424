import { Counter, collectDefaultMetrics, Gauge, Histogram, type Metric, Registry } from 'prom-client';

/** One value with its labels. */
export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A histogram that was counted elsewhere. */
export interface Distribution {
  readonly labels: Readonly<Record<string, string>>;
  /** Not cumulative; one more than there are bounds. */
  readonly buckets: ArrayLike<number>;
  readonly sum: number;
}

type Labelled = 'labels';
type Read = () => readonly Sample[];

/** What the gateway tells Prometheus. What it counts anyway is read when it is asked for; nothing is counted twice. */
export class Metrics {
  readonly #registry = new Registry();

  constructor(process: boolean) {
    if (process) collectDefaultMetrics({ register: this.#registry });
  }

  readonly contentType = 'text/plain; version=0.0.4; charset=utf-8';

  /** The text format of Prometheus, version 0.0.4. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  gauge(name: string, help: string, labelNames: readonly string[], read: Read): void {
    const gauge = new Gauge<string>({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
      collect: () => {
        gauge.reset();
        for (const { labels = {}, value } of read()) gauge.set(labels, value);
      },
    });
  }

  /** What was counted elsewhere, since the gateway's start. */
  counter(name: string, help: string, labelNames: readonly string[], read: Read): void {
    const counter = new Counter<string>({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
      collect: () => {
        counter.reset();
        for (const { labels = {}, value } of read()) counter.inc(labels, value);
      },
    });
  }

  /** Observes seconds. */
  histogram(name: string, help: string, labelNames: readonly string[], bounds: readonly number[]): Histogram<string> {
    return new Histogram({
      name,
      help,
      labelNames: [...labelNames],
      buckets: [...bounds],
      registers: [this.#registry],
    });
  }

  distribution(name: string, help: string, bounds: readonly number[], read: () => readonly Distribution[]): void {
    const get = async () => ({
      name,
      help,
      type: 'histogram',
      aggregator: 'sum',
      values: read().flatMap((one) => [...samplesOf(name, bounds, one)]),
    });
    this.#registry.registerMetric({ name, help, type: 'histogram', get, reset() {} } as unknown as Metric<Labelled>);
  }
}

/** Cumulative, as the text format wants them. */
function* samplesOf(name: string, bounds: readonly number[], { labels, buckets, sum }: Distribution) {
  let count = 0;
  for (let at = 0; at <= bounds.length; at++) {
    count += buckets[at] ?? 0;
    const le = at < bounds.length ? String(bounds[at]) : '+Inf';
    yield { metricName: `${name}_bucket`, labels: { le, ...labels }, value: count };
  }
  yield { metricName: `${name}_sum`, labels, value: sum };
  yield { metricName: `${name}_count`, labels, value: count };
}
