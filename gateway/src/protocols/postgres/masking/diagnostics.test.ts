import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeFields, encodeFields, notificationResponse } from '@sallyport/shared/wire/postgres/backend.ts';
import { Backend } from '@sallyport/shared/wire/postgres/types.ts';
import { redactDiagnostic, redactNotification } from './diagnostics.ts';

const CANARY = 'canary@example.com';
const base = { S: 'ERROR', V: 'ERROR' };
const source = { F: 'int.c', L: '12', R: 'pg_strtoint32' };

function redacted(fields: Readonly<Record<string, string>>, type: number = Backend.ErrorResponse) {
  const message = encodeFields(type, { ...base, ...source, ...fields });
  const result = redactDiagnostic(message, 0, message.length);
  assert.equal(result[0], type);
  return decodeFields(result, 0, result.length);
}

describe('a diagnostic', () => {
  it('loses detail, hint, context, internal query and the place in the source; keeps severity, SQLSTATE, position and names', () => {
    const fields = redacted({
      C: '23505',
      M: 'duplicate key value violates unique constraint "users_email_key"',
      D: `Key (email)=(${CANARY}) already exists.`,
      H: CANARY,
      W: CANARY,
      q: CANARY,
      p: '3',
      P: '7',
      s: 'public',
      t: 'users',
      n: 'users_email_key',
    });
    assert.deepEqual(
      { ...fields },
      {
        ...base,
        C: '23505',
        M: 'duplicate key value violates unique constraint "users_email_key"',
        P: '7',
        s: 'public',
        t: 'users',
        n: 'users_email_key',
      },
    );
  });

  for (const [code, given, shown] of [
    ['22P02', `invalid input syntax for type integer: "${CANARY}"`, 'invalid input syntax for type integer'],
    ['22P02', `${CANARY} for type integer: "x"`, 'invalid input syntax for its type'],
    ['22P02', `malformed array literal: "${CANARY}"`, 'invalid input syntax for its type'],
    ['22001', 'value too long for type character varying(3)', 'value too long for type character varying(3)'],
    ['22001', `value too long: ${CANARY}`, 'value too long for its type'],
    ['22003', `value "${CANARY}" is out of range for type integer`, 'value out of range for its type'],
    ['22012', 'division by zero', 'division by zero'],
    ['22007', `invalid input syntax for type date: "${CANARY}"`, 'invalid date or time format'],
    ['23514', CANARY, 'new row of relation "t" violates check constraint "n"'],
    ['23503', CANARY, 'insert, update or delete on table "t" violates foreign key constraint "n"'],
    ['23502', CANARY, 'null value in column "c" of relation "t" violates not-null constraint'],
    ['P0001', CANARY, 'message hidden by a mask (SQLSTATE P0001)'],
    ['21000', CANARY, 'message hidden by a mask (SQLSTATE 21000)'],
    ['XX000', CANARY, 'message hidden by a mask (SQLSTATE XX000)'],
    ['constructor', CANARY, 'message hidden by a mask (SQLSTATE constructor)'],
    ['', CANARY, 'message hidden by a mask (SQLSTATE )'],
  ] as const) {
    it(`of SQLSTATE ${code} says: ${shown}`, () => {
      assert.equal(redacted({ C: code, M: given, c: 'c', t: 't', n: 'n' })['M'], shown);
    });
  }

  it('that speaks of the statement itself passes', () => {
    const given = {
      C: '42703',
      M: 'column "emial" does not exist',
      P: '8',
      F: 'parse_relation.c',
      R: 'errorMissingColumn',
    };
    assert.equal(redacted(given)['M'], given.M);
    assert.equal(
      redacted({ C: '42501', M: 'permission denied for table users' })['M'],
      'permission denied for table users',
    );
    assert.equal(redacted({ C: '57014', M: 'canceling statement due to user request' })['M']?.slice(0, 9), 'canceling');
  });

  it('that quotes a value as if it were a name does not', () => {
    for (const [M, shown] of [
      [`relation "${CANARY}" does not exist`, 'relation "…" does not exist'],
      [`role "a" ${CANARY} "b" does not exist`, 'role "…" does not exist'],
      [`la relation « ${CANARY} » n'existe pas`, 'message hidden by a mask (SQLSTATE 42P01)'],
      [`Relation »${CANARY}« existiert nicht`, 'message hidden by a mask (SQLSTATE 42P01)'],
    ] as const) {
      assert.equal(redacted({ C: '42P01', M })['M'], shown);
    }
  });

  it('that a procedure raised is hidden, whatever SQLSTATE and names it gave itself', () => {
    for (const source of [
      { F: 'pl_exec.c', R: 'exec_stmt_raise' },
      { F: 'plpy_elog.c', R: 'PLy_elog' },
      { F: 'plperl.c', R: 'plperl_call_perl_func' },
      { F: 'dblink.c', R: 'dblink_res_error' },
    ]) {
      for (const C of ['42703', '23505', '00000', '22P02']) {
        const M = `invalid input syntax for type ${CANARY}: "`;
        const fields = redacted({ ...source, C, M, P: '1', n: CANARY, t: CANARY, s: CANARY, c: CANARY, d: CANARY });
        assert.ok(!JSON.stringify(fields).includes(CANARY), `${source.F} ${C}`);
      }
    }
  });

  it('of unknown origin, or meant for the log, is hidden', () => {
    for (const fields of [
      { F: 'x.c', V: 'LOG' },
      { F: 'x.c', V: 'DEBUG2' },
    ]) {
      assert.equal(redacted({ C: '00000', M: CANARY, ...fields })['M'], 'message hidden by a mask (SQLSTATE 00000)');
    }
    const message = encodeFields(Backend.ErrorResponse, { S: 'ERROR', V: 'ERROR', C: '42P01', M: CANARY, P: '1' });
    const result = redactDiagnostic(message, 0, message.length);
    assert.equal(decodeFields(result, 0, result.length)['M'], 'message hidden by a mask (SQLSTATE 42P01)');
  });

  it('that is a notice stays one', () => {
    const fields = redacted(
      { C: '00000', V: 'NOTICE', S: 'NOTICE', M: `table "${CANARY}" does not exist, skipping` },
      Backend.NoticeResponse,
    );
    assert.equal(fields['M'], 'table "…" does not exist, skipping');
  });
});

describe('a notification', () => {
  it('loses its payload', () => {
    const message = notificationResponse(7, 'news', CANARY);
    assert.deepEqual(redactNotification(message, 0, message.length), notificationResponse(7, 'news', ''));
  });

  it('without one is the one that came', () => {
    const message = notificationResponse(7, 'news', '');
    assert.deepEqual(redactNotification(message, 0, message.length), message);
  });
});
