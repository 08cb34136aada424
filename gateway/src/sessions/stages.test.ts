import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Stages, stageBounds } from './stages.ts';

it('stages are counted by how long they took', () => {
  const counted = new Stages();
  counted.since('decide', performance.now());
  counted.since('decide', performance.now() - 30);
  counted.since('decide', performance.now() - 5_000);
  const decide = counted.counts().find(({ stage }) => stage === 'decide');
  assert.equal(decide?.count, 3);
  assert.equal(decide?.buckets[stageBounds.indexOf(0.05)], 1);
  assert.equal(decide?.buckets[stageBounds.length], 1);
  assert.ok((decide?.sumSeconds ?? 0) > 5.02);
});
