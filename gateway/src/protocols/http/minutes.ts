import { isUtf8 } from 'node:buffer';
import type { ReplyHead, RequestHead } from '@sallyport/shared/wire/http/frames.ts';
import { type Headers, onlyValueOf } from '@sallyport/shared/wire/http/headers.ts';
import type { Scribe } from '../protocol.ts';

/** Of each body, how much is kept. Bytes. */
const MAX_KEPT_BYTES = 64 * 1024;

/** Fields whose values are worth keeping and hold no secret. */
const told: ReadonlySet<string> = new Set(
  'accept accept-encoding content-type content-length content-encoding content-range range etag if-match if-none-match last-modified location retry-after user-agent server date cache-control sec-websocket-protocol'.split(
    ' ',
  ),
);

interface Lane {
  bytes: number;
  kept: number;
  isText: boolean;
}

const lane = (): Lane => ({ bytes: 0, kept: 0, isText: false });

/** Keeps one request and its reply for replay: both heads, the start of both bodies, and how long they were. */
export class Minutes {
  readonly #id: number;
  readonly #clean: (text: Buffer) => Buffer;
  readonly #request = lane();
  readonly #reply = lane();
  #scribe: Scribe | undefined;
  #isOver = false;

  /** `clean` takes out of what the client sent what the client itself might not see. */
  constructor(id: number, clean: (text: Buffer) => Buffer) {
    this.#id = id;
    this.#clean = clean;
  }

  begin(scribe: Scribe): void {
    this.#scribe = scribe;
  }

  asked({ method, target, headers, upgrade }: RequestHead): void {
    this.#request.isText = isText(headers);
    this.#note('http.request', {
      method,
      target,
      headers: worthKeeping(headers),
      ...(upgrade === undefined ? {} : { upgrade }),
    });
  }

  sent(bytes: Buffer): void {
    this.#keep('request', this.#request, bytes, this.#clean);
  }

  answered({ status, headers }: ReplyHead): void {
    this.#reply.isText = status !== 101 && isText(headers);
    this.#note('http.response', { status, headers: worthKeeping(headers) });
  }

  shown(bytes: Buffer): void {
    this.#keep('response', this.#reply, bytes, (text) => text);
  }

  over(how: 'whole' | 'broken off'): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#note('http.end', { how, requestBytes: this.#request.bytes, responseBytes: this.#reply.bytes });
  }

  #keep(of: 'request' | 'response', into: Lane, bytes: Buffer, clean: (text: Buffer) => Buffer): void {
    into.bytes += bytes.length;
    const room = MAX_KEPT_BYTES - into.kept;
    if (!into.isText || room <= 0 || bytes.length === 0) return;
    const part = clean(bytes.subarray(0, room));
    into.kept += Math.min(room, bytes.length);
    this.#note('http.body', {
      of,
      ...(isUtf8(part) ? { text: part.toString('utf8') } : { base64: part.toString('base64') }),
    });
  }

  #note(type: string, facts: Readonly<Record<string, unknown>>): void {
    this.#scribe?.note(type, { request: this.#id, ...facts });
  }
}

const worthKeeping = (headers: Headers): Record<string, string> =>
  Object.fromEntries(headers.filter(([name]) => told.has(name)));

function isText(headers: Headers): boolean {
  const type = onlyValueOf(headers, 'content-type') ?? '';
  const isPlain = onlyValueOf(headers, 'content-encoding') === undefined;
  return (
    isPlain &&
    /^(?:text\/|application\/(?:[\w.+-]*json|[\w.+-]*xml|x-www-form-urlencoded|[\w.+-]*yaml|graphql|x-ndjson))/i.test(
      type,
    )
  );
}
