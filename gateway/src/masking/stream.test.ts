import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LateFind, StreamOptions } from '../protocols/protocol.ts';
import { compileMasks } from './mask-set.ts';
import type { MaskSpec } from './spec.ts';
import { HOLD_MS, MAX_HELD_BYTES } from './stream.ts';

const alice = { id: 'user:alice', name: 'alice', groups: [], claims: {} };
const place = { name: 'host', labels: {}, protocol: 'ssh' } as const;
const everything: MaskSpec = {
  detect: ['email', 'credit-card', 'iban', 'national-id', 'cloud-key', 'jwt', 'private-key'],
};

function streamOf(options: Partial<StreamOptions> = {}, spec = everything) {
  const veil = compileMasks([{ name: 'm', spec }], { hashKey: Buffer.alloc(32, 1) }).veil(alice, place)!;
  return veil.stream({ form: 'terminal', ...options });
}

/** Written in these pieces without a pause, then ended. */
function through(
  pieces: readonly (Buffer | string)[],
  options: Partial<StreamOptions> = {},
  spec = everything,
): Buffer {
  const stream = streamOf(options, spec);
  return Buffer.concat([...pieces.map((piece) => stream.write(Buffer.from(piece), 0)), stream.flush()]);
}

const bytesOf = (text: string): Buffer[] => [...Buffer.from(text)].map((byte) => Buffer.from([byte]));

const payload = Buffer.from(JSON.stringify({ sub: 'alice' })).toString('base64url');
const header = Buffer.from(JSON.stringify({ alg: 'HS256' })).toString('base64url');
const secrets = [
  'alice@example.com',
  '4111 1111 1111 1111',
  'GB82WEST12345698765432',
  '123-45-6789',
  `AKIA${'IOSFODNN7EXAMPLE'}`,
  `ghp_${'a1B2'.repeat(9)}`,
  `${header}.${payload}.c2lnbmF0dXJl`,
  `-----BEGIN PRIVATE KEY-----\n${'QUJD'.repeat(20)}\n-----END PRIVATE KEY-----`,
];

/** Text without control sequences, by an expression rather than by the parser under test. */
const stripped = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  text.replace(/\x1b\[[0-9;?]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x07\x08\r]/g, '');

/** Mulberry32. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) % below;
  };
}

describe('a stream under masks', () => {
  for (const secret of secrets) {
    it(`finds ${secret.slice(0, 12)}… cut at every byte`, () => {
      const text = `é before ( ${secret} ) after ü\r\n`;
      const right = 'é before ( [redacted] ) after ü\r\n';
      assert.equal(through([text]).toString(), right);
      assert.equal(through(bytesOf(text)).toString(), right);
      const bytes = Buffer.from(text);
      for (let cut = 1; cut < bytes.length; cut++) {
        assert.equal(through([bytes.subarray(0, cut), bytes.subarray(cut)]).toString(), right, `cut at ${cut}`);
      }
    });
  }

  it('never shows a secret, whatever escapes and cuts lie in it, and changes nothing else', () => {
    const escapes = [
      '\x1b[31m',
      '\x1b[0m',
      '\x1b[K',
      '\x1b[?2004h',
      '\x1b]0;title\x07',
      '\x1b]8;;\x1b\\',
      '\x07',
      '\r',
    ];
    const words = ['ls', 'é', '漢字', 'total 12', '-rw-r--r--', '日', '\r\n', '$ ', '# ', ' 50%', '…'];
    for (let seed = 1; seed <= 400; seed++) {
      const pick = random(seed);
      const sprinkled = (text: string) =>
        [...text].map((char, i) => (i > 0 && pick(6) === 0 ? escapes[pick(escapes.length)]! + char : char)).join('');
      let [text, right] = ['', ''];
      for (let part = 0; part < 6; part++) {
        const before = `${words[pick(words.length)]} < `;
        const secret = secrets[pick(secrets.length - 1)]!;
        const inside = sprinkled(secret);
        const after = ` > ${words[pick(words.length)]}`;
        text += before + inside + after;
        right += `${before}[redacted]${kept(inside)}${after}`;
      }
      const bytes = Buffer.from(text);
      const pieces: Buffer[] = [];
      for (let at = 0; at < bytes.length; ) {
        const end = at + 1 + pick(20);
        pieces.push(bytes.subarray(at, end));
        at = end;
      }
      const out = through(pieces).toString();
      for (const secret of secrets) assert.ok(!stripped(out).includes(secret), `seed ${seed}: ${JSON.stringify(text)}`);
      assert.equal(out, right, `seed ${seed}`);
    }
  });

  it('reads words over the right margin, over redrawn lines and under backspaces', () => {
    const key = `AKIA${'IOSFODNN7EXAMPLE'}`;
    const wrapped = `$ echo ${key.slice(0, 13)}\r\n${key.slice(13)} x`;
    assert.doesNotMatch(stripped(through(bytesOf(wrapped), { columns: 20 }).toString()).replaceAll('\n', ''), /AKIA/);
    const readline = `$ echo ${key.slice(0, 13)} \r${key.slice(13)} x`;
    assert.doesNotMatch(through(bytesOf(readline), { columns: 20 }).toString(), /AKIA|EXAMPLE/);
    assert.doesNotMatch(through(bytesOf(`progress\r${key} x`)).toString(), /AKIA/);
    assert.doesNotMatch(through(bytesOf(`50 %\r${key.slice(0, 9)}\r${key.slice(9)} x`)).toString(), /AKIA|EXAMPLE/);
    const bold = [...key].map((char) => `${char}\b${char}`).join('');
    assert.doesNotMatch(through(bytesOf(`${bold} x`)).toString(), /A.A|E/);
    assert.doesNotMatch(through(bytesOf(`${key.slice(0, 8)}x\b${key.slice(8)} `)).toString(), /AKIA|EXAMPLE/);
  });

  it('looks into titles and the clipboard, and leaves them whole', () => {
    assert.equal(through(bytesOf('\x1b]0;alice@example.com\x07$ ')).toString(), '\x1b]0;[redacted]\x07$ ');
    assert.equal(through(bytesOf('\xc2\x9d0;x\xc2\x9c')).length, Buffer.from('\xc2\x9d0;x\xc2\x9c').length);
  });

  it('holds back what may be the start of a secret, no longer than its time', () => {
    const stream = streamOf({}, { detect: ['cloud-key'] });
    assert.equal(stream.write(Buffer.from('hello world '), 0).toString(), 'hello world ');
    assert.equal(stream.deadline, undefined);
    assert.equal(stream.write(Buffer.from('x ghp_ab'), 5).toString(), 'x ');
    assert.equal(stream.deadline, 5 + HOLD_MS);
    assert.equal(stream.write(Buffer.from('cd'), 10).length, 0);
    assert.equal(stream.deadline, 5 + HOLD_MS);
    assert.equal(stream.flush().toString(), 'ghp_abcd');
    assert.equal(stream.deadline, undefined);
  });

  it('hides the rest of a secret that came too slowly, and says so once', () => {
    const late: LateFind[] = [];
    const stream = streamOf({ late: (find) => late.push(find) });
    let shown = '';
    for (const [i, byte] of bytesOf(`x ghp_${'a1B2'.repeat(9)} y`).entries()) {
      shown += stream.write(byte, i * 100).toString();
      shown += stream.flush().toString();
    }
    assert.equal(shown, `x ghp_${'a1B2'.repeat(8)}a1B[redacted] y`);
    assert.deepEqual(late, [{ mask: 'm', shownBytes: 39 }]);
  });

  it('replaces at the deadline what is a secret already, and goes on hiding it', () => {
    const stream = streamOf();
    assert.equal(stream.write(Buffer.from(`ghp_${'a1B2'.repeat(9)}`), 0).length, 0);
    assert.equal(stream.flush().toString(), '[redacted]');
    assert.equal(stream.write(Buffer.from('c3D4 done'), 50).toString(), ' ');
    assert.equal(stream.flush().toString(), 'done');
  });

  it('is not blinded by control sequences before a secret, however long', () => {
    for (const length of [60, 64, 100, 4095, 5000, 20_000]) {
      const colours = '\x1b[38;2;255;255;255m'.repeat(Math.ceil(length / 19));
      for (const before of ['', `${'word '.repeat(30)}\r\n`]) {
        const pieces = [before, colours, 'AKIAIOSF', 'ODNN7EXAMPLE done'];
        assert.equal(through(pieces).toString(), `${before}${colours}[redacted] done`, `${length}`);
      }
    }
  });

  it('changes no byte of what holds no secret, whatever it is and however it is cut and flushed', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const pick = random(seed);
      const alphabet = [
        0x1b, 0x5b, 0x5d, 0x50, 0x07, 0x08, 0x0d, 0x0a, 0x20, 0x5c, 0xc2, 0x9b, 0x9c, 0x18, 0x6d, 0x61, 0x2d,
      ];
      const bytes = Buffer.from(Array.from({ length: 400 }, () => (pick(3) === 0 ? pick(256) : alphabet[pick(17)]!)));
      const stream = streamOf({ columns: 10 }, { detect: ['cloud-key', 'jwt', 'private-key', 'iban'] });
      const out: Buffer[] = [];
      for (let at = 0, now = 0; at < bytes.length; ) {
        const end = at + 1 + pick(9);
        now += pick(15);
        out.push(stream.write(bytes.subarray(at, end), now));
        if (pick(5) === 0) out.push(stream.flush());
        at = end;
      }
      out.push(stream.flush());
      assert.deepEqual(Buffer.concat(out), bytes, `seed ${seed}`);
    }
  });

  it('holds a bounded number of bytes', () => {
    const stream = streamOf();
    let out = 0;
    for (let i = 0; i < 40; i++) {
      out += stream.write(Buffer.alloc(8192, 'eyJh'), 0).length;
      assert.ok(8192 * (i + 1) - out <= MAX_HELD_BYTES + 8192);
    }
    assert.equal(out + stream.flush().length, 40 * 8192);
  });

  it('lets data through a pipe as it is, and never takes a terminal for data', () => {
    const data = Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0]), Buffer.from('alice@example.com ')]);
    assert.deepEqual(through([data], { form: 'pipe' }), data);
    assert.ok(!through([data]).includes('alice'));
    assert.ok(!through(['text first ', Buffer.from([0]), 'alice@example.com '], { form: 'pipe' }).includes('alice'));
  });

  it('knows for an own pattern what may be its start', () => {
    const spec: MaskSpec = { patterns: [{ name: 'ticket', pattern: 'TCK-(?:[0-9]{4}|[a-f]{6})\\b' }] };
    const stream = streamOf({}, spec);
    assert.equal(stream.write(Buffer.from('abc T'), 0).toString(), 'abc ');
    assert.equal(stream.write(Buffer.from('CK-12'), 0).length, 0);
    assert.equal(stream.write(Buffer.from('34 x'), 0).toString(), '[redacted] x');
  });
});

/** The control sequences of a text. */
function kept(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return (text.match(/\x1b\[[0-9;?]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x07\r]/g) ?? []).join('');
}
