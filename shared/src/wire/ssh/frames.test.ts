import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WireError } from '../../errors/errors.ts';
import {
  controlFrame,
  dataFrame,
  type Frame,
  FrameCutter,
  frameTypes,
  MAX_CONTROL_BYTES,
  MAX_DATA_BYTES,
} from './frames.ts';

const open = controlFrame('open', { request: 'exec', command: 'ls -l ä', env: { LANG: 'C' } });
const pty = { term: 'xterm', columns: 80, rows: 24, width: 0, height: 0, modes: { ECHO: 1 } };
const all = Buffer.concat([
  open,
  dataFrame('data', Buffer.from('hello')),
  dataFrame('data', Buffer.alloc(0)),
  controlFrame('windowChange', { columns: 100, rows: 40, width: 1, height: 2 }),
  dataFrame('extendedData', Buffer.from('err')),
  controlFrame('signal', { name: 'INT' }),
  controlFrame('exitSignal', { name: 'TERM', coreDumped: false, message: '' }),
  controlFrame('eof', null),
  controlFrame('close', null),
]);

/** Parts of one stream joined, as they would be read. */
function told(frames: readonly Frame[]): string[] {
  const out: string[] = [];
  for (const frame of frames) {
    if ('bytes' in frame) {
      const last = out.at(-1);
      if (frame.bytes.length === 0) continue;
      if (last?.startsWith(`${frame.type} `) === true) out[out.length - 1] = last + frame.bytes.toString();
      else out.push(`${frame.type} ${frame.bytes}`);
    } else out.push(`${frame.type} ${JSON.stringify(frame.payload)}`);
  }
  return out;
}

describe('frames of an SSH channel', () => {
  it('are read alike wherever the stream was cut, and passed on byte for byte', () => {
    const whole = told(new FrameCutter().cut(all));
    assert.equal(whole.length, 8);
    for (let size = 1; size <= all.length; size++) {
      const cutter = new FrameCutter();
      const frames: Frame[] = [];
      for (let at = 0; at < all.length; at += size) frames.push(...cutter.cut(all.subarray(at, at + size)));
      assert.deepEqual(told(frames), whole, `in pieces of ${size}`);
      assert.deepEqual(Buffer.concat(frames.map(({ raw }) => raw)), all, `in pieces of ${size}`);
      assert.ok(cutter.isWhole);
    }
  });

  it('data is not copied', () => {
    const bytes = dataFrame('data', Buffer.alloc(1000, 1));
    const [frame] = new FrameCutter().cut(bytes);
    assert.equal(frame?.raw.buffer, bytes.buffer);
    assert.equal(frame.raw.length, bytes.length);
  });

  it('nothing that is not well-formed is read', () => {
    const head = (type: number, length: number): Buffer => {
      const bytes = Buffer.alloc(5);
      bytes[0] = type;
      bytes.writeUInt32BE(length, 1);
      return bytes;
    };
    const json = (type: number, text: string): Buffer =>
      Buffer.concat([head(type, Buffer.byteLength(text)), Buffer.from(text)]);
    const wrong = [
      head(0, 0),
      head(99, 4),
      head(frameTypes.data, MAX_DATA_BYTES + 1),
      head(frameTypes.open, MAX_CONTROL_BYTES + 1),
      json(frameTypes.open, '{'),
      json(frameTypes.open, 'null'),
      json(frameTypes.open, '{"request":"exec","env":{}}'),
      json(frameTypes.open, '{"request":"exec","command":7,"env":{}}'),
      json(frameTypes.open, '{"request":"x11","env":{}}'),
      json(frameTypes.open, '{"request":"shell","env":{"A":1}}'),
      json(frameTypes.open, JSON.stringify({ request: 'shell', env: {}, pty: { ...pty, columns: -1 } })),
      json(frameTypes.open, JSON.stringify({ request: 'shell', env: {}, pty: { ...pty, modes: { ECHO: 'x' } } })),
      json(frameTypes.open, '{"request":"direct-tcpip","host":"h","port":70000,"originHost":"","originPort":0}'),
      json(frameTypes.eof, '1'),
      json(frameTypes.exitStatus, '{"code":-1}'),
      json(frameTypes.exitSignal, '{"name":"TERM"}'),
    ];
    for (const bytes of wrong) assert.throws(() => new FrameCutter().cut(bytes), WireError, bytes.toString('latin1'));
  });

  it('random bytes throw a WireError or are read, and hold no more than they may', () => {
    let seed = 7;
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) & 0x7fff_ffff;
      return seed % below;
    };
    for (let run = 0; run < 3_000; run++) {
      const bytes = Buffer.from(all);
      for (let i = 0; i < 1 + random(4); i++) bytes[random(bytes.length)] = random(256);
      const cutter = new FrameCutter();
      try {
        for (let at = 0; at < bytes.length; ) {
          const size = 1 + random(20);
          cutter.cut(bytes.subarray(at, at + size));
          at += size;
        }
      } catch (error) {
        assert.ok(error instanceof WireError, String(error));
      }
    }
  });
});
