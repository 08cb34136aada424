import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { decodeFields } from '@sallyport/shared/wire/postgres/backend.ts';
import { MessageCutter } from '@sallyport/shared/wire/postgres/cutter.ts';
import { query } from '@sallyport/shared/wire/postgres/frontend.ts';
import { startupMessage } from '@sallyport/shared/wire/postgres/startup.ts';
import { Backend } from '@sallyport/shared/wire/postgres/types.ts';
import { redactDiagnostic, redactNotification } from '../../gateway/src/protocols/postgres/masking/diagnostics.ts';
import { mayReport } from '../../gateway/src/protocols/postgres/masking/parameter-status.ts';
import { startPostgres, type TestPostgres } from '../harness/postgres.ts';

/* A real server is made to say a protected value in every way but in a row; none may come through. */

const canary = 'canary7391';
/** Some messages cut it short. */
const trace = 'cana';

/** Statements that make the server say it, and what a client is told: undefined where it is told nothing of it. */
const leaks: readonly (readonly [sql: string, told: string | undefined])[] = [
  ['select secret::int from t', 'invalid input syntax for type integer'],
  ['select secret::date from t', 'invalid date or time format'],
  ['select secret::uuid from t', 'invalid input syntax for type uuid'],
  ['select secret::json from t', 'invalid input syntax for type json'],
  ['select secret::point from t', 'invalid input syntax for type point'],
  ['select secret::regclass from t', 'relation "…" does not exist'],
  ['select secret::regtype from t', undefined],
  ['select secret::regrole from t', undefined],
  ['select secret::regproc from t', undefined],
  ['select secret::regoper from t', 'operator does not exist: …'],
  ["select (secret || '.a.b.c')::regclass from t", 'improper relation name (too many dotted names): …'],
  ["select (secret || '(')::tsquery from t", 'syntax error in tsquery: …'],
  ["select has_table_privilege(secret, 't', 'select') from t", 'role "…" does not exist'],
  ['select nextval(secret) from t', undefined],
  ['select current_setting(secret) from t', 'unrecognized configuration parameter "…"'],
  ["select to_timestamp(secret, 'YYYY-MM') from t", 'invalid date or time format'],
  ['select pg_read_file(secret) from t', undefined],
  ["select convert_from('x', secret) from t", 'invalid parameter value'],
  ['insert into t values ((select secret from t))', 'duplicate key value violates unique constraint "t_pkey"'],
  ['insert into c values ((select secret from t))', 'new row of relation "c" violates check constraint "short"'],
  ['insert into f values ((select secret || 1 from t))', undefined],
  ['insert into n select null, secret from t', 'null value in column "a" of relation "n" violates not-null constraint'],
  ["do $$ begin raise exception 'is %', (select secret from t); end $$", 'message hidden by a mask (SQLSTATE P0001)'],
  ["do $$ begin raise notice 'is %', (select secret from t); end $$", 'message hidden by a mask (SQLSTATE 00000)'],
  [
    "do $$ declare s text := (select secret from t); begin raise exception using errcode = '42P01', message = s, constraint = s, column = s, table = s, schema = s, datatype = s, hint = s, detail = s; end $$",
    'message hidden by a mask (SQLSTATE 42P01)',
  ],
  [
    "do $$ begin execute 'select * from ' || quote_ident((select secret from t)); end $$",
    'relation "…" does not exist',
  ],
  ["listen c; select pg_notify('c', secret) from t", undefined],
  ["select set_config('application_name', secret, false) from t", undefined],
];

describe('what a real server says of a protected value', () => {
  let server: TestPostgres;
  let socket: Socket;

  before(async () => {
    server = await startPostgres();
    socket = connect({ host: '127.0.0.1', port: server.port });
    await once(socket, 'connect');
    socket.write(startupMessage(Object.entries({ user: 'postgres', database: 'postgres' })));
    await replies();
    await ask(`create table t (secret text primary key); insert into t values ('${canary}');
      create table c (a text constraint short check (length(a) < 3)); create table n (a text not null, b text);
      create table f (a text references t)`);
  });
  after(async () => {
    socket.destroy();
    await server.stop();
  });

  /** Messages up to ReadyForQuery. */
  async function replies(): Promise<Buffer[]> {
    const found: Buffer[] = [];
    const cutter = new MessageCutter({ maxBufferedBytes: 1 << 20 });
    const sink = {
      message: (_type: number, buffer: Buffer, start: number, end: number) => found.push(buffer.subarray(start, end)),
    };
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
      cutter.push(chunk, sink);
      if (found.at(-1)?.[0] === Backend.ReadyForQuery) return found;
    }
    throw new Error('the server went away');
  }

  function ask(sql: string): Promise<Buffer[]> {
    const answer = replies();
    socket.write(query(sql));
    return answer;
  }

  for (const [sql, told] of leaks) {
    it(sql.slice(0, 100), async () => {
      const raw = (await ask(sql)).filter((message) => message[0] !== Backend.DataRow);
      assert.ok(Buffer.concat(raw).includes(trace), 'the server said it');
      const shown = raw.map(redacted).filter((message) => message !== undefined);
      assert.ok(!Buffer.concat(shown).includes(trace), Buffer.concat(shown).toString());
      if (told === undefined) return;
      const diagnostic = shown.find(([type]) => type === Backend.ErrorResponse || type === Backend.NoticeResponse);
      assert.equal(diagnostic && decodeFields(diagnostic, 0, diagnostic.length)['M'], told);
    });
  }

  it('its words about the statement itself come through', async () => {
    for (const [sql, said] of [
      ['select emial from t', 'column "emial" does not exist'],
      ['selec 1', 'syntax error at or near "selec"'],
      ['select * from nowhere', 'relation "nowhere" does not exist'],
      ['select 1 / 0', 'division by zero'],
    ] as const) {
      const shown = (await ask(sql)).map(redacted).find((message) => message?.[0] === Backend.ErrorResponse);
      assert.equal(shown && decodeFields(shown, 0, shown.length)['M'], said);
    }
  });
});

function redacted(message: Buffer): Buffer | undefined {
  const end = message.length;
  switch (message[0]) {
    case Backend.ErrorResponse:
    case Backend.NoticeResponse:
      return redactDiagnostic(message, 0, end);
    case Backend.NotificationResponse:
      return redactNotification(message, 0, end);
    case Backend.ParameterStatus:
      return mayReport(message, 0, end) ? message : undefined;
    default:
      return message;
  }
}
