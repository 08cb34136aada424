import type { Target } from '@sallyport/shared/access/connection.ts';
import type { Opening } from '@sallyport/shared/tunnel/opening.ts';
import type { RequestHead } from '@sallyport/shared/wire/http/frames.ts';
import { endToEnd, type Headers, onlyValueOf, without } from '@sallyport/shared/wire/http/headers.ts';
import { authorityOf } from './address.ts';

/** Methods whose requests say that they have no body (RFC 9110, 8.6). */
const announces: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

/** The request's header, built from scratch: framing and host are ours, the client's fields behind them. */
export function outgoingHeaders(head: RequestHead, target: Target, _opening: Opening): Headers {
  const length = onlyValueOf(head.headers, 'content-length');
  const client = without(endToEnd(head.headers), 'host', 'content-length', 'sallyport-token', 'upgrade');
  return [
    ['host', authorityOf(target)],
    ...framing(head, length),
    ...(head.upgrade === undefined
      ? []
      : ([
          ['connection', 'Upgrade'],
          ['upgrade', head.upgrade],
        ] as const)),
    ...client,
  ];
}

function framing({ method, hasBody }: RequestHead, length: string | undefined): Headers {
  if (!hasBody) return announces.has(method) ? [['content-length', '0']] : [];
  return length !== undefined && /^\d{1,15}$/.test(length)
    ? [['content-length', length]]
    : [['transfer-encoding', 'chunked']];
}
