import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WireError } from '../../errors/errors.ts';
import { dataRow, readyForQuery } from './backend.ts';
import { type CutterLimits, type CutterSink, MessageCutter } from './cutter.ts';
import { copyData, query, sync } from './frontend.ts';
import { frontendLimit } from './limits.ts';
import { Frontend } from './types.ts';

class Collector implements CutterSink {
  readonly whole: Buffer[] = [];
  readonly parts: { bytes: Buffer; isFirst: boolean; isLast: boolean }[] = [];
  message(_type: number, buffer: Buffer, start: number, end: number): void {
    this.whole.push(buffer.subarray(start, end));
  }
  streams(type: number): boolean {
    return type === Frontend.CopyData;
  }
  part(_type: number, bytes: Buffer, isFirst: boolean, isLast: boolean): void {
    this.parts.push({ bytes, isFirst, isLast });
  }
}

const limits: CutterLimits = { maxBufferedBytes: 1_000, streamAboveBytes: 100 };

function cut(chunks: readonly Buffer[], options = limits): Collector {
  const collector = new Collector();
  const cutter = new MessageCutter(options);
  for (const chunk of chunks) cutter.push(chunk, collector);
  cutter.finish();
  return collector;
}

function header(type: number, lengthBytes: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes[0] = type;
  bytes.writeInt32BE(lengthBytes, 1);
  return bytes;
}

function inChunks(bytes: Buffer, sizeBytes: number): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += sizeBytes) chunks.push(bytes.subarray(at, at + sizeBytes));
  return chunks;
}

const isCode = (code: string) => (error: unknown) => error instanceof WireError && error.code === code;

describe('the cutter', () => {
  const messages = [
    query('select 1'),
    sync(),
    query('x'.repeat(900)),
    copyData(Buffer.alloc(50, 7)),
    readyForQuery('I'),
  ];
  const stream = Buffer.concat(messages);

  it('finds the same messages whatever the chunks', () => {
    for (let size = 1; size <= stream.length; size++) assert.deepEqual(cut(inChunks(stream, size)).whole, messages);
  });

  it('copies nothing that lies in one chunk', () => {
    assert.ok(cut([stream]).whole.every((message) => message.buffer === stream.buffer));
  });

  it('never writes again into what it handed out', () => {
    const { whole } = cut(inChunks(Buffer.concat([stream, stream]), 7));
    assert.deepEqual(whole, [...messages, ...messages]);
  });

  it('passes long data in parts that add up, whatever the chunks', () => {
    const long = copyData(Buffer.from(Array.from({ length: 3_000 }, (_, i) => i & 255)));
    const bytes = Buffer.concat([sync(), long, long, sync()]);
    for (const size of [1, 2, 3, 4, 5, 6, 7, 11, 500, 3_005, 3_010, 3_011, bytes.length]) {
      const { parts, whole } = cut(inChunks(bytes, size));
      assert.deepEqual(Buffer.concat(parts.map((part) => part.bytes)), Buffer.concat([long, long]));
      assert.deepEqual(whole, [sync(), sync()]);
      assert.equal(parts.filter((part) => part.isFirst).length, 2);
      assert.equal(parts.filter((part) => part.isLast).length, 2);
      assert.equal(parts.at(-1)?.isLast, true);
      assert.ok(parts.every((part) => part.bytes.length > 0));
    }
  });

  it('assembles a long message of a type that may not pass in parts', () => {
    const row = dataRow([Buffer.alloc(500)]);
    assert.deepEqual(cut(inChunks(row, 33)).whole, [row]);
  });

  for (const length of [3, 0, -1, -2147483648]) {
    it(`refuses the length ${length}`, () => {
      assert.throws(() => cut([header(Frontend.Query, length)]), isCode('ERR_WIRE_MALFORMED'));
      assert.throws(() => cut(inChunks(header(Frontend.Query, length), 1)), isCode('ERR_WIRE_MALFORMED'));
    });
  }

  it('refuses by the header alone what is too long, wherever the chunk ends', () => {
    for (const size of [1, 5]) {
      assert.throws(() => cut(inChunks(header(Frontend.Query, 1_000), size)), isCode('ERR_WIRE_TOO_LARGE'));
      assert.throws(() => cut(inChunks(header(Frontend.CopyData, 0x7fff_ffff), size)), isCode('ERR_WIRE_TOO_LARGE'));
    }
    assert.equal(cut([query('x'.repeat(994))]).whole.length, 1);
  });

  it('knows the limits of each type and that a type does not exist', () => {
    const options = { maxBufferedBytes: 100_000, limitOf: frontendLimit };
    assert.throws(() => cut([header(Frontend.Sync, 10_001)], options), isCode('ERR_WIRE_TOO_LARGE'));
    assert.throws(() => cut([header(0x7e, 4)], options), isCode('ERR_WIRE_UNEXPECTED'));
  });

  it('tells where in the stream it broke', () => {
    const bytes = Buffer.concat([stream, header(Frontend.Query, 1)]);
    for (const size of [1, 3, 1_000, bytes.length]) {
      const where = (error: unknown) => error instanceof WireError && error.offsetBytes === stream.length;
      assert.throws(() => cut(inChunks(bytes, size)), where);
    }
  });

  it('stays broken once it broke', () => {
    const cutter = new MessageCutter(limits);
    const sink = new Collector();
    assert.throws(() => cutter.push(header(Frontend.Query, 1), sink), WireError);
    assert.throws(() => cutter.push(sync(), sink), WireError);
    assert.throws(() => cutter.finish(), WireError);
    assert.deepEqual(sink.whole, []);
  });

  it('tells a stream that ended within a message', () => {
    for (const at of [1, 4, 5, 12]) assert.throws(() => cut([query('select 1').subarray(0, at)]), WireError);
    assert.throws(() => cut([copyData(Buffer.alloc(500)).subarray(0, 300)]), WireError);
  });

  it('allocates by what came, not by what is claimed', () => {
    const cutter = new MessageCutter({ maxBufferedBytes: 0x3000_0000 });
    const before = process.memoryUsage().arrayBuffers;
    cutter.push(Buffer.concat([header(Frontend.Query, 0x2fff_0000), Buffer.alloc(10)]), new Collector());
    assert.equal(cutter.heldBytes, 15);
    assert.ok(process.memoryUsage().arrayBuffers - before < 1_000_000);
  });
});
