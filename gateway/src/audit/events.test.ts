import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { eventWriter, newEvent } from './events.ts';
import { uuid7 } from './uuid7.ts';

describe('uuid7', () => {
  it('has the form of RFC 9562 and holds its time', () => {
    const at = 4_000_000_000_000;
    const id = uuid7(at);
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.equal(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16), at);
  });

  it('ascends within a millisecond, through the counter’s end, and when the clock steps back', () => {
    const ids = [...Array.from({ length: 20_000 }, () => uuid7(4_000_000_000_001)), uuid7(1), uuid7(2)];
    assert.deepEqual(ids, [...ids].sort());
    assert.equal(new Set(ids).size, ids.length);
  });
});

describe('newEvent', () => {
  it('leaves what is small as it is, and out what is unknown', () => {
    const data = { text: 'select 1', tables: ['a'], nested: { n: 1 } };
    const event = newEvent('postgres.query', { connection: undefined, data });
    assert.equal(event.data, data);
    assert.deepEqual(Object.keys(event), ['id', 'time', 'type', 'data']);
    assert.match(event.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it('cuts a long text, between characters, and states its length and hash', () => {
    const text = `x${'😀'.repeat(100_000)}`;
    const { data } = newEvent('postgres.query', { data: { verb: 'select', text } });
    const kept = data['text'] as string;
    assert.ok(kept.length <= 65_536 && kept.length > 65_000 && kept.isWellFormed() && text.startsWith(kept));
    assert.deepEqual(data['textTruncated'], {
      lengthBytes: Buffer.byteLength(text),
      sha256: createHash('sha256').update(text).digest('hex'),
    });
    assert.equal(data['verb'], 'select');
    assert.equal('verbTruncated' in data, false);
  });

  it('is bounded whatever is in it', () => {
    const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, i]));
    for (const data of [
      { parameters: Array.from({ length: 100_000 }, () => '\u0000'.repeat(50)) },
      { parameters: Array.from({ length: 20 }, () => '\u0000'.repeat(60_000)), after: 'x' },
      { list: Array.from({ length: 500_000 }, () => null) },
      { object: many(100_000) },
      many(100_000),
    ]) {
      const event = newEvent('x', { data });
      assert.ok(JSON.stringify(event).length < 1_000_000);
      assert.ok(Object.keys(event.data).some((key) => key.endsWith('Truncated')));
    }
  });
});

describe('eventWriter', () => {
  it('writes what newEvent would, with an id and a time of its own', () => {
    const facts = { connection: 'shop "é"', sessionId: 's', principal: { id: 'user:a', name: 'a' } };
    const data = { text: "select 'x\"'", n: 1 };
    const { id, time, ...rest } = JSON.parse(eventWriter('postgres.query', facts)(JSON.stringify(data)));
    const { id: _, time: __, ...expected } = newEvent('postgres.query', { ...facts, data });
    assert.deepEqual(rest, JSON.parse(JSON.stringify(expected)));
    assert.match(id, /^[0-9a-f-]{36}$/);
    assert.match(time, /Z$/);
  });
});
