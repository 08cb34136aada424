import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Activity } from './activity.ts';

test('an hour of minutes, without gaps, whatever happened in them', () => {
  let now = Date.UTC(2026, 0, 1, 12, 0, 30);
  const activity = new Activity(() => now);
  activity.count('allowed');
  activity.count('denied');
  now += 3 * 60_000;
  activity.count('approved');
  const minutes = activity.lastHour();
  assert.equal(minutes.length, 60);
  assert.deepEqual(minutes.at(-1), { at: Date.UTC(2026, 0, 1, 12, 3), allowed: 0, approved: 1, denied: 0 });
  assert.deepEqual(minutes.at(-4), { at: Date.UTC(2026, 0, 1, 12, 0), allowed: 1, approved: 0, denied: 1 });
  assert.deepEqual(minutes.at(-2), { at: Date.UTC(2026, 0, 1, 12, 2), allowed: 0, approved: 0, denied: 0 });
  now += 90 * 60_000;
  assert.ok(activity.lastHour().every(({ allowed, approved, denied }) => allowed + approved + denied === 0));
});
