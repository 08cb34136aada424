import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compileMasks } from './mask-set.ts';
import type { MaskSpec } from './spec.ts';

const alice = { id: 'user:alice', name: 'alice', groups: [], claims: {} };
const place = { name: 'db', labels: {}, protocol: 'postgres' } as const;

function veilOf(...specs: MaskSpec[]) {
  const masks = specs.map((spec, i) => ({ name: `m${i}`, spec }));
  return compileMasks(masks, { hashKey: Buffer.alloc(32, 1) }).veil(alice, place)!;
}

const everything: MaskSpec = {
  detect: ['email', 'credit-card', 'iban', 'national-id', 'cloud-key', 'jwt', 'private-key'],
};
const inspected = (veil: ReturnType<typeof veilOf>, text: string) => veil.inspect(Buffer.from(text)).toString();

describe('inspection', () => {
  it('replaces what is found and nothing else', () => {
    const veil = veilOf(everything);
    assert.equal(
      inspected(veil, 'é mail alice@example.com or pay 4111 1111 1111 1111; ssn 123-45-6789.'),
      'é mail [redacted] or pay [redacted]; ssn [redacted].',
    );
  });

  it('hands back the same buffer where nothing is found', () => {
    const veil = veilOf(everything);
    for (const text of [
      '',
      'plain',
      '2026-11-24 03:33:07',
      'a @ b',
      '1234567890123456',
      '-----',
      'x'.repeat(400_000),
    ]) {
      const bytes = Buffer.from(text);
      assert.equal(veil.inspect(bytes), bytes);
    }
  });

  it('says of what is suspect no less than it finds', () => {
    const veil = veilOf(everything);
    for (const text of ['alice@example.com', '4111111111111111', 'AB 12 34 56 C', `npm_${'a1'.repeat(18)}`]) {
      const bytes = Buffer.from(`..${text}..`);
      assert.notEqual(veil.inspect(bytes), bytes);
      assert.ok(veil.suspects(bytes, 2, bytes.length - 2), text);
    }
    assert.ok(!veil.suspects(Buffer.from('plain text'), 0, 10));
  });

  it('treats each find as its mask says, the stricter where two overlap', () => {
    const veil = veilOf({ detect: ['credit-card'], as: 'partial' }, { detect: ['email'], as: 'hash' });
    assert.match(inspected(veil, 'card 4111111111111111 of a@b.co'), /^card \*{12}1111 of [0-9a-f]{16}$/);
    assert.equal(inspected(veil, '4111111111111111@example.com').length, 16, 'hash over partial');
    const gone = veilOf({ detect: ['email'], as: 'null' });
    assert.equal(inspected(gone, 'to a@b.co.'), 'to .');
  });

  it('knows patterns of an operator, in UTF-8', () => {
    const veil = veilOf({ patterns: [{ name: 'employee', pattern: 'é[0-9]+ü', flags: 'i' }] });
    assert.equal(inspected(veil, 'ää É123Ü ää'), 'ää [redacted] ää');
    const bytes = Buffer.from('none');
    assert.equal(veil.inspect(bytes), bytes);
  });

  it('skips nothing of a long text, wherever a find lies', () => {
    const veil = veilOf({ detect: ['email', 'credit-card'], patterns: [{ name: 'p', pattern: 'SECRET-[0-9]{4}' }] });
    const windowBytes = 256 * 1024;
    for (const find of ['alice@example.com', '4111111111111111', 'SECRET-1234']) {
      for (const around of [0, windowBytes - 16_384, windowBytes, windowBytes + 16_384, 2 * windowBytes]) {
        for (let shift = -find.length - 1; shift <= 1; shift += 3) {
          const at = Math.max(0, around + shift);
          const text = `${'. '.repeat(at / 2)}${at % 2 === 1 ? ' ' : ''}${find}${' .'.repeat(20_000)}`;
          const result = inspected(veil, text);
          assert.ok(!result.includes(find) && result.length === text.length - find.length + 10, `${find} at ${at}`);
        }
      }
    }
  });
});

describe('inspection takes time in proportion', () => {
  const unit = 'aA1@-._/+= ';
  const hostile: Readonly<Record<string, string>> = {
    ats: '@',
    'mail-like': 'a@a.',
    labels: 'a.',
    digits: '4',
    'grouped digits': '4 1-',
    'card starts': '4111 ',
    'iban starts': 'DE89 ',
    'jwt starts': 'eyJhbGciOiJIUzI1NiJ9.',
    'jwt run': 'eyJ',
    'key starts': 'sk-ghp_AKIA',
    'pem starts': '-----BEGIN PRIVATE KEY-----',
    dashes: '-----',
    mixture: unit,
    words: 'aaaaaaaaaaaaaaaa',
  };
  const veil = veilOf(everything);

  function elapsedMs(text: Buffer): number {
    const before = process.hrtime.bigint();
    veil.inspect(text);
    return Number(process.hrtime.bigint() - before) / 1e6;
  }

  for (const [name, pattern] of Object.entries(hostile)) {
    it(`to the length of ${name}`, () => {
      const of = (bytes: number) => Buffer.from(pattern.repeat(Math.ceil(bytes / pattern.length)));
      const [smaller, larger] = [of(128 * 1024), of(1024 * 1024)];
      let [small, large] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
      // Eight times the text; quadratic would be 64 times the time. Another process may disturb a round.
      const isLinear = () => large < 24 * Math.max(small, 1);
      for (let round = 0; round < 4 && !isLinear(); round++) {
        small = Math.min(small, elapsedMs(smaller));
        large = Math.min(large, elapsedMs(larger));
      }
      assert.ok(isLinear(), `${small.toFixed(1)} ms, then ${large.toFixed(1)} ms`);
    });
  }
});
