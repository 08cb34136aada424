import type { Denial } from '@sallyport/shared/access/verdict.ts';
import { dataFrames, endFrame, replyHeadFrame } from '@sallyport/shared/wire/http/frames.ts';
import type { Headers } from '@sallyport/shared/wire/http/headers.ts';

/** Why a request is answered by the gateway itself: what happened, and what to do next. */
export interface Problem {
  /** 400 to 599. */
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly hint?: string;
  readonly rule?: string;
  /** Further header fields of the answer. */
  readonly headers?: Headers;
}

/** A request that cannot be served as it is. */
export class RequestProblem extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

export const badRequest = (detail: string, hint?: string, status = 400): RequestProblem =>
  new RequestProblem({
    status,
    title: titles[status] ?? 'Bad request',
    detail,
    ...(hint === undefined ? {} : { hint }),
  });

const titles: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'A token is needed',
  403: 'Not allowed',
  404: 'No such connection',
  405: 'Method not served',
  408: 'The request took too long',
  413: 'The request is too large',
  421: 'Wrong host',
  431: 'The header is too large',
  501: 'Not served',
  502: 'The answer of the target cannot be passed on',
  503: 'Not available now',
};

const statuses: Readonly<Record<Denial['reason'], number>> = {
  unauthenticated: 401,
  forbidden: 403,
  rejected: 403,
  expired: 403,
  cancelled: 403,
  ended: 403,
  limited: 403,
  unavailable: 503,
  protocol: 502,
};

const challenge: Headers = [
  ['www-authenticate', 'Bearer realm="sallyport"'],
  ['www-authenticate', 'Basic realm="sallyport", charset="UTF-8"'],
];

export function problemOf({ reason, message, hint, rule }: Denial): Problem {
  const status = statuses[reason];
  return {
    status,
    title: titles[status] ?? 'Not allowed',
    detail: message,
    ...(hint === undefined ? {} : { hint }),
    ...(rule === undefined ? {} : { rule }),
    ...(status === 401 ? { headers: challenge } : status === 503 ? { headers: [['retry-after', '2']] } : {}),
  };
}

/** What the gateway answers, in the words of a protocol. */
export interface Answer {
  readonly contentType: string;
  readonly body: string;
}

/** @see RFC 9457 */
export function problemJson({ status, title, detail, hint, rule }: Problem): Answer {
  const problem = { type: 'about:blank', title, status, detail, hint, rule };
  return { contentType: 'application/problem+json', body: `${JSON.stringify(problem, null, 2)}\n` };
}

/** The whole reply as frames; `isHead` leaves the body out (RFC 9110, 9.3.2). */
export function replyFrames({ status, headers = [] }: Problem, answer: Answer, isHead: boolean): Buffer {
  const body = Buffer.from(answer.body);
  const head: Headers = [
    ['content-type', answer.contentType],
    ['content-length', String(body.length)],
    ['cache-control', 'no-store'],
    ...headers,
  ];
  const frames = [replyHeadFrame({ status, reason: '', headers: head })];
  if (!isHead) frames.push(dataFrames(body));
  return Buffer.concat([...frames, endFrame]);
}
