import type { Target } from '@sallyport/shared/access/connection.ts';
import type { Opening } from '@sallyport/shared/tunnel/opening.ts';
import type { RequestHead } from '@sallyport/shared/wire/http/frames.ts';
import { endToEnd, type Headers, onlyValueOf, without } from '@sallyport/shared/wire/http/headers.ts';
import { authorityOf } from './address.ts';
import { authFailed } from './authentication/failure.ts';

/** Methods whose requests say that they have no body (RFC 9110, 8.6). */
const announces: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

/** The request's header, built from scratch: framing and host are ours, the client's fields behind them. */
export function outgoingHeaders(head: RequestHead, target: Target, opening: Opening): Headers {
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
    ...(opening.protocol === 'kubernetes' ? [...impersonation(opening), ...withoutIdentity(client)] : client),
  ];
}

/** Whatever says of somebody who they are: an API server believes it of an agent that may impersonate. */
const withoutIdentity = (headers: Headers): Headers =>
  headers.filter(([name]) => !/^(?:impersonate|x-remote|x-forwarded)-/.test(name.replaceAll('_', '-')));

/** Groups of this prefix are the cluster's own: nobody is made their member from outside. */
const ownGroups = 'system:';

/**
 * Whom the request is made for, where the gateway says so.
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation
 */
function impersonation({ settings }: Opening): Headers {
  const { user, groups = '[]' } = settings;
  if (user === undefined) return [];
  if (user.startsWith(ownGroups) || !/^[\x21-\x7e]+$/.test(user))
    throw authFailed('The name of the person cannot be told to the cluster.');
  const named = (JSON.parse(groups) as string[]).filter(
    (group) => !group.startsWith(ownGroups) && /^[\x21-\x7e]+$/.test(group),
  );
  return [['impersonate-user', user], ...named.map((group) => ['impersonate-group', group] as const)];
}

function framing({ method, hasBody }: RequestHead, length: string | undefined): Headers {
  if (!hasBody) return announces.has(method) ? [['content-length', '0']] : [];
  return length !== undefined && /^\d{1,15}$/.test(length)
    ? [['content-length', length]]
    : [['transfer-encoding', 'chunked']];
}
