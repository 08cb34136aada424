import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { bind, describe as describeMessage, execute, parse, sync } from '@sallyport/shared/wire/postgres/frontend.ts';
import { startupMessage } from '@sallyport/shared/wire/postgres/startup.ts';
import pg from 'pg';
import {
  postgresTranscript,
  type RecordedEntry,
  type TranscriptEvent,
  type TranscriptLimits,
} from '../../gateway/src/protocols/postgres/transcript/transcript.ts';
import { startPostgres, type TestPostgres } from '../harness/postgres.ts';
import { psql } from '../harness/psql.ts';
import { type Capture, startCapture } from './capture.ts';

async function* stream(entries: readonly RecordedEntry[]): AsyncGenerator<RecordedEntry> {
  yield* entries;
}

async function read(entries: readonly RecordedEntry[], limits: Partial<TranscriptLimits> = {}) {
  const events: TranscriptEvent[] = [];
  for await (const event of postgresTranscript(stream(entries), limits)) events.push(event);
  return events;
}

/** An event in short, for comparing. */
function brief(event: TranscriptEvent): string {
  switch (event.type) {
    case 'statement':
      return `> ${event.text}${event.parameters?.length ? ` (${event.parameters.join(', ')})` : ''}`;
    case 'columns':
      return `${event.guessed ? '?' : '#'} ${event.names.join('|')}`;
    case 'row':
      return `= ${event.cells.map((cell) => cell ?? '∅').join('|')}`;
    case 'error':
    case 'notice':
      return `! ${event.severity} ${event.code} ${event.message}`;
    case 'copy':
      return `copy ${event.direction} ${event.format} ${event.bytes} [${event.sample.join(' / ')}]`;
    case 'complete':
      return `. ${event.tag}`;
    default:
      return event.type;
  }
}

describe('a transcript of a PostgreSQL session', () => {
  let server: TestPostgres;
  let capture: Capture;
  before(async () => {
    server = await startPostgres();
  });
  after(() => server.stop());
  beforeEach(async () => {
    capture = await startCapture(server.port);
  });
  afterEach(() => capture.close());

  const conninfo = () => `host=127.0.0.1 port=${capture.port} user=postgres dbname=postgres sslmode=disable`;
  const run = async (script: string) => {
    await psql(conninfo(), script);
    return read(capture.entries);
  };
  const withClient = async (work: (client: pg.Client) => Promise<void>) => {
    const client = new pg.Client({ host: '127.0.0.1', port: capture.port, user: 'postgres', database: 'postgres' });
    await client.connect();
    try {
      await work(client);
    } finally {
      await client.end();
    }
  };

  it('shows what psql asked and what it got', async () => {
    const events = await run(
      "SELECT 1 AS one, NULL AS nothing, 'ä|ß' AS text;\nSELECT oops;\nDO $$BEGIN RAISE NOTICE 'hi'; END$$;\n",
    );
    assert.deepEqual(events.map(brief), [
      "> SELECT 1 AS one, NULL AS nothing, 'ä|ß' AS text;",
      '# one|nothing|text',
      '= 1|∅|ä|ß',
      '. SELECT 1',
      '> SELECT oops;',
      '! ERROR 42703 column "oops" does not exist',
      "> DO $$BEGIN RAISE NOTICE 'hi'; END$$;",
      '! NOTICE 00000 hi',
      '. DO',
    ]);
    assert.deepEqual(
      events.map(({ of }) => of),
      [undefined, 1, 1, 1, undefined, 2, undefined, undefined, 3],
    );
    const columns = events.find(({ type }) => type === 'columns');
    assert.deepEqual(columns?.type === 'columns' && [columns.types, columns.formats], [
      ['int4', 'text', 'text'],
      [0, 0, 0],
    ]);
  });

  it('keeps detail and hint of an error', async () => {
    const events = await run(
      'CREATE TEMP TABLE t (n int PRIMARY KEY);\nINSERT INTO t VALUES (1), (1);\nSELECT numberr FROM (SELECT 1 AS number) x;\n',
    );
    const errors = events.flatMap((event) => (event.type === 'error' ? [event] : []));
    assert.equal(errors[0]?.detail, 'Key (n)=(1) already exists.');
    assert.match(errors[1]?.hint ?? '', /x.number/);
  });

  it('shows each statement of a query with several', async () => {
    await withClient(async (client) => {
      await client.query("SELECT 1 AS a; SELECT 'x' AS b; SET application_name = 'me'");
    });
    const events = await read(capture.entries);
    assert.deepEqual(events.map(brief).slice(1), [
      '# a',
      '= 1',
      '. SELECT 1',
      '# b',
      '= x',
      '. SELECT 1',
      '. SET',
      'setting',
    ]);
    assert.ok(events.slice(1, -1).every(({ of }) => of === 1));
  });

  it('shows the first lines of a COPY and counts the rest', async () => {
    const events = await run("COPY (SELECT n, repeat('y', 10) FROM generate_series(1, 50) n) TO STDOUT;\n");
    const [, copy, complete] = events;
    assert.ok(copy?.type === 'copy' && complete?.type === 'complete');
    assert.equal(copy.sample.length, 20);
    assert.equal(copy.sample[1], '2\tyyyyyyyyyy');
    assert.equal(copy.bytes, 9 * 13 + 41 * 14);
    assert.equal(complete.tag, 'COPY 50');
  });

  it('says that something was copied in', async () => {
    const events = await run('CREATE TEMP TABLE t (n int);\nCOPY t FROM STDIN;\n1\n2\n\\.\n');
    assert.deepEqual(events.map(brief).slice(2), ['> COPY t FROM STDIN;', 'copy in text 0 []', '. COPY 2']);
  });

  it('shows cursors', async () => {
    const events = await run(
      'BEGIN;\nDECLARE c CURSOR FOR SELECT n FROM generate_series(1, 9) n;\nFETCH 2 FROM c;\nCOMMIT;\n',
    );
    assert.deepEqual(events.map(brief).slice(5, 9), ['# n', '= 1', '= 2', '. FETCH 2']);
  });

  it('shows extended queries with their parameters', async () => {
    await withClient(async (client) => {
      await client.query('SELECT $1::int + 1 AS next, $2::text AS said', [41, 'hi']);
      await client.query({ name: 'again', text: 'SELECT $1::text AS v', values: ['a'] });
      await client.query({ name: 'again', text: 'SELECT $1::text AS v', values: ['b'] });
      await assert.rejects(client.query('SELECT 1 / $1::int AS q', [0]));
      await client.query('SELECT 1 AS last');
    });
    const events = await read(capture.entries);
    assert.deepEqual(events.map(brief), [
      '> SELECT $1::int + 1 AS next, $2::text AS said (41, hi)',
      '# next|said',
      '= 42|hi',
      '. SELECT 1',
      '> SELECT $1::text AS v (a)',
      '# v',
      '= a',
      '. SELECT 1',
      '> SELECT $1::text AS v (b)',
      '# v',
      '= b',
      '. SELECT 1',
      '> SELECT 1 / $1::int AS q (0)',
      '! ERROR 22012 division by zero',
      '> SELECT 1 AS last',
      '# last',
      '= 1',
      '. SELECT 1',
    ]);
    assert.equal(events.at(-1)?.of, 5);
  });

  const values = `
    true::bool, (-7)::int2, 2147483647::int4, (-9223372036854775808)::int8, 3000000000::oid,
    1.5::float4, 1234567::float4, 0.1::float4, 1e-5::float4, 'NaN'::float4,
    0.1::float8, 1e15::float8, 123456789012345678::float8, 1e14::float8, 1e-5::float8, '-Infinity'::float8, 1e300::float8,
    'text ä'::text, 'v'::varchar, 'c'::char(3), 'n'::name, '{"a": 1}'::json, '{"a": [1, null]}'::jsonb,
    '6b1f9a0e-3c49-4d5b-8f7e-000102030405'::uuid, '\\x00ff10'::bytea,
    '2026-02-28'::date, '0044-03-15 BC'::date, 'infinity'::date, '99999-12-31'::date, '1900-03-01'::date,
    '2026-01-02 03:04:05.678'::timestamp, '1969-12-31 23:59:59.999999'::timestamp, '-infinity'::timestamp,
    '2026-06-30 12:00:00+02'::timestamptz, '23:59:59.5'::time,
    12345.6789::numeric, (-0.00012)::numeric, 100000000::numeric, 'NaN'::numeric, 0::numeric, 1e10::numeric(20,3), 10000::numeric
  `;

  it('reads binary values as the server would have written them', async () => {
    const text = `SELECT ${values}`;
    for (const binary of [false, true]) {
      const options = { host: '127.0.0.1', port: capture.port, user: 'postgres', database: 'postgres' };
      const client = new pg.Client({ ...options, options: '-c TimeZone=UTC' });
      await client.connect();
      await client.query({ text, binary, values: [] } as pg.QueryConfig);
      // Nothing is bound without a name or a value otherwise.
      await client.query({ text, binary, name: 'all' } as pg.QueryConfig);
      await client.end();
    }
    const events = await read(capture.entries);
    const rows = events.filter((event) => event.type === 'row').map(({ cells }) => cells);
    const formats = events.filter((event) => event.type === 'columns').map((event) => event.formats[0]);
    assert.ok(formats.includes(0) && formats.includes(1), 'both formats were sent');
    for (const row of rows) assert.deepEqual(row, rows[0]);
  });

  describe('of prepared statements that were described before', () => {
    /** Speaks the wire itself: Describe Statement once, then runs without. */
    async function speak(batches: readonly (readonly Buffer[])[]): Promise<TranscriptEvent[]> {
      const socket = connect(capture.port, '127.0.0.1');
      await once(socket, 'connect');
      socket.write(
        startupMessage([
          ['user', 'postgres'],
          ['database', 'postgres'],
        ]),
      );
      await ready(socket);
      for (const batch of batches) {
        socket.write(Buffer.concat([...batch, sync()]));
        await ready(socket);
      }
      socket.destroy();
      return read(capture.entries);
    }

    async function ready(socket: ReturnType<typeof connect>): Promise<void> {
      for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
        if ((chunk as Buffer).at(-6) === 0x5a) return;
      }
    }

    for (const format of [0, 1] as const) {
      it(`finds their columns again, in format ${format}`, async () => {
        const again = [bind({ statement: 's', resultFormats: [format] }), execute()];
        const prepared = [
          parse('s', "SELECT 7 AS n, 'x'::text AS t, 1234.5::numeric AS m"),
          describeMessage('statement', 's'),
        ];
        const events = await speak([prepared, again, again]);
        const answer = ['? n|t|m', '= 7|x|1234.5', '. SELECT 1'];
        assert.deepEqual(
          events.map(brief).filter((text) => !text.startsWith('>')),
          [...answer, ...answer],
        );
      });
    }

    it('or says that it does not know them', async () => {
      const events = await speak([[parse('', 'SELECT 7 AS n'), bind({}), execute()]]);
      assert.deepEqual(events.map(brief).slice(1), ['? ?column?', '= 7', '. SELECT 1']);
    });

    it('and goes on with a portal that had more rows', async () => {
      const events = await speak([
        [parse('', 'BEGIN'), bind({}), execute()],
        [
          parse('', 'SELECT n FROM generate_series(1, 3) n'),
          bind({ portal: 'p' }),
          describeMessage('portal', 'p'),
          execute('p', 2),
        ],
        [execute('p', 2)],
      ]);
      assert.deepEqual(events.map(brief).slice(3), ['# n', '= 1', '= 2', 'suspended', '# n', '= 3', '. SELECT 1']);
      assert.deepEqual(
        events.slice(3).map(({ of }) => of),
        [2, 2, 2, 2, 2, 2, 2],
      );
    });

    it('says nothing of which statement an answer belongs to once a pipeline broke', async () => {
      const one = (text: string) => [parse('', text), bind({}), describeMessage('portal', ''), execute()];
      const events = await speak([
        [...one('SELECT 1 AS a'), ...one('SELECT 1/0'), ...one('SELECT 2'), ...one('SELECT 3')],
        one('SELECT 4 AS later'),
      ]);
      const results = events.filter(({ type }) => type !== 'statement');
      assert.deepEqual(results.map(brief), [
        '# a',
        '= 1',
        '. SELECT 1',
        '! ERROR 22012 division by zero',
        '# later',
        '= 4',
        '. SELECT 1',
      ]);
      assert.deepEqual(
        results.map(({ of }) => of),
        [1, 1, 1, 2, undefined, undefined, undefined],
      );
    });
  });

  it('shows as many rows and as much of a value as it is told to, whatever the size', async () => {
    await withClient(async (client) => {
      await client.query('SELECT n FROM generate_series(1, 5000) n');
      await client.query("SELECT 'a' AS x, repeat('ä', 3000000) AS y, NULL AS z, 'b' AS w");
    });
    const events = await read(capture.entries, { maxRows: 3, maxCellBytes: 101 });
    assert.deepEqual(events.map(brief).slice(1), [
      '# n',
      '= 1',
      '= 2',
      '= 3',
      'omitted',
      '. SELECT 5000',
      "> SELECT 'a' AS x, repeat('ä', 3000000) AS y, NULL AS z, 'b' AS w",
      '# x|y|z|w',
      `= a|${'ä'.repeat(50)}… [6000000 bytes]|∅|b`,
      '. SELECT 1',
    ]);
    assert.deepEqual(
      events.filter((event) => event.type === 'omitted').map(({ rows }) => rows),
      [4997],
    );
  });

  it('is the same however the bytes were cut', async () => {
    const compare = async (sizes: readonly number[]) => {
      const whole = (await read(capture.entries)).map(brief);
      for (const size of sizes) {
        const cut = capture.entries.flatMap((entry) =>
          entry.kind === 'reply' ? slices(entry.payload, size).map((payload) => ({ ...entry, payload })) : [entry],
        );
        assert.deepEqual((await read(cut)).map(brief), whole);
      }
    };
    await withClient(async (client) => {
      await client.query("SELECT n, 'z' FROM generate_series(1, 2) n; SELECT oops");
    }).catch(() => {});
    await psql(conninfo(), 'COPY (SELECT 1) TO STDOUT;\n');
    await compare([1, 2, 3, 5]);
    await withClient(async (client) => {
      await client.query("SELECT n, repeat('z', 400000), n FROM generate_series(1, 2) n");
    });
    await compare([999, 100_000]);
  });

  it('never shows the key that cancels statements', async () => {
    await psql(conninfo(), 'SELECT 1;\n');
    const greeted = capture.greeting.map((payload): RecordedEntry => ({ kind: 'reply', timeUs: 0, payload }));
    const events = await read([...greeted, ...capture.entries]);
    assert.ok(events.every(({ type }) => ['setting', 'statement', 'columns', 'row', 'complete'].includes(type)));
    assert.ok(events.some((event) => event.type === 'setting' && event.name === 'server_version'));
  });
});

function slices(bytes: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
}
