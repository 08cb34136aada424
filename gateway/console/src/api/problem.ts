import { ConnectError } from '@connectrpc/connect';
import { ErrorHintSchema } from '@sallyport/proto/api/v1/errors_pb';

/** What went wrong, in words, and what to do next where the gateway said it. */
export interface Problem {
  readonly message: string;
  readonly hint: string | undefined;
}

export function problemOf(error: unknown): Problem {
  const known = ConnectError.from(error);
  const [detail] = known.findDetails(ErrorHintSchema);
  const unreachable = known.rawMessage === 'Failed to fetch' || known.rawMessage.includes('NetworkError');
  return unreachable
    ? { message: 'The gateway cannot be reached.', hint: 'Check the network; this page tries again by itself.' }
    : { message: known.rawMessage, hint: detail?.hint === '' ? undefined : detail?.hint };
}
