import type { Answer, Problem } from '../http/problem.ts';

const reasons: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  408: 'Timeout',
  409: 'Conflict',
  413: 'RequestEntityTooLarge',
  422: 'Invalid',
  429: 'TooManyRequests',
  502: 'InternalError',
  503: 'ServiceUnavailable',
};

/** A Status object (k8s.io/apimachinery, meta/v1): kubectl prints its message. */
export function statusOf({ status, detail, hint, rule }: Problem): Answer {
  const text = `${detail}${/[.!?]$/.test(detail) ? '' : '.'}`;
  const message = [
    'sallyport:',
    text,
    ...(rule === undefined ? [] : [`(rule "${rule}")`]),
    ...(hint === undefined ? [] : [hint]),
  ].join(' ');
  const body = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason: reasons[status] ?? 'InternalError',
    details: {},
    code: status,
  };
  return { contentType: 'application/json', body: `${JSON.stringify(body)}\n` };
}
