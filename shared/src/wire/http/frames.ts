import { WireError } from '../../errors/errors.ts';
import { type Headers, readHeaders } from './headers.ts';
import { MAX_DATA_BYTES, MAX_HEAD_BYTES } from './limits.ts';

/** The kinds of frame that one exchange of HTTP is made of. Numbers are the protocol's and never change. */
export const Frame = {
  /** First to the target. JSON of `RequestHead`. */
  RequestHead: 0x01,
  /** First to the client, but for informational heads. JSON of `ReplyHead`. After a 101, data goes raw both ways. */
  ReplyHead: 0x02,
  /** 1xx other than 101. JSON of `ReplyHead`. */
  Informational: 0x03,
  /** A part of the body, or of what goes over an upgraded connection. */
  Data: 0x04,
  /** JSON of header pairs. */
  Trailers: 0x05,
  /** The message is complete; of an upgraded connection: this side sends no more. */
  End: 0x06,
  /** The message breaks off. JSON of `{ message }`. */
  Abort: 0x07,
} as const;

export type FrameType = (typeof Frame)[keyof typeof Frame];

export interface RequestHead {
  /** Upper case, as it was sent. */
  readonly method: string;
  /** Path and query, normalised: what was judged. */
  readonly target: string;
  /** Names in lower case, in the client's order; nothing hop-by-hop, no credential of the client's. */
  readonly headers: Headers;
  /** The protocol that the client wishes to switch to, as it wrote it. */
  readonly upgrade?: string;
  readonly hasBody: boolean;
}

export interface ReplyHead {
  /** 100 to 599. */
  readonly status: number;
  readonly reason: string;
  readonly headers: Headers;
}

/** Bytes of one frame: its type, the length of what follows (4 bytes, big endian), the payload. */
export const HEADER_BYTES = 5;

export function frame(type: FrameType, payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  bytes[0] = type;
  bytes.writeUInt32BE(payload.length, 1);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

/** As many frames as the data needs; none for nothing. */
export function dataFrames(bytes: Buffer): Buffer {
  if (bytes.length <= MAX_DATA_BYTES) return bytes.length === 0 ? Buffer.alloc(0) : frame(Frame.Data, bytes);
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += MAX_DATA_BYTES) {
    parts.push(frame(Frame.Data, bytes.subarray(at, at + MAX_DATA_BYTES)));
  }
  return Buffer.concat(parts);
}

const json = (type: FrameType, value: unknown): Buffer => frame(type, Buffer.from(JSON.stringify(value)));

export const requestHeadFrame = (head: RequestHead): Buffer => json(Frame.RequestHead, head);
export const replyHeadFrame = (head: ReplyHead): Buffer => json(Frame.ReplyHead, head);
export const informationalFrame = (head: ReplyHead): Buffer => json(Frame.Informational, head);
export const trailersFrame = (trailers: Headers): Buffer => json(Frame.Trailers, trailers);
export const abortFrame = (message: string): Buffer => json(Frame.Abort, { message: message.slice(0, 1_000) });
export const endFrame: Buffer = frame(Frame.End, Buffer.alloc(0));

/** RFC 9110, 5.6.2. */
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/;

/** @throws WireError */
export function readRequestHead(payload: Buffer): RequestHead {
  const { method, target, headers, upgrade, hasBody } = objectOf(payload);
  if (typeof method !== 'string' || !token.test(method)) throw malformed('the method is no token');
  if (typeof target !== 'string' || !/^\/[\x21-\x7e]*$/.test(target)) throw malformed('the target is no path');
  if (upgrade !== undefined && (typeof upgrade !== 'string' || !/^[\x21-\x7e]{1,64}$/.test(upgrade))) {
    throw malformed('the upgrade is no protocol');
  }
  return {
    method,
    target,
    headers: readHeaders(headers),
    hasBody: hasBody === true,
    ...(upgrade === undefined ? {} : { upgrade }),
  };
}

/** @throws WireError */
export function readReplyHead(payload: Buffer): ReplyHead {
  const { status, reason, headers } = objectOf(payload);
  if (typeof status !== 'number' || !Number.isInteger(status) || status < 100 || status > 599) {
    throw malformed('the status is none');
  }
  // What may stand there is not worth an error: HTTP/2 has no reason phrase at all.
  const phrase = typeof reason === 'string' && /^[\t\x20-\x7e]{0,128}$/.test(reason) ? reason : '';
  return { status, reason: phrase, headers: readHeaders(headers) };
}

/** @throws WireError */
export const readTrailers = (payload: Buffer): Headers => readHeaders(parsed(payload));

/** @throws WireError */
export function readAbort(payload: Buffer): string {
  const { message } = objectOf(payload);
  return typeof message === 'string' ? message.slice(0, 1_000) : '';
}

function objectOf(payload: Buffer): Readonly<Record<string, unknown>> {
  const value = parsed(payload);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed('a head is no object');
  return value as Readonly<Record<string, unknown>>;
}

function parsed(payload: Buffer): unknown {
  if (payload.length > MAX_HEAD_BYTES) throw new WireError('ERR_WIRE_TOO_LARGE', 'A head of HTTP is too long.');
  try {
    return JSON.parse(payload.toString('utf8'));
  } catch {
    throw malformed('a head is no JSON');
  }
}

const malformed = (why: string): WireError =>
  new WireError('ERR_WIRE_MALFORMED', `A frame of HTTP cannot be read: ${why}.`);
