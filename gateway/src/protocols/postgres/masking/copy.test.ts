import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { copyData } from '@sallyport/shared/wire/postgres/frontend.ts';
import type { Treatment } from '../../protocol.ts';
import { CopyMasker, type CopyOptions } from './copy.ts';
import { Output } from './output.ts';
import type { ColumnPlan } from './plan.ts';
import { testVeil } from './veil-double.ts';

const redact: Treatment = { mask: 'm', as: 'redact' };
const toNull: Treatment = { mask: 'm', as: 'null' };
const partial: Treatment = { mask: 'm', as: 'partial' };
const hash: Treatment = { mask: 'm', as: 'hash' };
const TEXT_OID = 25;

interface Case {
  readonly name: string;
  readonly options: CopyOptions;
  readonly plan: ColumnPlan | undefined;
  readonly types?: readonly number[];
  readonly sent: string | Buffer;
  readonly shown: string | Buffer;
}

function masker({ plan, options, types }: Case): CopyMasker {
  return new CopyMasker(plan, types ?? plan?.map(() => TEXT_OID) ?? [], options, testVeil());
}

/** What a client gets for pieces of data, each in a message of its own. */
function pushed(masker: CopyMasker, pieces: readonly Buffer[]): Buffer {
  const out: Buffer[] = [];
  const output = new Output((bytes) => out.push(bytes));
  for (const piece of pieces) {
    const message = copyData(piece);
    masker.message(message, 0, message.length, output);
  }
  masker.finish();
  output.flush();
  return payloads(Buffer.concat(out));
}

function payloads(messages: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < messages.length; ) {
    assert.equal(messages[at], 0x64);
    const end = at + 1 + messages.readUInt32BE(at + 1);
    pieces.push(messages.subarray(at + 5, end));
    at = end;
  }
  return Buffer.concat(pieces);
}

const tuple = (...values: (string | null)[]): Buffer =>
  Buffer.concat([
    int16(values.length),
    ...values.map((value) => (value === null ? int32(-1) : Buffer.concat([int32(value.length), Buffer.from(value)]))),
  ]);
const fileHeader = (extension = ''): Buffer =>
  Buffer.concat([
    Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'),
    int32(0),
    int32(extension.length),
    Buffer.from(extension),
  ]);
const trailer = Buffer.from([0xff, 0xff]);

const cases: readonly Case[] = [
  {
    name: 'text',
    options: { format: 'text' },
    plan: ['pass', redact, 'inspect', toNull, partial],
    sent: '1\tsecret\tclean\tx\t123456\n2\t\\N\ta CANARY\t\\N\t\\N\n\\N\t\t\t\t\n',
    shown: '1\t[redacted]\tclean\t\\N\t**3456\n2\t\\N\ta [redacted]\t\\N\t\\N\n\\N\t[redacted]\t\t\\N\t\n',
  },
  {
    name: 'text with escapes',
    options: { format: 'text' },
    plan: ['pass', partial, hash, 'inspect'],
    sent: 'a\\tb\tx\\n\\\\yz\\t\tab\\tc\tC\\\\ANARY\\\n\n\\\\\t\\\\\\N\t\\\\N\tA\\nCANARY\n',
    shown: 'a\\tb\t**\\\\yz\\t\thash-of-4\tC\\\\ANARY\\\n\n\\\\\t\\\\N\thash-of-2\tA\\n[redacted]\n',
  },
  {
    name: 'text with another delimiter, NULL and a header',
    options: { format: 'text', delimiter: '|', null: 'nil', header: true },
    plan: ['pass', redact],
    sent: 'id|ssn\n1|a\\|b\n2|nil\nnil|c\n',
    shown: 'id|ssn\n1|[redacted]\n2|[redacted]\nnil|[redacted]\n',
  },
  {
    name: 'text whose NULL is a guessed value',
    options: { format: 'text', null: '123-45-6789' },
    plan: [redact, hash, partial, toNull, 'inspect'],
    sent: '123-45-6789\t123-45-6789\t123-45-6789\t123-45-6789\tx\na\tb\tc\td\te\n',
    shown: '[redacted]\t[redacted]\t[redacted]\t123-45-6789\tx\n[redacted]\t[redacted]\t[redacted]\t123-45-6789\te\n',
  },
  {
    name: 'text whose NULL has a backslash and is sure',
    options: { format: 'text', null: '\\0' },
    plan: [redact, hash],
    sent: '\\0\t\\0\na\tb\n',
    shown: '\\0\t\\0\n[redacted]\thash-of-1\n',
  },
  {
    name: 'text whose NULL has a backslash and may be a value',
    options: { format: 'text', null: '\\\\N' },
    plan: [redact, hash],
    sent: '\\\\N\t\\\\N\na\tb\n',
    shown: '[redacted]\t[redacted]\n[redacted]\t[redacted]\n',
  },
  {
    name: 'text with a delimiter that the mark holds',
    options: { format: 'text', delimiter: '[' },
    plan: ['pass', redact],
    sent: '1[x\n',
    shown: '1[\\[redacted]\n',
  },
  {
    name: 'text of one column',
    options: { format: 'text' },
    plan: [redact],
    sent: 'a\n\n\\N\n',
    shown: '[redacted]\n[redacted]\n\\N\n',
  },
  { name: 'text of no column', options: { format: 'text' }, plan: [], sent: '\n\n', shown: '\n\n' },
  {
    name: 'text that no plan is known for',
    options: { format: 'text' },
    plan: undefined,
    sent: 'a\tb\nc\n',
    shown: '\\N\t\\N\n\\N\n',
  },
  {
    name: 'text of another width than the plan',
    options: { format: 'text' },
    plan: ['pass', redact],
    sent: 'a\tb\tc\na\na\tb\n',
    shown: '\\N\t\\N\t\\N\n\\N\na\t[redacted]\n',
  },
  {
    name: 'text of other types',
    options: { format: 'text' },
    plan: [redact, redact, redact],
    types: [23, 3802, 0],
    sent: '7\t{"a": 1}\tx\n',
    shown: '\\N\t"[redacted]"\t\\N\n',
  },
  {
    name: 'csv',
    options: { format: 'csv', header: true },
    plan: ['pass', redact, 'inspect', partial],
    sent: 'id,"s,n",note,p\n1,secret,"a ""CANARY"", b","12""456"\n2,,plain,\n"3\n,4","x\ny","CANARY\n1",ab\n,"",CANARY,""\n',
    shown:
      'id,"s,n",note,p\n1,[redacted],"a ""[redacted]"", b","**""456"\n2,,plain,\n"3\n,4",[redacted],"[redacted]\n1",ab\n,[redacted],[redacted],""\n',
  },
  {
    name: 'csv with everything of its own',
    options: { format: 'csv', delimiter: ';', quote: "'", escape: '\\', null: 'NIL', forceQuote: new Set([1]) },
    plan: ['pass', redact, 'inspect', hash],
    sent: "1;'se\\'cr;et';'it\\'s CANARY \\\\';x\n'\\\\';NIL;'NIL';NIL\n'a\\'\n;b';'\\\\';x;'ab'\n",
    shown:
      "1;'[redacted]';'it\\'s [redacted] \\\\';hash-of-1\n'\\\\';NIL;'NIL';NIL\n'a\\'\n;b';'[redacted]';x;hash-of-2\n",
  },
  {
    name: 'csv with all quoted',
    options: { format: 'csv', forceQuote: true },
    plan: ['pass', redact],
    sent: '"1","a"\n"2",\n',
    shown: '"1","[redacted]"\n"2",\n',
  },
  {
    name: 'csv with a delimiter that the mark holds, JSON, and no value for a number',
    options: { format: 'csv', delimiter: 'e' },
    plan: [redact, redact, redact],
    types: [25, 114, 23],
    sent: 'xe"{""a"":1}"e5\n',
    shown: '"[redacted]"e"""[redacted]"""e\n',
  },
  {
    name: 'csv whose NULL is the mark',
    options: { format: 'csv', null: '[redacted]' },
    plan: [redact],
    sent: 'a\n[redacted]\n',
    shown: '"[redacted]"\n[redacted]\n',
  },
  {
    name: 'csv that no plan is known for',
    options: { format: 'csv', null: 'n' },
    plan: undefined,
    sent: 'a,"b\n,"\n',
    shown: 'n,n\n',
  },
  {
    name: 'binary',
    options: { format: 'binary' },
    plan: ['pass', redact, 'inspect', toNull],
    sent: Buffer.concat([
      fileHeader('ext'),
      tuple('1', 'secret', 'clean', 'x'),
      tuple('2', null, 'a CANARY', null),
      trailer,
    ]),
    shown: Buffer.concat([
      fileHeader('ext'),
      tuple('1', '[redacted]', 'clean', null),
      tuple('2', null, 'a [redacted]', null),
      trailer,
    ]),
  },
  {
    name: 'binary of other types and widths',
    options: { format: 'binary' },
    plan: [redact, redact],
    types: [23, 3802],
    sent: Buffer.concat([fileHeader(), tuple('1234', '\x01{}'), tuple('a', 'b', 'c'), tuple(), trailer]),
    shown: Buffer.concat([fileHeader(), tuple(null, '\x01"[redacted]"'), tuple(null, null, null), tuple(), trailer]),
  },
  {
    name: 'binary that no plan is known for',
    options: { format: 'binary' },
    plan: undefined,
    sent: Buffer.concat([fileHeader(), tuple('1234', 'b'), trailer]),
    shown: Buffer.concat([fileHeader(), tuple(null, null), trailer]),
  },
];

describe('copied data', () => {
  for (const each of cases) {
    const sent = Buffer.from(each.sent);
    const shown = Buffer.from(each.shown).toString('latin1');

    it(`${each.name}, in one message`, () => {
      assert.equal(pushed(masker(each), [sent]).toString('latin1'), shown);
    });

    it(`${each.name}, split at every byte`, () => {
      for (let at = 1; at < sent.length; at++) {
        const got = pushed(masker(each), [sent.subarray(0, at), sent.subarray(at)]);
        assert.equal(got.toString('latin1'), shown, `split at ${at}`);
      }
      const single = Array.from(sent, (_, at) => sent.subarray(at, at + 1));
      assert.equal(pushed(masker(each), single).toString('latin1'), shown);
    });
  }

  it('passes as it came where nothing is to be done', () => {
    const clean = masker({ ...cases[0]!, plan: ['pass', 'inspect'] });
    const message = copyData(Buffer.from('1\tclean\n2\t\\N\n'));
    const pieces: Buffer[] = [];
    const out = new Output((bytes) => pieces.push(bytes));
    clean.message(message, 0, message.length, out);
    out.flush();
    assert.deepEqual(pieces, [message]);
    assert.equal(pieces[0], message, 'not even copied');
  });

  it('keeps one row a message where it came so', () => {
    const rows = ['1\ta\n', '2\tb\n', '3\t\\N\n'].map((text) => copyData(Buffer.from(text)));
    const chunk = Buffer.concat(rows);
    const pieces: Buffer[] = [];
    const out = new Output((bytes) => pieces.push(bytes));
    const copy = masker({ ...cases[0]!, plan: ['pass', redact] });
    const [first, second] = rows.map(({ length }) => length) as [number, number];
    copy.message(chunk, 0, first, out);
    copy.message(chunk, first, first + second, out);
    copy.message(chunk, first + second, chunk.length, out);
    out.flush();
    const expected = ['1\t[redacted]\n', '2\t[redacted]\n', '3\t\\N\n'].map((text) => copyData(Buffer.from(text)));
    assert.deepEqual(Buffer.concat(pieces), Buffer.concat(expected));
  });

  it('in parts comes out as whole rows', () => {
    const pieces: Buffer[] = [];
    const out = new Output((bytes) => pieces.push(bytes));
    const copy = masker({ ...cases[0]!, plan: ['pass', redact] });
    for (const part of ['1\tsec', 'ret\n2', '\tx\n']) copy.part(Buffer.from(part), out);
    copy.finish();
    out.flush();
    assert.equal(payloads(Buffer.concat(pieces)).toString(), '1\t[redacted]\n2\t[redacted]\n');
  });

  it('that ends within a row, or before its trailer, is an error', () => {
    for (const [options, sent] of [
      [{ format: 'text' }, Buffer.from('1\ta')],
      [{ format: 'csv' }, Buffer.from('1,"a\n')],
      [{ format: 'binary' }, Buffer.concat([fileHeader(), tuple('1', '2')])],
    ] as const) {
      const copy = masker({ ...cases[0]!, options, plan: ['pass', redact] });
      assert.throws(() => pushed(copy, [sent]), { code: 'ERR_WIRE_MALFORMED' });
    }
  });

  it('of a row that is longer than can be held is an error', () => {
    const copy = masker({ ...cases[0]!, plan: ['pass', redact] });
    const out = new Output();
    const part = Buffer.alloc(1 << 20, 'x');
    assert.throws(
      () => {
        for (let i = 0; i < 17; i++) copy.part(part, out);
      },
      { code: 'ERR_WIRE_TOO_LARGE' },
    );
  });

  it('binary that is none is an error', () => {
    for (const sent of [
      Buffer.from('1\ta\n'),
      Buffer.concat([fileHeader(), int16(-2)]),
      Buffer.concat([fileHeader(), int16(1), int32(-2)]),
      Buffer.concat([fileHeader(), trailer, tuple('1', '2')]),
      Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), int32(1 << 16), int32(0), trailer]),
      Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), int32(0), int32(1 << 30), trailer]),
    ]) {
      const copy = masker({ ...cases[0]!, options: { format: 'binary' }, plan: ['pass', redact] });
      assert.throws(() => pushed(copy, [sent]), { code: 'ERR_WIRE_MALFORMED' });
    }
  });

  it('in an encoding whose characters may hold a delimiter is refused', () => {
    assert.throws(() => masker({ ...cases[0]!, options: { format: 'text', encoding: 'SJIS' } }), {
      code: 'ERR_WIRE_UNSUPPORTED',
    });
    masker({ ...cases[0]!, options: { format: 'text', encoding: 'utf-8' } });
  });

  it('with a delimiter of more than one byte is refused', () => {
    for (const options of [{ delimiter: '||' }, { delimiter: '' }, { quote: 'é' }, { escape: '' }]) {
      assert.throws(() => masker({ ...cases[0]!, options: { format: 'csv', ...options } }), {
        code: 'ERR_WIRE_UNSUPPORTED',
      });
    }
  });
});

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
