import { Code, ConnectError } from '@connectrpc/connect';
import { ErrorHintSchema } from '@sallyport/proto/api/v1/errors_pb';

/** What the process ends with; docs/cli.md lists them. */
export const exits = { ok: 0, failed: 1, usage: 2, notSignedIn: 3, refused: 4, unavailable: 5, notFound: 6 } as const;

/** Something that the person can mend: what happened, what next, and what the process ends with. */
export class Failure extends Error {
  readonly hint: string | undefined;
  readonly exitCode: number;

  constructor(message: string, options: { hint?: string | undefined; exitCode?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = 'Failure';
    this.hint = options.hint;
    this.exitCode = options.exitCode ?? exits.failed;
  }
}

export const usage = (message: string, hint?: string): Failure => new Failure(message, { hint, exitCode: exits.usage });

const exitOf: Partial<Record<Code, number>> = {
  [Code.Unauthenticated]: exits.notSignedIn,
  [Code.PermissionDenied]: exits.refused,
  [Code.FailedPrecondition]: exits.refused,
  [Code.ResourceExhausted]: exits.unavailable,
  [Code.Unavailable]: exits.unavailable,
  [Code.DeadlineExceeded]: exits.unavailable,
  [Code.NotFound]: exits.notFound,
};

/** What the person is told of `error`. */
export function failureOf(error: unknown, url: string): Failure {
  if (error instanceof Failure) return error;
  if (!(error instanceof ConnectError))
    return new Failure(error instanceof Error ? error.message : String(error), { cause: error });
  const inner = networkFailure(error, url);
  if (inner !== undefined) return inner;
  const [detail] = error.findDetails(ErrorHintSchema);
  const hint = detail?.hint === '' ? undefined : detail?.hint;
  return new Failure(error.rawMessage, { hint, exitCode: exitOf[error.code] ?? exits.failed, cause: error });
}

const tlsCodes = /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_|ERR_TLS_CERT)/;

/** Where the gateway could not be reached, or is not the one that it was. */
function networkFailure(error: ConnectError, url: string): Failure | undefined {
  const code = codeOf(error);
  if (code === undefined) return undefined;
  if (tlsCodes.test(code)) {
    const hint = `If you trust it: sallyport login --url ${url} --fingerprint FINGERPRINT, or give its CA with --ca FILE.`;
    return new Failure(`the certificate of ${url} is not trusted (${code})`, { hint, exitCode: exits.unavailable });
  }
  const why = code === 'ECONNREFUSED' ? 'nothing listens there' : code;
  const hint = 'Is the gateway running? Another one: set SALLYPORT_URL.';
  return new Failure(`${url} cannot be reached: ${why}`, { hint, exitCode: exits.unavailable });
}

function codeOf(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as { code?: unknown };
    if (typeof code === 'string') return code;
  }
  return undefined;
}
