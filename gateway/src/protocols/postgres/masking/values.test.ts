import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dataRow, decodeDataRow } from '@sallyport/shared/wire/postgres/backend.ts';
import type { Format } from '@sallyport/shared/wire/postgres/types.ts';
import type { Treatment } from '../../protocol.ts';
import { RowMasker } from './rows.ts';
import { testVeil } from './veil-double.ts';

const as = (how: Treatment['as']): Treatment => ({ mask: 'm', as: how });
const CITEXT = 16_999;

/** What becomes of one value; undefined is NULL. */
function shown(
  typeOid: number,
  format: Format,
  planned: Treatment | 'pass' | 'inspect',
  value: Buffer | string,
): Buffer | undefined {
  const masker = new RowMasker([planned], [{ typeOid, format }], testVeil(), new Set([CITEXT]));
  const row = dataRow([Buffer.from(value)]);
  const [result] = decodeDataRow(...whole(masker.mask(row, 0, row.length) ?? row));
  return result ?? undefined;
}

const whole = (message: Buffer): [Buffer, number, number] => [message, 0, message.length];
const jsonb = (text: string) => Buffer.concat([Buffer.from([1]), Buffer.from(text)]);

const textTypes = { name: 19, text: 25, xml: 142, unknown: 705, bpchar: 1042, varchar: 1043, citext: CITEXT };
const others = {
  bool: 16,
  bytea: 17,
  char: 18,
  int8: 20,
  int2: 21,
  int4: 23,
  oid: 26,
  float4: 700,
  float8: 701,
  numeric: 1700,
  date: 1082,
  time: 1083,
  timestamp: 1114,
  timestamptz: 1184,
  interval: 1186,
  uuid: 2950,
  inet: 869,
  macaddr: 829,
  'text[]': 1009,
  'int4[]': 1007,
  record: 2249,
  tsvector: 3614,
  point: 600,
  bit: 1560,
  int4range: 3904,
  anEnum: 17_000,
};

describe('a treated value', () => {
  for (const format of [0, 1] as const) {
    for (const [type, oid] of Object.entries(textTypes)) {
      it(`of ${type} in format ${format} is a text`, () => {
        assert.equal(shown(oid, format, as('redact'), 'secret')?.toString(), '[redacted]');
        assert.equal(shown(oid, format, as('redact'), '')?.toString(), '[redacted]');
        assert.equal(shown(oid, format, as('hash'), 'secret')?.toString(), 'hash-of-6');
        assert.equal(shown(oid, format, as('partial'), 'secret')?.toString(), '**cret');
        assert.equal(shown(oid, format, as('null'), 'secret'), undefined);
        assert.equal(shown(oid, format, 'pass', 'secret')?.toString(), 'secret');
      });
    }
    for (const [type, oid] of Object.entries(others)) {
      it(`of ${type} in format ${format} is NULL, whatever the treatment`, () => {
        for (const how of ['redact', 'hash', 'partial', 'null'] as const) {
          assert.equal(shown(oid, format, as(how), '12345678'), undefined);
        }
        assert.equal(shown(oid, format, 'pass', '12345678')?.toString(), '12345678');
      });
    }
  }

  it('of an unknown type is NULL', () => {
    const masker = new RowMasker([as('redact')], [{ typeOid: undefined, format: 0 }], testVeil());
    const row = dataRow([Buffer.from('secret')]);
    assert.deepEqual(decodeDataRow(...whole(masker.mask(row, 0, row.length)!)), [null]);
  });

  it('of json is a JSON string, of binary jsonb behind its version', () => {
    for (const [oid, format, head] of [
      [114, 0, ''],
      [114, 1, ''],
      [3802, 0, ''],
      [3802, 1, '\x01'],
    ] as const) {
      const value = head === '' ? Buffer.from('{"a":1}') : jsonb('{"a":1}');
      assert.equal(shown(oid, format, as('redact'), value)?.toString(), `${head}"[redacted]"`);
      assert.equal(shown(oid, format, as('partial'), value)?.toString(), `${head}"[redacted]"`);
      assert.equal(shown(oid, format, as('hash'), value)?.toString(), `${head}"hash-of-${value.length}"`);
      assert.equal(shown(oid, format, as('null'), value), undefined);
    }
  });
});

describe('an inspected value', () => {
  it('of a text type has its finds replaced', () => {
    for (const oid of Object.values(textTypes)) {
      for (const format of [0, 1] as const) {
        assert.equal(shown(oid, format, 'inspect', 'is CANARY here')?.toString(), 'is [redacted] here');
        assert.equal(shown(oid, format, 'inspect', 'clean')?.toString(), 'clean');
      }
    }
  });

  it('of json stays JSON, or is replaced as a whole', () => {
    assert.equal(shown(114, 0, 'inspect', '{"a":"CANARY","b":2}')?.toString(), '{"a":"[redacted]","b":2}');
    assert.equal(shown(114, 0, 'inspect', '{"a":1,CANARY:2}')?.toString(), '"[redacted]"');
    assert.equal(shown(3802, 1, 'inspect', jsonb('["CANARY"]'))?.toString(), '\x01["[redacted]"]');
    assert.equal(shown(3802, 1, 'inspect', jsonb('[CANARY]'))?.toString('latin1'), '\x01"[redacted]"');
    assert.equal(shown(3802, 1, 'inspect', jsonb('[1]'))?.toString(), '\x01[1]');
  });

  it('of bytea is looked at as bytes and hidden as a whole', () => {
    assert.equal(shown(17, 0, 'inspect', `\\x${Buffer.from('a CANARY').toString('hex')}`), undefined);
    assert.equal(shown(17, 1, 'inspect', 'a CANARY'), undefined);
    assert.equal(shown(17, 0, 'inspect', '\\xdeadbeef')?.toString(), '\\xdeadbeef');
  });

  it('of an array or a row is looked at element by element', () => {
    assert.equal(shown(1009, 0, 'inspect', '{a,CANARY}')?.toString(), '{a,[redacted]}');
    assert.equal(shown(2249, 0, 'inspect', '(1,"a CANARY")')?.toString(), '(1,"a [redacted]")');
    const element = (text: string) => Buffer.concat([int32(text.length), Buffer.from(text)]);
    const array = (...texts: string[]) =>
      Buffer.concat([int32(1), int32(0), int32(25), int32(texts.length), int32(1), ...texts.map(element)]);
    assert.equal(shown(1009, 1, 'inspect', array('a', 'a CANARY')), undefined);
    assert.deepEqual(shown(1009, 1, 'inspect', array('a', 'b')), array('a', 'b'));
    const row = (text: string) => Buffer.concat([int32(2), int32(23), int32(4), int32(7), int32(25), element(text)]);
    assert.equal(shown(2249, 1, 'inspect', row('CANARY')), undefined);
    assert.deepEqual(shown(2249, 1, 'inspect', row('clean')), row('clean'));
    assert.equal(shown(2249, 1, 'inspect', row('clean').subarray(0, 20)), undefined, 'what cannot be read is hidden');
  });

  it('of a type that nobody knows is hidden where something is found', () => {
    assert.equal(shown(17_001, 0, 'inspect', 'CANARY'), undefined);
    assert.equal(shown(17_001, 0, 'inspect', 'clean')?.toString(), 'clean');
  });

  it('of a number passes', () => {
    assert.equal(shown(20, 0, 'inspect', '4111111111111111')?.toString(), '4111111111111111');
  });
});

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
