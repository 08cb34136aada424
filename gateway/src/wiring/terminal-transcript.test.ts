import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Entry } from '../recording/format.ts';
import { noteEntry, outputEntry } from '../recording/terminal.ts';
import { terminalTranscript } from './terminal-transcript.ts';

it('a terminal recording becomes what the API tells', async () => {
  const entry = (kind: Entry['kind'], payload: Buffer | string, timeUs: number): Entry => ({
    kind,
    timeUs,
    payload: Buffer.from(payload),
  });
  async function* entries() {
    yield entry('note', noteEntry(1, { type: 'resize', columns: 80, rows: 24 }), 1);
    yield entry('reply', outputEntry(1, true, Buffer.from('no')), 2);
    yield entry('note', noteEntry(1, { type: 'transfer', name: 'f', direction: 'in', bytes: 3, sha256: 'ab' }), 3);
    yield entry('note', noteEntry(1, { type: 'exit', code: 2 }), 4);
    yield entry('note', JSON.stringify({ type: 'refused', text: 'rm', rule: 'r', reason: 'deny', message: 'no' }), 5);
  }
  const told = [];
  for await (const each of terminalTranscript(entries(), (each) => ({ case: 'gap', value: { reason: each.type } }))) {
    told.push(each);
  }
  assert.deepEqual(told, [
    { atUs: 1n, event: { case: 'resize', value: { columns: 80, rows: 24, channel: 1 } } },
    { atUs: 2n, event: { case: 'output', value: { data: Uint8Array.from([110, 111]), error: true, channel: 1 } } },
    { atUs: 3n, event: { case: 'transfer', value: { name: 'f', inward: true, bytes: 3n, sha256: 'ab', copy: '' } } },
    { atUs: 4n, event: { case: 'exit', value: { code: 2, signal: '', channel: 1 } } },
    { atUs: 5n, event: { case: 'gap', value: { reason: 'refused' } } },
  ]);
});
