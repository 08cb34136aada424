import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Fixture } from './fixture.ts';

describe('recordings outlive their gateway', () => {
  let all: Fixture;
  before(async () => {
    all = await Fixture.start();
  });
  after(() => all.stop());

  it('after kill -9 in mid-session, replay shows what the client was told', async () => {
    const client = await all.client('alice');
    const lost = new Promise((resolve) => client.once('error', resolve));
    const { rows } = await client.query(
      "select 'before the kill' as words, ssn, $1::int as n from users where id = 1",
      [42],
    );
    assert.deepEqual(rows, [{ words: 'before the kill', ssn: '[redacted]', n: 42 }]);
    await all.stack.kill('gateway');
    await lost;
    await all.stack.startGateway();
    const { sessions = [] } = await all.stack.call<{ sessions?: { id: string; endReason: string }[] }>(
      'SessionService/ListSessions',
      { principal: 'alice' },
    );
    assert.match(sessions[0]?.endReason ?? '', /stopped while the session lived/);
    const { out } = await all.stack.cli(['sessions', 'replay', sessions[0]?.id ?? '', '--speed', 'max']);
    assert.match(out, /before the kill +\| \[redacted\] +\| +42/);
    assert.match(out, /the recording has no end/);
  });
});
