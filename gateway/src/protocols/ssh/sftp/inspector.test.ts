import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { WireError } from '@sallyport/shared/errors/errors.ts';
import {
  FieldReader,
  MAX_PACKET_BYTES,
  packet,
  packetTypes,
  statusPacket,
} from '@sallyport/shared/wire/sftp/packets.ts';
import type { Transfer } from '../../protocol.ts';
import { type Asked, SftpInspector } from './inspector.ts';

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const u64 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
};
const str = (text: string | Buffer): Buffer =>
  Buffer.concat([u32(Buffer.byteLength(text)), Buffer.from(text as string)]);

const init = packet('INIT', u32(3));
const version = packet(
  'VERSION',
  u32(3),
  str('posix-rename@openssh.com'),
  str('1'),
  str('made-up@example.com'),
  str('1'),
);
const open = (id: number, path: string, flags = 1) => packet('OPEN', u32(id), str(path), u32(flags), u32(0));
const handle = (id: number, name: string) => packet('HANDLE', u32(id), str(name));
const read = (id: number, name: string, offset: number, length = 4) =>
  packet('READ', u32(id), str(name), u64(offset), u32(length));
const data = (id: number, bytes: string) => packet('DATA', u32(id), str(bytes));
const write = (id: number, name: string, offset: number, bytes: string) =>
  packet('WRITE', u32(id), str(name), u64(offset), str(bytes));
const close = (id: number, name: string) => packet('CLOSE', u32(id), str(name));
const ok = (id: number) => statusPacket(id, 0, '');

function begun() {
  const transfers: Transfer[] = [];
  const inspector = new SftpInspector((transfer) => transfers.push(transfer));
  inspector.requests(init);
  inspector.replies(version, () => {});
  const ask = (...parts: Buffer[]): Asked[] => inspector.requests(Buffer.concat(parts));
  const answer = (...parts: Buffer[]): Buffer => {
    const out: Buffer[] = [];
    inspector.replies(Buffer.concat(parts), (bytes) => out.push(bytes));
    return Buffer.concat(out);
  };
  return { inspector, transfers, ask, answer };
}

const statusOf = (bytes: Buffer | undefined): number => {
  assert.ok(bytes !== undefined);
  const reader = new FieldReader(bytes.subarray(5));
  reader.uint32();
  return reader.uint32();
};

describe('SFTP, looked at', () => {
  it('says what is asked of which file, as the server would see it', () => {
    const { ask } = begun();
    const said = ask(
      open(1, '/etc/../etc//passwd'),
      open(2, 'new', 2 | 8 | 16),
      packet('REMOVE', u32(3), str('a/./b/')),
      packet('RENAME', u32(4), str('/x'), str('/y/../z')),
      packet('EXTENDED', u32(5), str('posix-rename@openssh.com'), str('/p'), str('/q')),
      packet('STAT', u32(6), str('')),
      packet('SETSTAT', u32(7), str('/s'), u32(0)),
      packet('SYMLINK', u32(8), str('target'), str('link')),
    ).map(
      ({ ask }) =>
        `${ask?.action.kind} ${ask?.action.paths?.join(',')} ${ask?.action.effects.join('+')} ${ask?.isLook}`,
    );
    assert.deepEqual(said, [
      'sftp.open-read /etc/passwd read false',
      'sftp.open-write new write false',
      'sftp.remove a/b delete false',
      'sftp.rename /x,/z write+delete false',
      'sftp.rename /p,/q write+delete false',
      'sftp.stat . read true',
      'sftp.setstat /s permit false',
      'sftp.symlink target,link link false',
    ]);
  });

  it('reads alike wherever the stream was cut, and passes on what came, byte for byte', () => {
    const asked = Buffer.concat([open(1, 'f', 2), packet('LSTAT', u32(2), str('f'))]);
    const later = Buffer.concat([write(3, 'h', 0, 'hello '), write(4, 'h', 6, 'world'), close(5, 'h')]);
    const answers = Buffer.concat([ok(3), ok(4), ok(5)]);
    for (let size = 1; size < later.length; size++) {
      const { inspector, transfers, answer } = begun();
      const sent: Buffer[] = [];
      const pieces = (bytes: Buffer) => {
        for (let at = 0; at < bytes.length; at += size) {
          for (const one of inspector.requests(bytes.subarray(at, at + size))) sent.push(one.bytes);
        }
      };
      pieces(asked);
      answer(handle(1, 'h'), packet('ATTRS', u32(2), u32(0)));
      pieces(later);
      for (let at = 0; at < answers.length; at += size) inspector.replies(answers.subarray(at, at + size), () => {});
      assert.deepEqual(Buffer.concat(sent), Buffer.concat([asked, later]), `pieces of ${size}`);
      const sha256 = createHash('sha256').update('hello world').digest('hex');
      assert.deepEqual(transfers, [{ name: 'f', direction: 'in', bytes: 11, sha256 }]);
    }
  });

  it('what did not go over in order, or was not taken, has no hash', () => {
    const { ask, answer, transfers, inspector } = begun();
    ask(open(1, 'r'), open(2, 'w', 2), open(3, 'left'));
    answer(handle(1, 'a'), handle(2, 'b'), handle(3, 'c'));
    ask(read(4, 'a', 4), read(5, 'a', 0), write(6, 'b', 0, 'x'), close(7, 'a'), close(8, 'b'), read(9, 'c', 0));
    answer(data(4, 'late'), data(5, 'earl'), statusPacket(6, 4, 'disk full'), ok(7), ok(8), data(9, 'part'));
    inspector.end();
    assert.deepEqual(
      transfers.map(({ name, bytes, sha256 }) => [name, bytes, sha256]),
      [
        ['r', 8, ''],
        ['w', 1, ''],
        ['left', 4, ''],
      ],
    );
  });

  it('refuses by the request’s number, with the rule', () => {
    const { inspector, ask } = begun();
    const [asked] = ask(open(77, '/secret'));
    const refused = inspector.refuse(asked?.ask?.id ?? 0, { reason: 'forbidden', message: 'not yours', rule: 'r' });
    const reader = new FieldReader(refused.subarray(5));
    assert.deepEqual([reader.uint32(), reader.uint32(), reader.bytes().toString()], [77, 3, 'not yours (rule "r")']);
    assert.doesNotThrow(() => ask(open(77, '/other')), 'its number is free again');
  });

  it('offers only what is known, and answers what is not itself', () => {
    const { ask, answer } = begun();
    const offered = answer(version).toString('latin1');
    assert.match(offered, /posix-rename/);
    assert.doesNotMatch(offered, /made-up/);
    const unknown = Buffer.concat([u32(5), Buffer.of(99), u32(9)]);
    for (const bytes of [packet('EXTENDED', u32(8), str('made-up@example.com'), str('x')), unknown]) {
      const [asked] = ask(bytes);
      assert.equal(statusOf(asked?.answer), 8);
    }
  });
});

describe('SFTP, attacked', () => {
  it('handles that the target never gave, or took back, or gave for something else', () => {
    const { ask, answer } = begun();
    ask(open(1, 'r'), open(2, 'w', 2));
    answer(handle(1, 'r'), handle(2, 'w'));
    const local = (bytes: Buffer, code: number) => {
      const [asked, ...more] = ask(bytes);
      assert.equal(statusOf(asked?.answer), code, bytes.toString('latin1'));
      return more;
    };
    local(read(3, 'guessed', 0), 4);
    local(read(4, 'w', 0), 3);
    assert.deepEqual(local(write(5, 'r', 0, 'bulk that must not pass'), 3), []);
    local(packet('FSETSTAT', u32(6), str('guessed'), u32(0)), 4);
    local(packet('EXTENDED', u32(7), str('copy-data'), str('r'), u64(0), u64(0), str('guessed'), u64(0)), 4);
    ask(close(8, 'r'));
    local(read(9, 'r', 0), 4);
    assert.equal(ask(packet('FSETSTAT', u32(10), str('w'), u32(0)))[0]?.ask?.action.kind, 'sftp.setstat');
  });

  it('bytes that are no SFTP end it, whoever sends them', () => {
    const wrong: (() => void)[] = [
      () => new SftpInspector(() => {}).requests(open(1, 'before INIT')),
      () => begun().ask(init),
      () => begun().ask(open(1, 'a'), open(1, 'b')),
      () => begun().ask(data(1, 'a client that answers')),
      () => begun().ask(open(1, 'nul\0byte')),
      () => begun().ask(Buffer.concat([u32(MAX_PACKET_BYTES + 1), Buffer.of(3)])),
      () => begun().ask(u32(0), Buffer.of(3)),
      () => begun().ask(packet('OPEN', u32(1), u32(4_000_000_000))),
      () => begun().ask(packet('WRITE', u32(1), str('h'), u64(0), u32(50), Buffer.from('shorter'))),
      () => begun().ask(packet('WRITE', u32(1), str('h'.repeat(300)), u64(0), str('x'))),
      () => begun().answer(handle(5, 'to nothing that was asked')),
      () => {
        const { ask, answer } = begun();
        ask(packet('STAT', u32(1), str('f')));
        answer(handle(1, 'in answer to STAT'));
      },
      () => {
        const { ask, answer } = begun();
        ask(packet('STAT', u32(1), str('f')));
        answer(packet('ATTRS', u32(1), u32(0)), packet('ATTRS', u32(1), u32(0)));
      },
    ];
    for (const [at, run] of wrong.entries()) assert.throws(run, WireError, String(at));
  });

  it('random packets never throw but a WireError, and never let a bulk through without its file', () => {
    let seed = 11;
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) & 0x7fff_ffff;
      return seed % below;
    };
    const types = Object.values(packetTypes);
    for (let run = 0; run < 2_000; run++) {
      const { ask, answer } = begun();
      try {
        for (let i = 0; i < 8; i++) {
          const body = Buffer.concat([
            u32(random(4)),
            random(2) === 0 ? str('h') : Buffer.alloc(random(30), random(256)),
            u64(random(3)),
            str('x'.repeat(random(9))),
          ]);
          const bytes = Buffer.concat([u32(body.length + 1), Buffer.of(types[random(types.length)] ?? 0), body]);
          const said = ask(bytes);
          const passed = said
            .filter((one) => one.answer === undefined && one.ask === undefined)
            .map((one) => one.bytes);
          if (bytes[4] === packetTypes.WRITE) assert.equal(passed.length, 0);
          if (random(3) === 0) answer(handle(random(4), 'h'));
        }
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
      }
    }
  });
});
