import { Code, ConnectError } from '@connectrpc/connect';
import { ErrorHintSchema } from '@sallyport/proto/api/v1/errors_pb';
import type { Denial, DenialReason } from '@sallyport/shared/access/verdict.ts';
import { ConfigError, Unavailable } from '@sallyport/shared/errors/errors.ts';

export type Log = (text: string, details?: Readonly<Record<string, unknown>>) => void;

interface Hint {
  readonly hint?: string | undefined;
  readonly code?: string | undefined;
  readonly file?: string | undefined;
  readonly line?: number | undefined;
}

/** The API's one kind of error: a code, a sentence for the person, and what to do next. */
export function problem(code: Code, message: string, { hint = '', code: stable = '', file = '', line = 0 }: Hint = {}) {
  const details =
    hint === '' && stable === '' && file === ''
      ? []
      : [{ desc: ErrorHintSchema, value: { hint, code: stable, file, line } }];
  return new ConnectError(message, code, undefined, details);
}

export const notFound = (what: string, name: string): ConnectError =>
  problem(Code.NotFound, `there is no ${what} "${name.slice(0, 128)}"`);

export const invalid = (message: string, hint?: string): ConnectError =>
  problem(Code.InvalidArgument, message, { hint });

const codes: Readonly<Record<DenialReason, Code>> = {
  unauthenticated: Code.Unauthenticated,
  forbidden: Code.PermissionDenied,
  rejected: Code.FailedPrecondition,
  expired: Code.FailedPrecondition,
  cancelled: Code.FailedPrecondition,
  ended: Code.FailedPrecondition,
  limited: Code.ResourceExhausted,
  unavailable: Code.Unavailable,
  protocol: Code.InvalidArgument,
};

export function isDenial(value: object): value is Denial {
  return 'reason' in value && 'message' in value;
}

export function refused({ reason, message, hint }: Denial): ConnectError {
  return problem(codes[reason], message, { hint });
}

/** The value, unless it is a refusal. @throws ConnectError that says what the refusal says. */
export function granted<T extends object>(value: T | Denial): T {
  if (isDenial(value)) throw refused(value);
  return value;
}

/** What a caller is told of `error`: nothing of what is inside, unless it was written for people. */
export function tell(error: unknown, log: Log): ConnectError {
  if (error instanceof ConnectError) return error;
  if (error instanceof ConfigError) {
    const { code, file, line } = error;
    return problem(Code.InvalidArgument, error.message, { code, file, line });
  }
  if (error instanceof Unavailable) {
    log('a call of the API failed: something is down', { part: error.part, error });
    return problem(Code.Unavailable, error.message, { code: error.code });
  }
  log('a call of the API failed by an error of the gateway', { error });
  return problem(Code.Internal, 'the gateway met an error of its own', { hint: "The gateway's log says more." });
}
