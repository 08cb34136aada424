import type { ServerResponse } from 'node:http';
import { IncomingMessage } from 'node:http';
import { grouped, type Headers } from '@sallyport/shared/wire/http/headers.ts';
import type { Client } from './client.ts';
import type { Dialect } from './dialect.ts';
import type { Problem } from './problem.ts';

/** Answers a request that never became an exchange. What it still sends is not read. */
export function sendProblem(
  { request, response, upgrade }: Client,
  dialect: Pick<Dialect, 'answer'>,
  problem: Problem,
): void {
  if (response.headersSent || response.writableEnded) return;
  const { contentType, body } = dialect.answer(problem);
  const headers: Headers = [
    ['content-type', contentType],
    ['content-length', String(Buffer.byteLength(body))],
    ['cache-control', 'no-store'],
    ...(problem.headers ?? []),
  ];
  const isUnread = upgrade === undefined && request instanceof IncomingMessage && !request.complete;
  const all = isUnread ? [...headers, ['connection', 'close'] as const] : headers;
  (response as ServerResponse).writeHead(problem.status, grouped(all));
  response.end(request.method === 'HEAD' ? '' : body);
}
