import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WireError } from '../../errors/errors.ts';
import { MAX_STARTUP_BYTES } from './limits.ts';
import { cancelRequest, gssencRequest, parseStartup, sslRequest, startupMessage } from './startup.ts';

const parameters = new Map([
  ['user', 'alice'],
  ['database', 'prod-db/other'],
]);

function reframed(body: Buffer): Buffer {
  const bytes = Buffer.from(body);
  bytes.writeUInt32BE(bytes.length, 0);
  return bytes;
}

const isCode = (code: string) => (error: unknown) => error instanceof WireError && error.code === code;

describe('the first packet', () => {
  const key = Buffer.alloc(32, 1);
  const packets = [
    [sslRequest(), { kind: 'SSLRequest', lengthBytes: 8 }],
    [gssencRequest(), { kind: 'GSSENCRequest', lengthBytes: 8 }],
    [cancelRequest(-7, key), { kind: 'CancelRequest', lengthBytes: 44, processId: -7, secretKey: key }],
    [startupMessage(parameters, 2), { kind: 'StartupMessage', lengthBytes: 43, major: 3, minor: 2, parameters }],
  ] as const;

  for (const [packet, value] of packets) {
    it(`${value.kind} is read once it is whole, and no byte behind it`, () => {
      for (let at = 0; at < packet.length; at++) assert.equal(parseStartup(packet.subarray(0, at)), undefined);
      assert.deepEqual(parseStartup(packet), value);
      assert.deepEqual(parseStartup(Buffer.concat([packet, Buffer.from('more')])), value);
    });

    it(`${value.kind} mutated throws nothing but WireError`, () => {
      for (let at = 0; at < packet.length; at++) {
        for (let byte = 0; byte < 256; byte++) {
          const mutant = Buffer.from(packet);
          mutant[at] = byte;
          try {
            parseStartup(mutant);
          } catch (error) {
            assert.ok(error instanceof WireError, String(error));
          }
        }
      }
    });
  }

  it('is written as the manual lays it out', () => {
    assert.equal(sslRequest().toString('hex'), '0000000804d2162f');
    assert.equal(gssencRequest().toString('hex'), '0000000804d21630');
    assert.equal(cancelRequest(7, Buffer.of(1, 2, 3, 4)).toString('hex'), '0000001004d2162e0000000701020304');
    assert.equal(startupMessage([['user', 'a']]).toString('hex'), '00000010000300007573657200610000');
  });

  it('is refused by its length alone', () => {
    for (const length of [0, 7])
      assert.throws(() => parseStartup(Buffer.of(0, 0, 0, length)), isCode('ERR_WIRE_MALFORMED'));
    const long = Buffer.alloc(4);
    for (const length of [MAX_STARTUP_BYTES + 5, 0xffff_ffff]) {
      long.writeUInt32BE(length);
      assert.throws(() => parseStartup(long), isCode('ERR_WIRE_TOO_LARGE'));
    }
  });

  it('is refused with a parameter twice, without its end, without a user, or with bytes behind the end', () => {
    const open = startupMessage(parameters).subarray(0, -1);
    for (const tail of ['user\0bob\0\0', '', 'key\0', '\0\0', 'key\0\xff\0\0']) {
      const bytes = reframed(Buffer.concat([open, Buffer.from(tail, 'latin1')]));
      assert.throws(() => parseStartup(bytes), isCode('ERR_WIRE_MALFORMED'), JSON.stringify(tail));
    }
    assert.throws(() => parseStartup(startupMessage([['database', 'a']])), isCode('ERR_WIRE_MALFORMED'));
  });

  it('is refused with another protocol or a cancel key of the wrong length', () => {
    const old = Buffer.from(startupMessage(parameters));
    old[5] = 2;
    assert.throws(() => parseStartup(old), isCode('ERR_WIRE_UNSUPPORTED'));
    for (const length of [0, 3, 257]) {
      assert.throws(() => parseStartup(cancelRequest(1, Buffer.alloc(length))), isCode('ERR_WIRE_MALFORMED'));
    }
  });
});
