import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dataRow, decodeDataRow, type FieldDescription } from '@sallyport/shared/wire/postgres/backend.ts';
import { MessageCutter } from '@sallyport/shared/wire/postgres/cutter.ts';
import type { Treatment } from '../../protocol.ts';
import { Output } from './output.ts';
import { type ColumnPlan, planColumns } from './plan.ts';
import { RowMasker } from './rows.ts';
import { testVeil } from './veil-double.ts';

const TEXT = { typeOid: 25, format: 0 } as const;
const redact: Treatment = { mask: 'm', as: 'redact' };
const texts = (row: Buffer) => decodeDataRow(row, 0, row.length).map((value) => value?.toString() ?? null);
const row = (...values: (string | null)[]) =>
  dataRow(values.map((value) => (value === null ? null : Buffer.from(value))));

function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
}

describe('a masked row', () => {
  it('has only its protected values replaced', () => {
    const masker = new RowMasker(['pass', redact, 'inspect', 'pass'], [TEXT, TEXT, TEXT, TEXT], testVeil());
    const bytes = row('1', 'secret', 'a CANARY', null);
    assert.deepEqual(texts(masker.mask(bytes, 0, bytes.length)!), ['1', '[redacted]', 'a [redacted]', null]);
  });

  it('is the one that came where nothing of it changes', () => {
    const masker = new RowMasker(['pass', redact, 'inspect'], [TEXT, TEXT, TEXT], testVeil());
    const bytes = row('1', null, 'clean');
    assert.equal(masker.mask(bytes, 0, bytes.length), undefined);
  });

  it('shows nothing without a plan, or with one for another number of columns', () => {
    for (const masker of [
      new RowMasker(undefined, [TEXT, TEXT], testVeil()),
      new RowMasker(['pass'], [TEXT], testVeil()),
      new RowMasker(['pass', 'pass', 'pass'], [TEXT, TEXT, TEXT], testVeil()),
      new RowMasker(['pass', 'pass'], [TEXT], testVeil()),
    ]) {
      const bytes = row('a', 'b');
      assert.deepEqual(texts(masker.mask(bytes, 0, bytes.length)!), [null, null]);
    }
  });

  it('is idle only where a plan is known that passes everything', () => {
    assert.equal(new RowMasker(undefined, [], testVeil()).isIdle, false);
    assert.equal(new RowMasker(['pass'], [TEXT, TEXT], testVeil()).isIdle, false);
    assert.equal(new RowMasker(['pass', 'pass'], [TEXT, TEXT], testVeil()).isIdle, true);
  });

  it('must add up to its length', () => {
    const masker = new RowMasker([redact, redact], [TEXT, TEXT], testVeil());
    const bytes = row('abc', 'def');
    for (let end = 0; end < bytes.length; end++) {
      const out = new Output(() => assert.fail('nothing of it may go out'));
      assert.throws(() => masker.rewrite(bytes, 0, end, out), { code: 'ERR_WIRE_MALFORMED' }, `cut at ${end}`);
      out.flush();
    }
    const negative = row('abc', 'def');
    negative.writeInt32BE(-2, 7);
    assert.throws(() => masker.mask(negative, 0, negative.length), { code: 'ERR_WIRE_MALFORMED' });
  });

  it('equals what a simple masker says, for random rows and plans', () => {
    const next = random(7);
    const choices = [
      'pass',
      'inspect',
      redact,
      { mask: 'm', as: 'null' },
      { mask: 'm', as: 'hash' },
      { mask: 'm', as: 'partial' },
    ] as const;
    const words = ['', 'a', 'clean words', 'CANARY', 'x CANARY y', 'long '.repeat(50), 'é'.repeat(9)];
    const veil = testVeil();
    for (let round = 0; round < 300; round++) {
      const plan: ColumnPlan = Array.from({ length: next(12) }, () => choices[next(choices.length)]!);
      const masker = new RowMasker(
        plan,
        plan.map(() => TEXT),
        veil,
      );
      const rows = Array.from({ length: 1 + next(5) }, () =>
        plan.map(() => (next(5) === 0 ? null : words[next(words.length)]!)),
      );
      const chunk = Buffer.concat(rows.map((values) => row(...values)));
      const pieces: Buffer[] = [];
      const out = new Output((bytes) => pieces.push(bytes));
      for (let at = 0; at < chunk.length; at += 1 + chunk.readUInt32BE(at + 1)) {
        const end = at + 1 + chunk.readUInt32BE(at + 1);
        if (!masker.rewrite(chunk, at, end, out)) out.pass(chunk, at, end);
      }
      out.flush();
      const expected = rows.map((values) => values.map((value, i) => expectedOf(plan[i]!, value)));
      assert.deepEqual(decodedRows(Buffer.concat(pieces)), expected);
    }

    function expectedOf(planned: ColumnPlan[number], value: string | null): string | null {
      if (value === null || planned === 'pass') return value;
      if (planned === 'inspect') return value.replaceAll('CANARY', '[redacted]');
      return veil.replace(Buffer.from(value), planned)?.toString() ?? null;
    }
  });
});

function decodedRows(bytes: Buffer): (string | null)[][] {
  const rows: (string | null)[][] = [];
  const cutter = new MessageCutter({ maxBufferedBytes: 1 << 20 });
  cutter.push(bytes, {
    message: (_type, buffer, start, end) =>
      rows.push(decodeDataRow(buffer, start, end).map((value) => value?.toString() ?? null)),
  });
  cutter.finish();
  return rows;
}

describe('a row of random bytes', () => {
  it('never makes the masker fail', () => {
    const next = random(11);
    const oids = [17, 25, 114, 1009, 2249, 2287, 3802, 17_000];
    for (let round = 0; round < 2000; round++) {
      const value = Buffer.from(Array.from({ length: next(40) }, () => (next(3) === 0 ? next(256) : next(3))));
      const typeOid = oids[next(oids.length)]!;
      const format = next(2) === 0 ? 0 : 1;
      const bytes = dataRow([value]);
      const shown = new RowMasker(['inspect'], [{ typeOid, format }], testVeil()).mask(bytes, 0, bytes.length);
      if (shown !== undefined) assert.equal(decodedRows(shown).length, 1);
    }
  });
});

describe('output', () => {
  it('keeps the order, and passes neighbours as one piece of what arrived', () => {
    const chunk = Buffer.concat([row('a'), row('b'), row('c'), row('d'.repeat(2000)), row('e')]);
    const masker = new RowMasker([redact], [TEXT], testVeil());
    const ends: number[] = [0];
    for (let at = 0; at < chunk.length; at = ends.at(-1)!) ends.push(at + 1 + chunk.readUInt32BE(at + 1));
    const pieces: Buffer[] = [];
    const out = new Output((bytes) => pieces.push(bytes));
    out.pass(chunk, ends[0]!, ends[1]!);
    out.pass(chunk, ends[1]!, ends[2]!);
    assert.ok(masker.rewrite(chunk, ends[2]!, ends[3]!, out));
    out.pass(chunk, ends[3]!, ends[4]!);
    out.pass(chunk, ends[4]!, ends[5]!);
    out.flush();
    assert.deepEqual(
      pieces.map((piece) => piece.buffer === chunk.buffer),
      [true, false, true],
    );
    assert.deepEqual(decodedRows(Buffer.concat(pieces)), [['a'], ['b'], ['[redacted]'], ['d'.repeat(2000)], ['e']]);
  });

  it('passes unchanged neighbours as one even where messages between them were begun and taken back', () => {
    const chunk = Buffer.concat([row('a'), row('b')]);
    const end = row('a').length;
    const pieces: Buffer[] = [];
    const out = new Output((bytes) => pieces.push(bytes));
    out.pass(chunk, 0, end);
    out.open(0x44);
    out.int32(7);
    out.cancel();
    out.pass(chunk, end, chunk.length);
    out.flush();
    assert.deepEqual(pieces, [chunk]);
  });

  it('never writes again what it has handed out', () => {
    const masker = new RowMasker([redact, 'pass'], [TEXT, TEXT], testVeil());
    const pieces: Buffer[] = [];
    const copies: Buffer[] = [];
    const out = new Output((bytes) => {
      pieces.push(bytes);
      copies.push(Buffer.from(bytes));
    });
    for (let i = 0; i < 3000; i++) {
      const bytes = row('secret', `row ${i} ${'x'.repeat(i % 300)}`);
      masker.rewrite(bytes, 0, bytes.length, out);
      if (i % 7 === 0) out.flush();
    }
    out.flush();
    assert.deepEqual(pieces, copies);
    assert.equal(decodedRows(Buffer.concat(pieces)).length, 3000);
  });
});

describe('a plan', () => {
  const field = (tableOid: number, columnNumber: number): FieldDescription => ({
    name: 'c',
    tableOid,
    columnNumber,
    typeOid: 25,
    typeLength: -1,
    typeModifier: -1,
    format: 0,
  });
  const owner = ({ tableOid, columnNumber }: FieldDescription) => {
    if (tableOid === 0) return undefined;
    if (tableOid !== 1) return 'unknown';
    return ['public', 'users', columnNumber === 2 ? 'ssn' : 'id'];
  };
  const veil = testVeil();

  it('is the stricter of lineage and description', () => {
    const fields = [field(1, 1), field(1, 2), field(0, 0), field(0, 0), field(1, 2)];
    const lineage: ColumnPlan = ['pass', 'pass', 'inspect', redact, redact];
    assert.deepEqual(planColumns(fields, lineage, veil, owner), [
      'pass',
      { mask: 'm', as: 'hash' },
      'inspect',
      redact,
      redact,
    ]);
  });

  it('protects a whole row of a protected table, and what is stored where nobody knows', () => {
    assert.deepEqual(planColumns([field(1, 0), field(9, 1)], ['pass', 'pass'], veil, owner), [
      veil.unknown,
      veil.unknown,
    ]);
  });

  it('protects everything without a lineage that fits', () => {
    assert.deepEqual(planColumns([field(0, 0)], undefined, veil, owner), [veil.unknown]);
    assert.deepEqual(planColumns([field(0, 0)], ['pass', 'pass'], veil, owner), [veil.unknown]);
  });
});
