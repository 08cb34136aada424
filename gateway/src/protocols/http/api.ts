import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { Action } from '@sallyport/shared/access/action.ts';
import type { HttpFacts } from '@sallyport/shared/access/http.ts';
import { WireError } from '@sallyport/shared/errors/errors.ts';
import type { ReplyHead } from '@sallyport/shared/wire/http/frames.ts';
import { withField, without } from '@sallyport/shared/wire/http/headers.ts';
import type { Backing } from '../protocol.ts';
import type { Conversation, Dialect, DialectRequest, Outgoing, Reply } from './dialect.ts';
import { readJson } from './json/read.ts';
import { veiledReply } from './masking/reply.ts';
import { problemJson } from './problem.ts';

/** Of a body that a rule reads, or that people are to see. Bytes. */
export const MAX_BODY_BYTES = 1024 * 1024;
/** Of it, how much people are shown. Bytes. */
const MAX_SHOWN_BYTES = 8 * 1024;

const effects: Readonly<Record<string, string>> = {
  GET: 'read',
  HEAD: 'read',
  OPTIONS: 'read',
  QUERY: 'read',
  POST: 'write',
  PUT: 'write',
  PATCH: 'write',
  DELETE: 'delete',
};

/** Any API that is spoken over HTTP. */
export const apiDialect: Dialect = {
  protocol: 'http',
  answer: problemJson,
  settings: () => ({}),
  conversation: (request, backing) => new ApiConversation(request, backing),
};

class ApiConversation implements Conversation {
  readonly bodyLimitBytes: number;
  readonly #request: DialectRequest;
  readonly #backing: Backing;

  constructor(request: DialectRequest, backing: Backing) {
    this.#request = request;
    this.#backing = backing;
    this.bodyLimitBytes = backing.readsBody ? MAX_BODY_BYTES : 0;
  }

  action(body: Buffer | undefined): Action {
    const { head, target } = this.#request;
    const facts: HttpFacts = {
      method: head.method,
      path: target.path,
      query: target.query,
      host: this.#backing.connection.target.host,
    };
    const verb = head.upgrade === undefined ? head.method.toLowerCase() : 'connect';
    const effect = head.upgrade === undefined ? (effects[head.method] ?? 'unknown') : 'connect';
    return { kind: 'http.request', verb, effects: [effect], text: this.#text(body), http: withBody(facts, body) };
  }

  outgoing(body: Buffer | undefined): Outgoing {
    const { head } = this.#request;
    if (this.#backing.veil === undefined) return { head, body };
    // What was compressed, or is a part of the whole, cannot be looked at as it passes.
    const headers = withField(without(head.headers, 'range', 'if-range'), 'accept-encoding', 'identity');
    return { head: { ...head, headers }, body };
  }

  reply(head: ReplyHead): Reply {
    const { veil } = this.#backing;
    if (veil === undefined) return { head };
    if (head.status === 101) {
      throw new WireError(
        'ERR_WIRE_UNSUPPORTED',
        'A mask applies to you here, and what goes over WebSocket cannot be masked.',
      );
    }
    return veiledReply(head, this.#request, veil);
  }

  #text(body: Buffer | undefined): string {
    const { head } = this.#request;
    const line = `${head.method} ${head.target}`;
    if (!head.hasBody || !this.#backing.readsBody) return line;
    if (body === undefined) return `${line}\n\n[a body of more than ${MAX_BODY_BYTES} bytes]`;
    const digest = createHash('sha256').update(body).digest('hex');
    const shown = isUtf8(body) ? body.subarray(0, MAX_SHOWN_BYTES).toString('utf8') : '[binary]';
    return `${line}\n\n[${body.length} bytes, SHA-256 ${digest}]\n${shown}`;
  }
}

/** The body is for rules alone: copies of an action, for people and for the journal, are made without it. */
function withBody(facts: HttpFacts, body: Buffer | undefined): HttpFacts {
  const value = body === undefined ? undefined : body.length === 0 ? {} : readJson(body);
  return value === undefined ? facts : Object.defineProperty({ ...facts }, 'body', { value, enumerable: false });
}
