import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { ApprovalState } from '@sallyport/proto/api/v1/approvals_pb';
import { type TranscriptEvent, TranscriptEventSchema } from '@sallyport/proto/api/v1/transcript_pb';
import { colours, noStyle } from '../terminal/style.ts';
import { follow, play } from './player.ts';
import { TranscriptPrinter } from './printer.ts';

type Init = NonNullable<MessageInitShape<typeof TranscriptEventSchema>['event']>;

const event = (atMs: number, init: Init): TranscriptEvent =>
  create(TranscriptEventSchema, { atUs: BigInt(atMs * 1000), event: init });
const statement = (atMs: number, text: string, parameters: { text?: string }[] = []) =>
  event(atMs, { case: 'statement', value: { text, parameters, rule: 'reads', verdict: 'allow' } });
const columns = (...list: [string, string][]) =>
  event(1, { case: 'columns', value: { columns: list.map(([name, type]) => ({ name, type })) } });
const row = (...cells: (string | null)[]) =>
  event(1, { case: 'row', value: { cells: cells.map((text) => (text === null ? {} : { text })) } });
const complete = (tag: string) => event(1, { case: 'complete', value: { tag } });

function printed(events: readonly TranscriptEvent[], width: number | undefined = undefined): string {
  const printer = new TranscriptPrinter(width, noStyle);
  return events.map((each) => printer.print(each)).join('') + printer.flush();
}

describe('a replay shows', () => {
  it('a result as psql does: aligned, numbers to the right, NULL said', () => {
    assert.equal(
      printed([
        statement(1234, 'select id, name from users'),
        columns(['id', 'int4'], ['name', 'text']),
        row('1', 'Ada'),
        row('20', null),
        complete('SELECT 2'),
      ]),
      [
        '',
        '0:00:01.234  select id, name from users',
        '    allowed by rule "reads"',
        ' id | name ',
        '----+------',
        '  1 | Ada',
        ' 20 | NULL',
        'SELECT 2',
        '',
      ].join('\n'),
    );
  });

  it('a result that is wider than the terminal record by record', () => {
    assert.equal(
      printed(
        [columns(['id', 'int4'], ['note', 'text']), row('1', 'x'.repeat(40)), row('2', null), complete('SELECT 2')],
        30,
      ),
      [
        '-[ RECORD 1 ]-----------------',
        'id   | 1',
        `note | ${'x'.repeat(40)}`,
        '-[ RECORD 2 ]-----------------',
        'id   | 2',
        'note | NULL',
        'SELECT 2',
        '',
      ].join('\n'),
    );
  });

  it('a result without rows with its head', () => {
    assert.equal(printed([columns(['a', 'text']), complete('SELECT 0')]), ' a \n---\nSELECT 0\n');
  });

  it('parameters, refusals, approvals, errors, notices, copies, gaps and the end', () => {
    const text = printed([
      statement(0, 'select $1, $2', [{ text: "it's" }, {}]),
      event(10, {
        case: 'refused',
        value: { text: 'drop table users', rule: 'no-ddl', message: 'DROP is not allowed', hint: 'Ask the DBAs.' },
      }),
      event(20, {
        case: 'approval',
        value: { id: 'a1', state: ApprovalState.PENDING, rule: 'deletes', text: 'delete from t' },
      }),
      event(30, {
        case: 'error',
        value: { severity: 'ERROR', code: '42P01', message: 'relation "x" does not exist', hint: 'Look again.' },
      }),
      event(40, { case: 'notice', value: { severity: 'NOTICE', message: 'table is empty', detail: 'really' } }),
      event(50, { case: 'copy', value: { inward: true, bytes: 12_345n } }),
      event(60, { case: 'gap', value: { reason: 'the recording ends here: the gateway was killed', bytes: 10n } }),
      event(3_723_004, { case: 'end', value: { reason: 'the client left' } }),
    ]);
    for (const line of [
      "    $1 = 'it's'",
      '    $2 = NULL',
      '0:00:00.010  drop table users',
      '    refused: DROP is not allowed (rule "no-ddl")',
      '    Ask the DBAs.',
      '    approval a1 (rule "deletes") pending: delete from t',
      'ERROR:  relation "x" does not exist (42P01)',
      'HINT:  Look again.',
      'NOTICE:  table is empty',
      'DETAIL:  really',
      '    copy in: 12.3 kB',
      '    … the recording ends here: the gateway was killed (10 bytes not shown)',
      '1:02:03.004  session ended: the client left',
    ]) {
      assert.ok(text.split('\n').includes(line), `${line}\n---\n${text}`);
    }
  });

  it('nothing that a terminal would obey, wherever it comes from', () => {
    const evil = 'a\x1b]0;owned\x07\x9b2J\u202eb';
    const value = {
      text: evil,
      rule: evil,
      message: evil,
      hint: evil,
      detail: evil,
      code: evil,
      severity: evil,
      id: evil,
      reason: evil,
      tag: evil,
    };
    const all = (['statement', 'refused', 'error', 'notice', 'approval', 'end', 'gap', 'complete'] as const).map(
      (each) =>
        // Each message takes what it has of these.
        event(0, { case: each, value: pick(each, value) } as Init),
    );
    const text = printed([
      ...all,
      statement(0, evil, [{ text: evil }]),
      event(0, { case: 'copy', value: { data: evil } }),
      columns([evil, evil]),
      row(evil),
    ]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    assert.doesNotMatch(text, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
    assert.ok(text.includes('a\\x1b]0;owned\\x07\\x9b2J\\u202eb'));
  });

  it('the output of a terminal without what would harm this one, and nothing but text where there is none', () => {
    const events = [
      event(0, { case: 'output', value: { data: Uint8Array.from([0x1b, 0x5b, 0x31, 0x6d, 0xc3]) } }),
      event(1, { case: 'output', value: { data: Uint8Array.from([0xa9, ...Buffer.from('\x1b]52;c;eA==\x07!\r\n')]) } }),
      event(2, { case: 'transfer', value: { name: 'a\x1b[2J', inward: true, bytes: 12n, sha256: 'ab' } }),
      event(3, { case: 'exit', value: { code: 0 } }),
    ];
    const shown = (isTerminal: boolean) => {
      const printer = new TranscriptPrinter(80, noStyle, isTerminal);
      return events.map((each) => printer.print(each)).join('');
    };
    const notes = '    file in: a\\x1b[2J, 12 bytes, SHA-256 ab\n    exit 0\n';
    assert.equal(shown(true), `\x1b[1mé!\r\n${notes}`);
    assert.equal(shown(false), `é!\n${notes}`);
  });

  it('colours only where they are wanted', () => {
    const printer = new TranscriptPrinter(80, colours);
    assert.ok(printer.print(event(0, { case: 'error', value: { message: 'no' } })).startsWith('\x1b[31m'));
  });
});

const fields: Readonly<Record<string, readonly string[]>> = {
  statement: ['text', 'rule'],
  refused: ['text', 'rule', 'message', 'hint'],
  error: ['severity', 'code', 'message', 'detail', 'hint'],
  notice: ['severity', 'code', 'message', 'detail', 'hint'],
  approval: ['id', 'rule', 'message', 'text'],
  end: ['reason'],
  gap: ['reason'],
  complete: ['tag'],
};

function pick(kind: string, value: Readonly<Record<string, string>>): Record<string, string | undefined> {
  return Object.fromEntries((fields[kind] ?? []).map((field) => [field, value[field]]));
}

describe('memory', () => {
  it('holds a hundred rows of a table, whatever its length', () => {
    const printer = new TranscriptPrinter(80, noStyle);
    printer.print(columns(['n', 'int4']));
    const lengths = Array.from({ length: 250 }, (_, at) => printer.print(row(String(at))).length);
    assert.equal(
      lengths.findIndex((length) => length > 0),
      99,
    );
    assert.ok(lengths.slice(100).every((length) => length > 0));
  });

  it('shows the beginning of a value that is very long', () => {
    assert.match(printed([columns(['a', 'text']), row('x'.repeat(5000))]), /x… \(3000 more characters\)/);
  });
});

describe('the pace', () => {
  const events = [
    statement(0, 'select 1'),
    statement(1000, 'select 2'),
    statement(61_000, 'select 3'),
    statement(61_000, 'select 4'),
  ];

  async function pauses(speed: number, maxPauseMs = 3000): Promise<number[]> {
    const waited: number[] = [];
    const wait = async (ms: number) => waited.push(ms);
    const printer = new TranscriptPrinter(undefined, noStyle);
    await play(
      batches(events),
      { speed, maxPauseMs },
      { printer, write: async () => {}, signal: new AbortController().signal, wait },
    );
    return waited;
  }

  it('is as it was, with long pauses cut', async () => assert.deepEqual(await pauses(1), [1000, 3000]));
  it('is scaled', async () => assert.deepEqual(await pauses(2), [500, 1500]));
  it('is without pauses at full speed', async () => assert.deepEqual(await pauses(Number.POSITIVE_INFINITY), []));

  it('shows what is held of a table before a pause', async () => {
    const seen: string[] = [];
    const list = [columns(['a', 'text']), row('first'), statement(5000, 'select 2')];
    const wait = async () => seen.push('pause');
    const printer = new TranscriptPrinter(undefined, noStyle);
    const write = async (text: string) => void (text !== '' && seen.push(text));
    await play(
      batches(list),
      { speed: 1, maxPauseMs: 3000 },
      { printer, write, signal: new AbortController().signal, wait },
    );
    assert.ok(seen.findIndex((text) => text.includes('first')) < seen.indexOf('pause'));
  });

  it('of a living session is its own: each batch is seen at once', async () => {
    let text = '';
    const printer = new TranscriptPrinter(undefined, noStyle);
    const write = async (more: string) => {
      text += more;
    };
    const source = async function* () {
      yield { events: [columns(['a', 'text']), row('seen')] };
      assert.match(text, /seen/);
    };
    await follow(source(), { printer, write, signal: new AbortController().signal });
  });
});

async function* batches(events: readonly TranscriptEvent[]) {
  yield { events: events.slice(0, 1) };
  yield { events: events.slice(1) };
}
