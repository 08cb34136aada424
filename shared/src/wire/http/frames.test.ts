import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CutFrame, FrameCutter } from './cutter.ts';
import {
  dataFrames,
  endFrame,
  Frame,
  frame,
  readReplyHead,
  readRequestHead,
  requestHeadFrame,
  trailersFrame,
} from './frames.ts';
import { endToEnd, headersOf } from './headers.ts';
import { MAX_DATA_BYTES } from './limits.ts';
import { FrameOrder } from './order.ts';

const head = { method: 'POST', target: '/a?b=c', headers: [['x-a', 'é']], hasBody: true } as const;
const all = Buffer.concat([
  requestHeadFrame(head),
  dataFrames(Buffer.from('body')),
  trailersFrame([['t', '1']]),
  endFrame,
]);

test('frames are the same wherever the stream is cut', () => {
  for (const size of [1, 2, 3, 7, all.length]) {
    const cutter = new FrameCutter();
    const frames: CutFrame[] = [];
    for (let at = 0; at < all.length; at += size) frames.push(...cutter.push(all.subarray(at, at + size)));
    assert.deepEqual(
      frames.map(({ type }) => type),
      [Frame.RequestHead, Frame.Data, Frame.Trailers, Frame.End],
    );
    assert.deepEqual(readRequestHead((frames[0] as CutFrame).payload), head);
    assert.equal((frames[1] as CutFrame).payload.toString(), 'body');
    assert.ok(Buffer.concat(frames.map(({ bytes }) => bytes)).equals(all));
  }
});

test('long data is several frames', () => {
  const frames = [...new FrameCutter().push(dataFrames(Buffer.alloc(2 * MAX_DATA_BYTES + 1)))];
  assert.deepEqual(
    frames.map(({ payload }) => payload.length),
    [MAX_DATA_BYTES, MAX_DATA_BYTES, 1],
  );
});

test('unknown and overlong frames are refused before they are held', () => {
  assert.throws(() => [...new FrameCutter().push(Buffer.from([0x99, 0, 0, 0, 0]))], { code: 'ERR_WIRE_MALFORMED' });
  assert.throws(() => [...new FrameCutter().push(Buffer.from([Frame.Data, 0x7f, 0, 0, 0]))], {
    code: 'ERR_WIRE_TOO_LARGE',
  });
});

test('heads that could break a message are none', () => {
  const read = (value: unknown) =>
    readRequestHead(frame(Frame.RequestHead, Buffer.from(JSON.stringify(value))).subarray(5));
  for (const wrong of [
    { ...head, method: 'GET /x' },
    { ...head, target: 'http://x/' },
    { ...head, target: '/a b' },
    { ...head, headers: [['x', 'a\r\nb: c']] },
    { ...head, headers: [['x: y', 'a']] },
    { ...head, headers: [['X', 'upper']] },
    { ...head, upgrade: 'a\r\nb' },
    [],
    null,
  ]) {
    assert.throws(() => read(wrong), { name: 'WireError' }, JSON.stringify(wrong));
  }
  assert.throws(() => readReplyHead(Buffer.from('{"status":99,"headers":[]}')), { name: 'WireError' });
});

test('frames come in order only', () => {
  const reply = new FrameOrder(Frame.ReplyHead);
  for (const type of [Frame.Informational, Frame.ReplyHead, Frame.Data, Frame.Trailers, Frame.End]) reply.next(type);
  assert.ok(reply.isOver);
  assert.throws(() => reply.next(Frame.Data));
  assert.throws(() => new FrameOrder(Frame.RequestHead).next(Frame.Data));
  assert.throws(() => new FrameOrder(Frame.RequestHead).next(Frame.ReplyHead));
});

test('hop-by-hop fields and those that Connection lists are for one hop', () => {
  const headers = headersOf([
    'Connection',
    'X-Mine, close',
    'X-Mine',
    '1',
    'Upgrade',
    'x',
    'TE',
    'gzip',
    'Accept',
    '*/*',
    ':path',
    '/',
  ]);
  assert.deepEqual(endToEnd(headers), [['accept', '*/*']]);
});
