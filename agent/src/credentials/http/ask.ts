import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import { transportReason } from './failure.ts';

export interface Question {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** PEM text of the authorities to trust instead of the system's. */
  readonly ca?: string | undefined;
  readonly signal?: AbortSignal;
  /** From the connection to the last byte. Default 10 s. */
  readonly timeoutMs?: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** No answer came, or none that can be used; the message follows the server's name. */
export class NoAnswer extends Error {}

export const LARGEST_ANSWER_BYTES = 1024 * 1024;

/**
 * One request on a connection of its own; follows no redirect, so that a token goes only where it was meant to.
 * @throws NoAnswer
 */
export async function ask(question: Question): Promise<Answer> {
  const { signal, timeoutMs = 10_000 } = question;
  const limit = AbortSignal.timeout(timeoutMs);
  const both = signal === undefined ? limit : AbortSignal.any([signal, limit]);
  try {
    return await exchange(question, both);
  } catch (error) {
    if (error instanceof NoAnswer) throw error;
    if (limit.aborted) throw new NoAnswer(`it gave no answer within ${timeoutMs} ms`);
    if (signal?.aborted === true) throw new NoAnswer('the attempt was given up before it answered');
    // The error itself is left out: some of them carry the request with its headers.
    throw new NoAnswer(transportReason(error));
  }
}

function exchange({ url, method, headers = {}, body, ca }: Question, signal: AbortSignal): Promise<Answer> {
  const isSecure = url.protocol === 'https:';
  const bytes = body === undefined ? undefined : Buffer.from(body);
  const options = {
    method,
    signal,
    agent: false,
    maxHeaderSize: 16 * 1024,
    headers: { ...headers, ...(bytes === undefined ? {} : { 'content-length': String(bytes.length) }) },
    ...(ca === undefined ? {} : { ca }),
  } as const;
  return new Promise((resolve, reject) => {
    const request = isSecure ? secureRequest(url, options) : plainRequest(url, options);
    request.once('error', reject);
    request.once('response', (response) => {
      const chunks: Buffer[] = [];
      let lengthBytes = 0;
      response.on('data', (chunk: Buffer) => {
        lengthBytes += chunk.length;
        if (lengthBytes <= LARGEST_ANSWER_BYTES) chunks.push(chunk);
        else request.destroy(new NoAnswer(`its answer has more than ${LARGEST_ANSWER_BYTES} bytes`));
      });
      response.once('error', reject);
      response.once('aborted', () => reject(new NoAnswer('it closed the connection in the middle of its answer')));
      response.once('end', () => {
        const { statusCode: status = 0, headers: received } = response;
        resolve({ status, headers: received, text: Buffer.concat(chunks).toString('utf8') });
      });
    });
    request.end(bytes);
  });
}

/** The answer's JSON object. @throws NoAnswer; repeats nothing of the text */
export function jsonOf({ text }: Answer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return { ...value };
  } catch {
    // The parser's own message repeats the text.
  }
  throw new NoAnswer('it answered with something other than JSON; check the address');
}
