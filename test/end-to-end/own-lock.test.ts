import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Fixture } from './fixture.ts';

describe('a session that holds a lock', () => {
  let all: Fixture;
  before(async () => {
    all = await Fixture.start();
  });
  after(() => all.stop());

  it('does not wait for itself when the catalogue is read again', { timeout: 12_000 }, async () => {
    const client = await all.client('alice');
    await client.query('begin');
    // Views are spelled out under a lock on this table.
    await client.query('lock table users in access exclusive mode');
    await client.query('create temp table scratch (id int)');
    await new Promise((resolve) => setTimeout(resolve, 300));
    const startedAt = Date.now();
    await client.query('select id, email from users');
    await client.query('rollback');
    assert.ok(Date.now() - startedAt < 5_000);
    await client.end();
  });
});
