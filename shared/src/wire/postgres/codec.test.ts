import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WireError } from '../../errors/errors.ts';
import * as backend from './backend.ts';
import { type CutterSink, MessageCutter } from './cutter.ts';
import * as frontend from './frontend.ts';
import { backendVectors, type Decoder, frontendVectors } from './vectors.test.ts';

const vectors = [...frontendVectors, ...backendVectors];

function collect(...chunks: Buffer[]): Buffer[] {
  const found: Buffer[] = [];
  const sink: CutterSink = { message: (_type, buffer, start, end) => void found.push(buffer.subarray(start, end)) };
  const cutter = new MessageCutter({ maxBufferedBytes: 65_536 });
  for (const chunk of chunks) cutter.push(chunk, sink);
  cutter.finish();
  return found;
}

/** Deterministic, so that a failure can be had again. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Only a WireError may come out of a decoder, and soon. */
function survives(decode: Decoder, bytes: Buffer): void {
  try {
    decode(bytes, 0, bytes.length);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
  }
}

function mutate(bytes: Buffer, below: (limit: number) => number): Buffer {
  const mutant = Buffer.from(bytes.subarray(0, below(3) === 0 ? below(bytes.length) + 1 : bytes.length));
  for (let changes = below(4); changes >= 0; changes--)
    mutant[below(mutant.length)] = [0, 255, 127, below(256)][below(4)]!;
  // Most mutants keep an honest length word: otherwise they would not get past the header.
  if (mutant.length >= 5 && below(8) > 0) {
    mutant[0] = bytes[0]!;
    mutant.writeUInt32BE(mutant.length - 1, 1);
  }
  return mutant;
}

for (const { name, hex, encoded, decode, value } of vectors) {
  describe(name, () => {
    it('is written as the manual lays it out', () => assert.equal(encoded.toString('hex'), hex));

    it('reads as it was written, split at every byte and between neighbours', () => {
      for (let at = 0; at <= encoded.length; at++) {
        const found = collect(encoded.subarray(0, at), Buffer.concat([encoded.subarray(at), encoded]));
        assert.equal(found.length, 2);
        for (const message of found) assert.deepEqual(decode(message, 0, message.length), value);
      }
      const within = Buffer.concat([Buffer.from('xx'), encoded, Buffer.from('\0yy\0')]);
      assert.deepEqual(decode(within, 2, 2 + encoded.length), value);
    });

    it('is refused under another type or another length', () => {
      const other = Buffer.from(encoded);
      other[0] = 0x7e;
      assert.throws(() => decode(other, 0, other.length), WireError);
      assert.throws(() => decode(encoded, 0, encoded.length - 1), WireError);
      assert.throws(() => decode(encoded, 0, encoded.length + 1), WireError);
    });

    it('throws nothing but WireError, whatever the bytes', () => {
      const below = random(hex.length + encoded[0]!);
      for (let round = 0; round < 3_000; round++) survives(decode, mutate(encoded, below));
    });
  });
}

// What ends with "everything that is left", or is not read to its end, has no byte too many.
const openEnded = /SASLResponse|SASLContinue|SASLFinal|BackendKeyData|FunctionCall/;
for (const { name, encoded, decode } of vectors.filter((vector) => !openEnded.test(vector.name))) {
  it(`${name} is refused with a byte too many or any byte too few`, () => {
    for (let length = 5; length <= encoded.length + 1; length++) {
      if (length === encoded.length) continue;
      const bytes = Buffer.concat([encoded, Buffer.of(0)]).subarray(0, length);
      bytes.writeUInt32BE(length - 1, 1);
      assert.throws(() => decode(bytes, 0, length), WireError, `${length} bytes`);
    }
  });
}

describe('what lies', () => {
  const refused = (decode: Decoder, hex: string) => () => {
    const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');
    bytes.writeUInt32BE(bytes.length - 1, 1);
    const isMalformed = (error: unknown) => error instanceof WireError && error.code === 'ERR_WIRE_MALFORMED';
    assert.throws(() => decode(bytes, 0, bytes.length), isMalformed);
  };
  it('a Parse of 65,535 types', refused(frontend.decodeParse, '50 00000008 00 00 ffff'));
  it(
    'a Bind of three formats for one parameter',
    refused(frontend.decodeBind, '42 00000018 00 00 0003 000000000000 0001 ffffffff 0000'),
  );
  it('a value of −2 bytes', refused(frontend.decodeBind, '42 0000000e 00 00 0000 0001 fffffffe 0000'));
  it('a text that is not UTF-8', refused(frontend.decodeQuery, '51 00000006 ff 00'));
  it('a text behind a NUL', refused(frontend.decodeQuery, '51 00000008 61 00 62 00'));
  it('a row whose value reaches over its end', refused(backend.decodeDataRow, '44 0000000b 0001 00000002 61'));
  it('a format 2', refused(backend.decodeCopyResponse, '48 00000007 02 0000'));
  it('a cancel key of 3 bytes', refused(backend.decodeBackendKeyData, '4b 0000000b 00000001 010203'));
});

it('names are read without the rest of the message', () => {
  const bind = frontend.bind({ portal: 'p', statement: 's', parameters: [Buffer.alloc(100)] });
  assert.deepEqual(frontend.bindNames(bind, 0, bind.length), { portal: 'p', statement: 's' });
  for (const portal of ['', 'p']) {
    const execute = frontend.execute(portal);
    assert.equal(frontend.executePortal(execute, 0, execute.length), portal);
  }
});

it('what cannot be spoken is told by its code', () => {
  const sspi = Buffer.from('520000000800000009', 'hex');
  assert.deepEqual(backend.decodeAuthentication(sspi, 0, 9), { kind: 'unsupported', code: 9 });
});

it('a NUL in a report forges no field, and in a name it is our error', () => {
  const report = backend.errorResponse({ severity: 'ERROR', code: '42601', message: 'a\0Mforged' });
  assert.equal(backend.decodeFields(report, 0, report.length)['M'], 'a\uFFFDMforged');
  assert.throws(() => frontend.query('a\0b'), RangeError);
});

it('a field letter that names a property of objects is only a letter', () => {
  const bytes = Buffer.from('4500000008' + '5f6100' + '00', 'hex');
  bytes.writeUInt32BE(bytes.length - 1, 1);
  assert.deepEqual({ ...backend.decodeFields(bytes, 0, bytes.length) }, { _: 'a' });
});
