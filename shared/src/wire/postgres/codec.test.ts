import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WireError } from '../../errors/errors.ts';
import * as backend from './backend.ts';
import { type CutterSink, MessageCutter } from './cutter.ts';
import * as frontend from './frontend.ts';
import { MAX_STARTUP_BYTES, STREAM_ABOVE_BYTES } from './limits.ts';
import { cancelRequest, gssencRequest, parseStartup, sslRequest, startupMessage } from './startup.ts';
import { Backend, Frontend } from './types.ts';

type Decoder = (buffer: Buffer, start: number, end: number) => unknown;

const field: backend.Field = {
  name: 'email',
  tableOid: 0xffff_fff0,
  columnNumber: 3,
  typeOid: 25,
  typeLength: -1,
  typeModifier: -1,
  format: 1,
};

/** Every decoder with a message and what it must read from it. */
const vectors: readonly (readonly [string, Buffer, Decoder, unknown])[] = [
  ['Query', frontend.query('select ä'), frontend.decodeQuery, { text: 'select ä' }],
  [
    'Parse',
    frontend.parse('s', 'select $1', [23, 0xffff_ffff]),
    frontend.decodeParse,
    { statement: 's', text: 'select $1', parameterTypes: [23, 0xffff_ffff] },
  ],
  [
    'Bind',
    frontend.bind({
      portal: 'p',
      statement: 's',
      parameterFormats: [1],
      parameters: [null, Buffer.of(1, 2)],
      resultFormats: [0, 1],
    }),
    frontend.decodeBind,
    { portal: 'p', statement: 's', parameterFormats: [1], parameters: [null, Buffer.of(1, 2)], resultFormats: [0, 1] },
  ],
  ['Execute', frontend.execute('p', 7), frontend.decodeExecute, { portal: 'p', maxRows: 7 }],
  ['Describe', frontend.describe({ of: 'portal', name: 'p' }), frontend.decodeDescribe, { of: 'portal', name: 'p' }],
  ['Close', frontend.close({ of: 'statement', name: '' }), frontend.decodeClose, { of: 'statement', name: '' }],
  ['PasswordMessage', frontend.passwordMessage('token'), frontend.decodePassword, 'token'],
  ['AuthenticationOk', backend.authenticationOk(), backend.decodeAuthentication, { kind: 'Ok' }],
  [
    'AuthenticationMD5Password',
    backend.authenticationMD5Password(Buffer.of(1, 2, 3, 4)),
    backend.decodeAuthentication,
    { kind: 'MD5Password', salt: Buffer.of(1, 2, 3, 4) },
  ],
  [
    'AuthenticationSASL',
    backend.authenticationSASL(['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256']),
    backend.decodeAuthentication,
    { kind: 'SASL', mechanisms: ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256'] },
  ],
  ['RowDescription', backend.rowDescription([field, field]), backend.decodeRowDescription, [field, field]],
  ['DataRow', backend.dataRow([Buffer.from('a'), null]), backend.decodeDataRow, [Buffer.from('a'), null]],
  [
    'ErrorResponse',
    backend.errorResponse({ severity: 'ERROR', code: '42501', message: 'no', hint: 'ask' }),
    backend.decodeDiagnostics,
    new Map([
      ['S', 'ERROR'],
      ['V', 'ERROR'],
      ['C', '42501'],
      ['M', 'no'],
      ['H', 'ask'],
    ]),
  ],
  ['ReadyForQuery', backend.readyForQuery('T'), backend.decodeReadyForQuery, 'T'],
  ['ParameterStatus', backend.parameterStatus('a', 'b'), backend.decodeParameterStatus, { name: 'a', text: 'b' }],
  [
    'BackendKeyData',
    backend.backendKeyData(-5, Buffer.of(9, 8, 7, 6)),
    backend.decodeBackendKeyData,
    { processId: -5, secretKey: Buffer.of(9, 8, 7, 6) },
  ],
  ['CommandComplete', backend.commandComplete('SELECT 1'), backend.decodeCommandComplete, 'SELECT 1'],
];

class Collector implements CutterSink {
  readonly whole: Buffer[] = [];
  readonly parts: { bytes: Buffer; isFirst: boolean; isLast: boolean }[] = [];
  message(_type: number, buffer: Buffer, start: number, end: number): void {
    this.whole.push(buffer.subarray(start, end));
  }
  streams(type: number): boolean {
    return type === Backend.CopyData;
  }
  part(_type: number, bytes: Buffer, isFirst: boolean, isLast: boolean): void {
    this.parts.push({ bytes, isFirst, isLast });
  }
}

function cut(...chunks: Buffer[]): Collector {
  const collector = new Collector();
  const cutter = new MessageCutter(collector);
  for (const chunk of chunks) cutter.push(chunk);
  cutter.finish();
  return collector;
}

/** Deterministic, so that a failure can be had again. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('messages', () => {
  for (const [name, bytes, decode, expected] of vectors) {
    it(`${name} reads as it was written, split at every byte`, () => {
      for (let at = 0; at <= bytes.length; at++) {
        const { whole } = cut(bytes.subarray(0, at), bytes.subarray(at));
        assert.equal(whole.length, 1);
        const [message] = whole as [Buffer];
        assert.deepEqual(decode(message, 0, message.length), expected);
      }
    });

    it(`${name} cut short or mutated is a WireError or a value, never another error`, () => {
      const next = random(bytes.length);
      for (let round = 0; round < 2_000; round++) {
        const mutant = Buffer.from(
          bytes.subarray(0, round % 3 === 0 ? Math.floor(next() * bytes.length) : bytes.length),
        );
        if (mutant.length > 5) mutant[5 + Math.floor(next() * (mutant.length - 5))] = Math.floor(next() * 256);
        try {
          decode(mutant, 0, mutant.length);
        } catch (error) {
          assert.ok(error instanceof WireError, String(error));
        }
      }
    });

    // BackendKeyData's key takes whatever is there.
    if (name !== 'BackendKeyData') {
      it(`${name} with a byte too many is refused`, () => {
        const longer = Buffer.concat([bytes, Buffer.of(0)]);
        assert.throws(() => decode(longer, 0, longer.length), WireError);
      });
    }
  }
});

describe('the cutter', () => {
  const stream = Buffer.concat(vectors.map(([, bytes]) => bytes));

  it('finds the same messages whatever the chunks', () => {
    const next = random(42);
    for (let round = 0; round < 300; round++) {
      const chunks: Buffer[] = [];
      for (let at = 0; at < stream.length; ) {
        const size = 1 + Math.floor(next() * 40);
        chunks.push(stream.subarray(at, at + size));
        at += size;
      }
      assert.deepEqual(
        cut(...chunks).whole,
        vectors.map(([, bytes]) => bytes),
      );
    }
  });

  it('does not copy a message that lies in one chunk', () => {
    const { whole } = cut(stream);
    assert.ok(whole.every((message) => message.buffer === stream.buffer));
  });

  it('streams long data in parts that add up, wherever the header is split', () => {
    const long = frontend.copyData(Buffer.alloc(STREAM_ABOVE_BYTES * 2, 7));
    const after = frontend.sync();
    for (const at of [1, 4, 5, 6, 1000, long.length - 1]) {
      const { parts, whole } = cut(long.subarray(0, at), Buffer.concat([long.subarray(at), after]));
      assert.deepEqual(Buffer.concat(parts.map(({ bytes }) => bytes)), long);
      assert.equal(parts.filter(({ isFirst }) => isFirst).length, 1);
      assert.equal(parts.at(-1)?.isLast, true);
      assert.deepEqual(whole, [after]);
    }
  });

  for (const length of [3, 0, -1, -2147483648, 2147483647]) {
    it(`refuses a length of ${length}`, () => {
      const header = Buffer.alloc(5);
      header[0] = Frontend.Query;
      header.writeInt32BE(length, 1);
      assert.throws(() => cut(header), WireError);
    });
  }

  it('tells a stream that ended within a message', () => {
    assert.throws(() => cut(stream.subarray(0, stream.length - 1)), WireError);
  });
});

describe('the first packet', () => {
  const parameters = new Map([
    ['user', 'alice'],
    ['database', 'prod-db/other'],
  ]);

  it('is read once it is whole', () => {
    for (const packet of [
      sslRequest(),
      gssencRequest(),
      cancelRequest(7, Buffer.alloc(32, 1)),
      startupMessage(parameters, 2),
    ]) {
      for (let at = 0; at < packet.length; at++) assert.equal(parseStartup(packet.subarray(0, at)), undefined);
      assert.equal(parseStartup(packet)?.lengthBytes, packet.length);
    }
    assert.deepEqual(parseStartup(startupMessage(parameters, 2)), {
      kind: 'StartupMessage',
      lengthBytes: 43,
      major: 3,
      minor: 2,
      parameters,
    });
    assert.deepEqual(parseStartup(cancelRequest(7, Buffer.alloc(32, 1))), {
      kind: 'CancelRequest',
      lengthBytes: 44,
      processId: 7,
      secretKey: Buffer.alloc(32, 1),
    });
  });

  it('is refused by its length alone', () => {
    for (const length of [-1, 0, 7, MAX_STARTUP_BYTES + 1]) {
      const header = Buffer.alloc(4);
      header.writeInt32BE(length);
      assert.throws(() => parseStartup(header), WireError);
    }
  });

  it('is refused when a parameter comes twice or its end is missing', () => {
    const packet = startupMessage(parameters);
    const twice = Buffer.concat([packet.subarray(0, -1), Buffer.from('user\0bob\0\0')]);
    twice.writeInt32BE(twice.length);
    assert.throws(() => parseStartup(twice), WireError);
    const open = Buffer.from(packet.subarray(0, -1));
    open.writeInt32BE(open.length);
    assert.throws(() => parseStartup(open), WireError);
  });
});
