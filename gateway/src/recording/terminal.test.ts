import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { TerminalScribe } from '../protocols/protocol.ts';
import { asciicast } from './asciicast.ts';
import type { RecordingHeader } from './format.ts';
import { readRecording } from './reader.ts';
import { noteEntry, outputEntry, type TerminalEvent, terminalEvent } from './terminal.ts';
import { terminalRecorder } from './terminal-recorder.ts';
import { RecordingWriter } from './writer.ts';

const header: RecordingHeader = {
  sessionId: 's1',
  connection: 'host',
  protocol: 'ssh',
  principal: { id: 'user:alice', name: 'alice' },
  startedAt: Date.UTC(2026, 0, 2, 3, 4, 5),
};

describe('a terminal recording', () => {
  let folder: string;
  let files = 0;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'sallyport-terminal-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  async function recorded(record: (recorder: TerminalScribe) => void): Promise<string> {
    const writer = RecordingWriter.create(join(folder, `${files++}.rec`), header);
    record(terminalRecorder(writer, { channel: 3, now: () => 0 }));
    await writer.close('the client left');
    return writer.path;
  }

  async function events(path: string): Promise<TerminalEvent[]> {
    const found: TerminalEvent[] = [];
    for await (const { kind, payload } of await readRecording(path)) {
      const each = terminalEvent(kind, payload);
      assert.equal(each?.channel, 3);
      if (each !== undefined) found.push(each.event);
    }
    return found;
  }

  it('gives back what happened, stdout and stderr apart', async () => {
    const path = await recorded((recorder) => {
      recorder.resize(100, 30);
      recorder.output(Buffer.from('out'));
      recorder.error(Buffer.from([0, 255]));
      recorder.transfer({ name: 'a\nb', direction: 'in', bytes: 12, sha256: 'ab' });
      recorder.exit({ code: 0 });
      recorder.exit({ signal: 'KILL' });
    });
    assert.deepEqual(await events(path), [
      { type: 'resize', columns: 100, rows: 30 },
      { type: 'output', bytes: Buffer.from('out') },
      { type: 'error', bytes: Buffer.from([0, 255]) },
      { type: 'transfer', name: 'a\nb', direction: 'in', bytes: 12, sha256: 'ab' },
      { type: 'exit', code: 0 },
      { type: 'exit', signal: 'KILL' },
    ]);
  });

  it('keeps of the input what the target echoes, and no password', async () => {
    const path = await recorded((recorder) => {
      recorder.input(Buffer.from('su'));
      recorder.output(Buffer.from('su'));
      recorder.input(Buffer.from('\r'));
      recorder.output(Buffer.from('\r\nPassword: '));
      for (const key of 'hunter2') recorder.input(Buffer.from(key));
      recorder.input(Buffer.from('\r'));
      recorder.output(Buffer.from('\r\n# '));
      recorder.input(Buffer.from('\x1b[A'));
      recorder.output(Buffer.from('ls'));
      recorder.input(Buffer.from('é\r'));
      recorder.output(Buffer.from('é\r\n'));
    });
    const inputs = (await events(path)).flatMap((event) => (event.type === 'input' ? [event.text] : []));
    assert.deepEqual(inputs, ['su', 'é\r']);
  });

  it('becomes asciicast v2, characters whole', async () => {
    const path = await recorded((recorder) => {
      recorder.resize(100, 30);
      recorder.output(Buffer.from([0x61, 0xc3]));
      recorder.resize(90, 20);
      recorder.output(Buffer.from([0xa9, 0x1b, 0x5b, 0x6d]));
      recorder.exit({ code: 1 });
    });
    const lines: unknown[] = [];
    for await (const line of asciicast(await readRecording(path))) lines.push(JSON.parse(line));
    assert.deepEqual(lines[0], {
      version: 2,
      width: 100,
      height: 30,
      timestamp: Date.UTC(2026, 0, 2, 3, 4, 5) / 1000,
      title: 'alice on host',
    });
    const rest = lines.slice(1) as [number, string, string][];
    assert.deepEqual(
      rest.map(([, ...event]) => event),
      [
        ['o', 'a'],
        ['r', '90x20'],
        ['o', 'é\x1b[m'],
        ['m', 'exit 1'],
      ],
    );
    assert.ok(rest.every(([seconds]) => seconds >= 0 && seconds < 10));
  });

  it('cuts long output into entries of a bounded size', async () => {
    const path = await recorded((recorder) => recorder.output(Buffer.alloc(200_000, 'x')));
    const sizes = (await events(path)).map((event) =>
      'bytes' in event ? Buffer.from(event.bytes as Buffer).length : 0,
    );
    assert.deepEqual(sizes, [65536, 65536, 65536, 3392]);
  });

  it('is never misread: other versions, damaged notes and unknown forms are said to be so', () => {
    const note = (value: unknown) => terminalEvent('note', Buffer.from(JSON.stringify(value)))?.event.type;
    assert.equal(note({ type: 'terminal.resize', version: 2, channel: 0, columns: 1, rows: 1 }), 'unreadable');
    assert.equal(note({ type: 'terminal.resize', version: 1, columns: -1, rows: 1 }), 'unreadable');
    assert.equal(note({ type: 'terminal.transfer', version: 1, name: 1 }), 'unreadable');
    assert.equal(note({ type: 'terminal.later', version: 1 }), 'unreadable');
    assert.equal(note({ type: 'refused', text: 'x' }), undefined);
    assert.equal(terminalEvent('note', Buffer.from('{')), undefined);
    assert.equal(terminalEvent('reply', Buffer.from([9, 0, 0, 0, 0, 1]))?.event.type, 'unreadable');
    assert.equal(terminalEvent('reply', Buffer.alloc(0))?.event.type, 'unreadable');
    assert.equal(terminalEvent('request', Buffer.from('{}')), undefined);
    assert.equal(terminalEvent('note', Buffer.from(noteEntry(7, { type: 'exit' })))?.channel, 7);
    assert.deepEqual(terminalEvent('reply', outputEntry(7, false, Buffer.from('x'))), {
      channel: 7,
      event: { type: 'output', bytes: Buffer.from('x') },
    });
  });
});
