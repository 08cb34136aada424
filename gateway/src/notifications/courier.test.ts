import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { type Channel, Undeliverable } from './channel.ts';
import { Courier } from './courier.ts';
import { type Notification, notificationOf } from './notification.ts';

const notification = (id: string, staleAt = Number.POSITIVE_INFINITY): Notification => ({
  ...notificationOf({ id, time: new Date(0).toISOString(), type: 'agent.up', data: {} }, 'http://gw'),
  staleAt,
});

/** A channel that does as it is told, and a courier with its news. */
function scene(behave: (id: string, attempt: number) => void) {
  const attempts = new Map<string, number>();
  const news: string[] = [];
  const done: string[] = [];
  const channel: Channel = {
    kind: 'webhook',
    async send({ event }) {
      const attempt = (attempts.get(event.id) ?? 0) + 1;
      attempts.set(event.id, attempt);
      behave(event.id, attempt);
    },
    close() {},
  };
  const courier = new Courier({ name: 'n', channel, onNews: ({ type, event }) => news.push(`${type} ${event}`) });
  const offer = (id: string, staleAt?: number) => courier.offer(notification(id, staleAt), () => done.push(id));
  return { courier, channel, attempts, news, done, offer };
}

const turns = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};
const later = new Undeliverable('busy', { mayRetry: true });

describe('a courier', () => {
  it('tries again, later and later, until it is taken; others do not wait for it', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
    const { courier, offer, attempts, done, news } = scene((id, attempt) => {
      if (id === 'bad' && attempt < 4) throw later;
    });
    offer('bad');
    offer('good');
    await turns();
    assert.deepEqual(done, ['good']);
    for (let i = 0; i < 8; i++) {
      t.mock.timers.tick(2_000);
      await turns();
    }
    assert.equal(attempts.get('bad'), 4);
    assert.deepEqual(done, ['good', 'bad']);
    assert.deepEqual(news.filter((one) => one.endsWith('bad')).slice(0, 1), ['failing bad']);
    assert.equal(news.at(-1), 'recovered bad');
    assert.equal(courier.status.problem, undefined);
    assert.equal(courier.status.sent, 2);
  });

  it('waits as long as it is asked to', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
    const { offer, attempts } = scene((_, attempt) => {
      if (attempt === 1) throw new Undeliverable('slow down', { mayRetry: true, afterMs: 60_000 });
    });
    offer('a');
    await turns();
    t.mock.timers.tick(59_000);
    await turns();
    assert.equal(attempts.get('a'), 1);
    t.mock.timers.tick(1_001);
    await turns();
    assert.equal(attempts.get('a'), 2);
  });

  it('gives up what is refused for good, and what is stale', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
    const { courier, offer, news, done } = scene((id) => {
      throw id === 'no' ? new Undeliverable('it answered 404', { mayRetry: false }) : later;
    });
    offer('no');
    offer('old', 1_500);
    await turns();
    for (let i = 0; i < 4; i++) {
      t.mock.timers.tick(1_000);
      await turns();
    }
    assert.ok(news.includes('lost no') && news.includes('lost old'));
    assert.deepEqual(done.sort(), ['no', 'old']);
    assert.equal(courier.status.lost, 2);
  });

  it('holds no more than a thousand: the oldest goes', async () => {
    const { courier, offer, news } = scene(() => {
      throw later;
    });
    for (let i = 0; i < 1_010; i++) offer(String(i));
    assert.ok(courier.status.pending <= 1_004);
    assert.ok(news.includes('lost 4'), String(news.slice(0, 3)));
    courier.close();
  });

  it('sends what waits by another way at once when it gets one', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
    const { courier, offer, done, channel } = scene(() => {
      throw later;
    });
    offer('a');
    await turns();
    const close = mock.fn(channel.close);
    Object.assign(channel, { close });
    courier.use({ ...channel, send: async () => {} });
    await turns();
    assert.deepEqual(done, ['a']);
    assert.equal(close.mock.callCount(), 1);
  });
});
