import { randomBytes } from 'node:crypto';
import type { Denial, DenialReason } from '@sallyport/shared/access/verdict.ts';
import { errorResponse } from '@sallyport/shared/wire/postgres/backend.ts';
import { bind, execute, parse, query } from '@sallyport/shared/wire/postgres/frontend.ts';
import { SqlState } from '@sallyport/shared/wire/postgres/types.ts';
import type { Poison } from './pipeline.ts';

/** The messages that can be refused one by one. */
export type Refusable = 'Query' | 'Parse' | 'Bind' | 'Execute' | 'FunctionCall';

const sqlStates: Readonly<Record<DenialReason, string>> = {
  unauthenticated: SqlState.invalidPassword,
  forbidden: SqlState.insufficientPrivilege,
  rejected: SqlState.insufficientPrivilege,
  expired: SqlState.insufficientPrivilege,
  cancelled: SqlState.queryCanceled,
  unavailable: SqlState.cannotConnectNow,
  ended: SqlState.adminShutdown,
  limited: SqlState.programLimitExceeded,
  protocol: SqlState.protocolViolation,
};

export function poison(denial: Denial): Poison {
  return { token: `sallyport_refused_${randomBytes(12).toString('hex')}`, denial };
}

/**
 * A message that the target itself rejects, in place of the refused one. So the transaction is aborted, the rest of
 * the pipeline skipped and the status reported exactly as after an error of the target's own.
 */
export function poisoned(kind: Refusable, statement: string, { token }: Poison): Buffer {
  switch (kind) {
    case 'Query':
    case 'FunctionCall':
      return query(token);
    case 'Parse':
      return parse(statement, token);
    case 'Bind':
      return bind({ statement: token });
    case 'Execute':
      return execute(token);
  }
}

/** The native error that a denial is told with; `FATAL` where the session ends with it. */
export function denialResponse(denial: Denial, severity: 'ERROR' | 'FATAL' = 'ERROR'): Buffer {
  const rule = denial.rule === undefined ? '' : ` (rule "${denial.rule}")`;
  return errorResponse({
    severity,
    code: sqlStates[denial.reason],
    message: `${denial.message}${rule}`,
    ...(denial.hint === undefined ? {} : { hint: denial.hint }),
  });
}
