import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Log } from './problems.ts';

/** What others call when people press their buttons. */
export interface HooksPort {
  /** A button in Slack, for the notifier of that name. Resolves when it is known who may see what of it. */
  slack(
    notifier: string,
    headers: IncomingHttpHeaders,
    body: string,
  ): Promise<{ readonly status: number; readonly text: string }>;
}

const MAX_BODY_BYTES = 64 * 1024;
const path = /^\/hooks\/slack\/([A-Za-z0-9._-]{1,256})$/;

export const isHook = (url: string): boolean => path.test(url);

/** Serves a call that `isHook`; it proves by its signature who makes it. Never rejects. */
export async function serveHook(
  port: HooksPort,
  request: IncomingMessage,
  response: ServerResponse,
  log: Log,
): Promise<void> {
  const answer = (status: number, text: string): void => {
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
    response.end(text);
  };
  try {
    const [, notifier = ''] = path.exec((request.url ?? '').split('?')[0] ?? '') ?? [];
    if (request.method !== 'POST') return answer(405, 'POST is served here\n');
    const body = await readBody(request);
    if (body === undefined) return answer(413, 'the body is too large\n');
    const { status, text } = await port.slack(notifier, request.headers, body);
    answer(status, text);
  } catch (error) {
    log('a call from Slack failed', { error });
    if (!response.headersSent) answer(500, '');
  }
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let lengthBytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    lengthBytes += chunk.length;
    if (lengthBytes > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
