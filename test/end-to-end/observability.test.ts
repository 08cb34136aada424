import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parse } from 'yaml';
import { freePort } from '../harness/postgres.ts';
import { Fixture } from './fixture.ts';

const deploy = join(import.meta.dirname, '../../deploy');

describe('whoever runs a gateway sees how it is', { timeout: 120_000 }, () => {
  let fixture: Fixture;
  let metricsPort: number;

  before(async () => {
    metricsPort = await freePort();
    fixture = await Fixture.start({ listen: { metrics: metricsPort } });
    await fixture.psql('alice', 'select 1;\ndrop table orders;\n');
    await fixture.psql('alice', 'select 1;\n', 'unheard-of');
  });
  after(() => fixture?.stop());

  const web = (path: string, init: RequestInit = {}) =>
    fetch(`http://127.0.0.1:${fixture.stack.ports.web}${path}`, init);
  const scraped = async (): Promise<string> => (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  const bearer = (token: string): RequestInit => ({ headers: { authorization: `Bearer ${token}` } });

  it('the web port has metrics for auditors and administrators, and for nobody else', async () => {
    assert.equal((await web('/metrics')).status, 401);
    assert.equal((await web('/metrics', bearer(fixture.tokens.alice))).status, 401);
    assert.equal((await web('/metrics', bearer('sp_nonsense'))).status, 401);
    const scoped = await fixture.stack.token('dana', 'shop');
    assert.equal((await web('/metrics', bearer(scoped))).status, 401);
    const response = await web('/metrics', bearer(fixture.stack.admin));
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  });

  it('they tell what happened', async () => {
    const text = await scraped();
    for (const line of [
      /^sallyport_sessions_started_total\{protocol="postgres"\} 1$/m,
      /^sallyport_sessions_rejected_total\{reason="forbidden"\} 1$/m,
      /^sallyport_actions_total\{verdict="allowed"\} 1$/m,
      /^sallyport_actions_total\{verdict="denied"\} 1$/m,
      /^sallyport_agent_up\{agent="test-agent",version="0\.1\.0"\} 1$/m,
      /^sallyport_journal_writable 1$/m,
      /^sallyport_approvals_pending 0$/m,
      /^sallyport_stage_seconds_count\{stage="decide"\} 2$/m,
      /^nodejs_eventloop_lag_seconds /m,
    ]) {
      assert.match(text, line);
    }
    const buckets = [...text.matchAll(/^sallyport_stage_seconds_bucket\{le="([^"]+)",stage="reply"\} (\d+)$/gm)];
    const counts = buckets.map(([, , count]) => Number(count));
    assert.equal(buckets.at(-1)?.[1], '+Inf');
    assert.deepEqual(
      counts,
      counts.toSorted((a, b) => a - b),
      'buckets are cumulative',
    );
    assert.ok(!text.includes('unheard-of'), 'what a client wrote is no label');
  });

  it('the dashboard and the alerts ask for metrics that there are', async () => {
    const text = await scraped();
    const known = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
    const dashboard = readFileSync(join(deploy, 'grafana/sallyport.json'), 'utf8');
    const alerts = readFileSync(join(deploy, 'prometheus/alerts.yaml'), 'utf8');
    assert.ok(JSON.parse(dashboard).panels.length > 8);
    assert.ok(parse(alerts).groups[0].rules.length > 4);
    const asked = [...`${dashboard}\n${alerts}`.matchAll(/\b(?:sallyport|nodejs|process)_[a-z0-9_]+/g)].map(
      ([name]) => name,
    );
    const missing = asked.filter((name) => !known.has(name) && !known.has(name.replace(/_(?:bucket|sum|count)$/, '')));
    assert.deepEqual(
      missing.filter((name) => !name.startsWith('sallyport_nats_')),
      [],
    );
    assert.ok(asked.length > 15 && globSync('grafana/*.json', { cwd: deploy }).length === 1);
  });

  it('/healthz and /readyz: alive, and what clients need', async () => {
    assert.equal(await (await web('/healthz')).text(), 'ok\n');
    const ready = await web('/readyz');
    assert.equal(ready.status, 200);
    assert.equal(await ready.text(), 'ready\ngateway ok\njournal ok\nstore ok\n');
    assert.equal((await web('/readyz', { method: 'POST' })).status, 405);
  });
});
