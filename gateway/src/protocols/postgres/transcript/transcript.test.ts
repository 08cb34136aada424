import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dataRow, errorResponse, readyForQuery, rowDescription } from '@sallyport/shared/wire/postgres/backend.ts';
import { cellText } from './cells.ts';
import { postgresTranscript, type RecordedEntry, type TranscriptEvent } from './transcript.ts';

const json = (kind: 'request' | 'note', value: object): RecordedEntry => ({
  kind,
  timeUs: 0,
  payload: Buffer.from(JSON.stringify(value)),
});
const reply = (...messages: Buffer[]): RecordedEntry => ({
  kind: 'reply',
  timeUs: 5,
  payload: Buffer.concat(messages),
});
const select = (text: string) =>
  json('request', { kind: 'postgres.query', verb: 'select', text, rule: 'all', masks: ['pii'] });
const row = (text: string) => [rowDescription([{ name: 'n' }]), dataRow([Buffer.from(text)])];
const complete = Buffer.from('430000000d53454c454354203100', 'hex');

async function read(...entries: RecordedEntry[]): Promise<TranscriptEvent[]> {
  async function* stream() {
    yield* entries;
  }
  const events: TranscriptEvent[] = [];
  for await (const event of postgresTranscript(stream())) events.push(event);
  return events;
}

describe('a transcript', () => {
  it('says which rule let a statement through, and which masks its results were shown through', async () => {
    const [statement] = await read(
      json('request', { text: 'SELECT $1', parameters: ['a', null], rule: 'r', masks: ['pii'] }),
    );
    assert.deepEqual(statement, {
      atUs: 0,
      type: 'statement',
      number: 1,
      text: 'SELECT $1',
      parameters: ['a', null],
      rule: 'r',
      masks: ['pii'],
    });
  });

  it('tells of approvals and refusals, and takes the error of a refusal for no statement’s answer', async () => {
    const events = await read(
      json('note', { type: 'approval', id: 'a1', state: 'pending', rule: 'big', text: 'DROP TABLE t' }),
      json('note', { type: 'approval', id: 'a1', state: 'rejected', rule: 'big', message: 'no' }),
      json('note', { type: 'refused', text: 'DROP TABLE t', rule: 'big', reason: 'rejected', message: 'bob said no' }),
      select('SELECT 1'),
      reply(
        errorResponse({ severity: 'ERROR', code: '42501', message: 'bob said no (rule "big")' }),
        readyForQuery('I'),
      ),
    );
    assert.deepEqual(events.slice(0, 3), [
      { atUs: 0, type: 'approval', id: 'a1', state: 'pending', rule: 'big', text: 'DROP TABLE t' },
      { atUs: 0, type: 'approval', id: 'a1', state: 'rejected', rule: 'big', message: 'no' },
      { atUs: 0, type: 'refused', text: 'DROP TABLE t', rule: 'big', reason: 'rejected', message: 'bob said no' },
    ]);
    const [error] = events.slice(4);
    assert.ok(error?.type === 'error' && error.of === undefined);
  });

  it('says where results were no longer kept, and goes on with statements', async () => {
    const events = await read(
      select('SELECT 1'),
      reply(...row('1')),
      json('note', { type: 'truncated', maxBytes: 1 }),
      select('SELECT 2'),
    );
    assert.deepEqual(
      events.map(({ type }) => type),
      ['statement', 'columns', 'row', 'truncated', 'statement'],
    );
  });

  it('ends the reading of replies, not itself, at bytes that are no PostgreSQL', async () => {
    const events = await read(
      select('SELECT 1'),
      reply(...row('1'), complete, Buffer.from('not a message')),
      reply(...row('2')),
      select('SELECT 2'),
    );
    assert.deepEqual(
      events.map(({ type }) => type),
      ['statement', 'columns', 'row', 'complete', 'unreadable', 'statement'],
    );
  });

  it('reads no row that lies about its length', async () => {
    const lying = dataRow([Buffer.from('abc')]);
    lying.writeInt32BE(1000, 7);
    const events = await read(select('SELECT 1'), reply(rowDescription([{ name: 'n' }]), lying));
    assert.equal(events.at(-1)?.type, 'unreadable');
  });

  it('ignores notes that it does not know', async () => {
    assert.deepEqual(await read(json('note', { type: 'later' }), json('note', {})), []);
  });
});

describe('a cell', () => {
  const text = (typeOid: number, format: 0 | 1 | undefined, bytes: Buffer | string, maxBytes = 100) => {
    const value = Buffer.from(bytes as string);
    return cellText({ typeOid, format }, value, value.length, maxBytes);
  };

  it('of an unknown format is read as what it looks like', () => {
    assert.equal(text(23, undefined, '12'), '12');
    assert.equal(text(23, undefined, Buffer.from([0, 0, 0, 12])), '12');
    assert.equal(text(0, undefined, Buffer.from([0, 1])), '\\x0001');
    assert.equal(text(0, undefined, 'ä'), 'ä');
    assert.equal(text(16, undefined, Buffer.from([1])), 't');
    assert.equal(text(16, undefined, 'f'), 'f');
  });

  it('of a binary form that is none of its type is shown as bytes', () => {
    for (const typeOid of [16, 20, 21, 23, 700, 701, 1082, 1114, 1184, 1700, 2950, 600, 0]) {
      assert.equal(text(typeOid, 1, Buffer.from([1, 2, 3])), '\\x010203');
    }
  });

  it('is cut between characters', () => {
    assert.equal(text(25, 0, 'aää', 2), 'a… [5 bytes]');
    assert.equal(text(25, 0, 'aää', 3), 'aä… [5 bytes]');
    assert.equal(text(17, 1, Buffer.from([1, 2, 3]), 4), '\\x0102… [3 bytes]');
  });

  it('of a numeric without end costs little', () => {
    const bomb = Buffer.from('0000' + '7fff' + '0000' + '3fff', 'hex');
    assert.match(text(1700, 1, bomb), /^\\x/);
  });
});
