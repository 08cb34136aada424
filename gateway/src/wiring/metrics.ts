import { statfsSync } from 'node:fs';
import type { AgentHub } from '../agents/hub.ts';
import type { ApprovalEvent } from '../approvals/approval-desk.ts';
import type { Journal } from '../audit/journal.ts';
import type { Publisher } from '../audit/publisher.ts';
import { Metrics, type Sample } from '../metrics/metrics.ts';
import type { Notifications } from '../notifications/notifications.ts';
import type { Activity } from '../sessions/activity.ts';
import type { Sessions } from '../sessions/sessions.ts';
import { type Stages, stageBounds } from '../sessions/stages.ts';

export interface MetricsParts {
  readonly version: string;
  readonly data: string;
  readonly activity: Pick<Activity, 'totals'>;
  readonly stages: Pick<Stages, 'counts'>;
  readonly sessions: Pick<Sessions, 'list'>;
  readonly agents: Pick<AgentHub, 'list' | 'leases'>;
  readonly journal: Pick<Journal, 'head' | 'durable' | 'trouble'>;
  readonly notifications: Pick<Notifications, 'status'>;
  readonly publisher: () => Pick<Publisher, 'status'> | undefined;
}

/** Seconds that people take. */
const waits = [1, 5, 15, 60, 300, 900, 3600, 14_400];

const name = (text: string): string => `sallyport_${text}`;

/** All that the gateway tells Prometheus (docs/observability.md). Labels never hold what a client wrote. */
export function metricsOf(parts: MetricsParts): Metrics {
  const metrics = new Metrics(true);
  metrics.gauge(name('build_info'), 'The version that runs; always 1.', ['version'], () => [
    { labels: { version: parts.version }, value: 1 },
  ]);
  ofSessions(metrics, parts);
  ofAgents(metrics, parts);
  ofJournal(metrics, parts);
  metrics.gauge(name('notifier_pending'), 'Notifications that wait to be taken.', ['notifier'], () =>
    parts.notifications.status().map((one) => ({ labels: { notifier: one.name }, value: one.pending })),
  );
  metrics.counter(name('notifications_total'), 'Notifications by what became of them.', ['notifier', 'outcome'], () =>
    parts.notifications.status().flatMap((one) => [
      { labels: { notifier: one.name, outcome: 'sent' }, value: one.sent },
      { labels: { notifier: one.name, outcome: 'lost' }, value: one.lost },
    ]),
  );
  return metrics;
}

function ofSessions(metrics: Metrics, { sessions, activity, stages }: MetricsParts): void {
  metrics.gauge(name('sessions'), 'Living sessions.', ['protocol'], () =>
    countBy(sessions.list().map(({ protocol }) => ({ protocol }))),
  );
  metrics.counter(name('sessions_started_total'), 'Sessions that were let in.', ['protocol'], () =>
    activity.totals('started', 'protocol'),
  );
  metrics.counter(name('sessions_rejected_total'), 'Visitors that were turned away.', ['reason'], () =>
    activity.totals('rejected', 'reason'),
  );
  metrics.counter(name('actions_total'), 'Statements, commands and requests that were judged.', ['verdict'], () =>
    activity.totals('judged', 'verdict'),
  );
  metrics.distribution(
    name('stage_seconds'),
    'What the gateway adds: reading a message, waiting for its analysis, deciding, writing it down, passing on a reply.',
    stageBounds,
    () => stages.counts().map(({ stage, buckets, sumSeconds }) => ({ labels: { stage }, buckets, sum: sumSeconds })),
  );
}

function ofAgents(metrics: Metrics, { agents }: MetricsParts): void {
  metrics.gauge(name('agent_up'), 'Agents that are connected; always 1.', ['agent', 'version'], () =>
    agents.list().map((one) => ({ labels: { agent: one.name, version: one.version }, value: 1 })),
  );
  metrics.gauge(name('agent_exchanges'), 'Exchanges that are open with targets.', ['agent'], () =>
    agents.list().map((one) => ({ labels: { agent: one.name }, value: one.exchanges })),
  );
  metrics.gauge(name('leases'), 'Credentials that were made for sessions and not yet taken back.', ['source'], () =>
    countBy(agents.leases.list().map(({ source }) => ({ source }))),
  );
}

function ofJournal(metrics: Metrics, { journal, publisher, data }: MetricsParts): void {
  metrics.counter(name('journal_events_total'), 'Events in the journal, since it was begun.', [], () => [
    { value: journal.head.sequence },
  ]);
  metrics.gauge(name('journal_unsynced_events'), 'Events that the kernel has and the disk not yet.', [], () => [
    { value: journal.head.sequence - journal.durable.sequence },
  ]);
  metrics.gauge(name('journal_writable'), '0 while events cannot be written, and actions are refused.', [], () => [
    { value: journal.trouble === undefined ? 1 : 0 },
  ]);
  metrics.gauge(name('nats_up'), 'Whether NATS takes events; absent without NATS.', [], () => {
    const status = publisher()?.status();
    return status === undefined ? [] : [{ value: status.state === 'up' ? 1 : 0 }];
  });
  metrics.gauge(name('nats_lag_events'), 'Events that NATS has yet to acknowledge.', [], () => {
    const status = publisher()?.status();
    return status === undefined ? [] : [{ value: status.lag }];
  });
  metrics.gauge(name('data_free_bytes'), 'Room for the journal and recordings.', [], () => {
    const { bavail, bsize } = statfsSync(data);
    return [{ value: bavail * bsize }];
  });
}

/** Counts approvals as they are journalled. */
export function approvalMetrics(metrics: Metrics, pending: () => number): (event: ApprovalEvent) => void {
  metrics.gauge(name('approvals_pending'), 'Requests that wait for people.', [], () => [{ value: pending() }]);
  const waited = metrics.histogram(name('approval_wait_seconds'), 'From a request to its end.', ['outcome'], waits);
  return ({ type, approval }) => {
    if (type === 'approval.requested' || approval.state === 'pending') return;
    waited.observe({ outcome: approval.state }, (Date.now() - approval.requestedAt) / 1000);
  };
}

function countBy(all: readonly Readonly<Record<string, string>>[]): Sample[] {
  const counts = new Map<string, { labels: Readonly<Record<string, string>>; value: number }>();
  for (const labels of all) {
    const key = Object.values(labels).join(' ');
    const known = counts.get(key);
    if (known === undefined) counts.set(key, { labels, value: 1 });
    else known.value += 1;
  }
  return [...counts.values()];
}
