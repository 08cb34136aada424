import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { copyData } from '@sallyport/shared/wire/postgres/frontend.ts';
import { compileMasks } from '../../gateway/src/masking/mask-set.ts';
import { CopyMasker, type CopyOptions } from '../../gateway/src/protocols/postgres/masking/copy.ts';
import { Output } from '../../gateway/src/protocols/postgres/masking/output.ts';
import type { ColumnPlan } from '../../gateway/src/protocols/postgres/masking/plan.ts';
import { startPostgres, type TestPostgres } from '../harness/postgres.ts';

/*
 * A real server is the judge: what it copies, masked by us, must be to the byte what it copies when it is asked for
 * the masked values itself.
 */

const values = `
  create table t (id int, secret text, note text, n int, doc jsonb);
  insert into t values
    (1, 'plain', 'write to alice@example.com', 5, '{"mail": "alice@example.com"}'),
    (2, null, null, null, null),
    (3, '', '', 0, '{}'),
    (4, E'tab\\there\\nline\\r\\\\ back', E'a\\nalice@example.com\\tb', -1, '[]'),
    (5, '"quoted", ''single''', '"alice@example.com", quoted', 7, '"x"'),
    (6, '\\N', '\\.', 1, 'null'),
    (7, 'ünïcödé 🙂', 'é alice@example.com é', 2, '{"é": "ü"}'),
    (8, ';|~', ';|~', 3, '{"a": [1, 2, {"b": "alice@example.com"}]}'),
    (9, E'\\b\\f\\v', E'\\b\\f\\v', 4, '[null]'),
    (10, 'NIL', 'NIL', 9, '1'),
    (11, repeat('long', 20000), repeat('x ', 40000) || 'alice@example.com', 10, '2');
`;
const asked = 'select id, secret, note, n, doc from t order by id';
const hidden = (secret: string) => `
  select id, ${secret} as secret,
    replace(note, 'alice@example.com', '[redacted]') as note, null::int as n,
    replace(doc::text, 'alice@example.com', '[redacted]')::jsonb as doc from t order by id`;

const formats: readonly (readonly [sql: string, options: CopyOptions])[] = [
  ['', { format: 'text' }],
  ["(delimiter '|', null 'NIL')", { format: 'text', delimiter: '|', null: 'NIL' }],
  ["(null '')", { format: 'text', null: '' }],
  ['(format csv)', { format: 'csv' }],
  ['(format csv, header)', { format: 'csv', header: true }],
  ["(format csv, delimiter ';', null 'NIL')", { format: 'csv', delimiter: ';', null: 'NIL' }],
  [`(format csv, quote '''', escape '\\')`, { format: 'csv', quote: "'", escape: '\\' }],
  [`(format csv, quote '~', escape '"')`, { format: 'csv', quote: '~', escape: '"' }],
  ['(format csv, force_quote (secret, note))', { format: 'csv', forceQuote: new Set([1, 2]) }],
  ['(format csv, force_quote *)', { format: 'csv', forceQuote: true }],
  ["(format csv, delimiter 'e')", { format: 'csv', delimiter: 'e' }],
  ['(format binary)', { format: 'binary' }],
];

const veil = compileMasks([{ name: 'm', spec: { columns: ['t.secret', 't.n'], detect: ['email'] } }], {
  hashKey: Buffer.alloc(32, 1),
}).veil({ id: 'user:a', name: 'a', groups: [], claims: {} }, { name: 'db', labels: {}, protocol: 'postgres' })!;

const redact = { mask: 'm', as: 'redact' } as const;
const plan = ['pass', redact, 'inspect', redact, 'inspect'] as const;
const types = [23, 25, 25, 23, 3802];

describe('COPY of a real server', () => {
  let server: TestPostgres;

  before(async () => {
    server = await startPostgres();
    psql(values);
  });
  after(() => server.stop());

  /** psql's standard output as bytes. */
  function psql(sql: string): Buffer {
    const args = ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-c', sql, `host=127.0.0.1 port=${server.port} user=postgres`];
    return execFileSync('psql', args, { maxBuffer: 1 << 26, env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8' } });
  }

  for (const [sql, options] of formats) {
    it(`masked by us is what it masks itself: ${sql || 'text'}`, () => {
      const sent = psql(`copy (${asked}) to stdout ${sql}`);
      // Where a value may be written as NULL is, both are hidden alike.
      const isNullSure = options.format !== 'text' || options.null === undefined;
      const secret = isNullSure ? "case when secret is not null then '[redacted]' end" : "'[redacted]'";
      const expected = psql(`copy (${hidden(secret)}) to stdout ${sql}`);
      for (const pieceBytes of [sent.length, 1000, 7, 1]) {
        const got = masked(sent, options, pieceBytes);
        assert.ok(got.equals(expected), `in pieces of ${pieceBytes}: ${difference(got, expected)}`);
      }
    });
  }

  it('looks into arrays and rows, in place where they are text', () => {
    const of = (mail: string) => `array['a b', '${mail}', null], row(1, '${mail}'), array[row(2, '${mail}')]`;
    const clean = "array['a', null], row(2, 'clean', null), array[row(3, 'x')], array[[1, 2], [3, 4]]";
    const inspected = Array<'inspect'>(7).fill('inspect');
    const oids = [1009, 2249, 2287, 1009, 2249, 2287, 1007];
    const sent = (sql: string) => psql(`copy (select ${of('alice@example.com')}, ${clean}) to stdout ${sql}`);
    const text = masked(sent(''), { format: 'text' }, 5, inspected, oids);
    assert.equal(text.toString(), psql(`copy (select ${of('[redacted]')}, ${clean}) to stdout`).toString());
    const binary = masked(sent('(format binary)'), { format: 'binary' }, 5, inspected, oids);
    const nulls = `copy (select null::text[], null::record, null::record[], ${clean}) to stdout (format binary)`;
    assert.deepEqual(binary, psql(nulls));
  });
});

function masked(
  sent: Buffer,
  options: CopyOptions,
  pieceBytes: number,
  columns: ColumnPlan = plan,
  oids: readonly number[] = types,
): Buffer {
  const pieces: Buffer[] = [];
  const out = new Output((bytes) => pieces.push(bytes));
  const copy = new CopyMasker(columns, oids, options, veil);
  for (let at = 0; at < sent.length; at += pieceBytes) {
    const message = copyData(sent.subarray(at, at + pieceBytes));
    copy.message(message, 0, message.length, out);
  }
  copy.finish();
  out.flush();
  return payloads(Buffer.concat(pieces));
}

function payloads(messages: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < messages.length; at += 1 + messages.readUInt32BE(at + 1)) {
    pieces.push(messages.subarray(at + 5, at + 1 + messages.readUInt32BE(at + 1)));
  }
  return Buffer.concat(pieces);
}

function difference(got: Buffer, expected: Buffer): string {
  const at = got.findIndex((byte, i) => byte !== expected[i]);
  const near = (bytes: Buffer) => JSON.stringify(bytes.toString('latin1', Math.max(0, at - 40), at + 40));
  return `at ${at}: ${near(got)}, not ${near(expected)}`;
}
