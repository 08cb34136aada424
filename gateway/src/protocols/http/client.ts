import { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { RawRequest } from './request.ts';

/** What node's server hands over for one request. */
export interface Client {
  readonly request: IncomingMessage | Http2ServerRequest;
  readonly response: ServerResponse | Http2ServerResponse;
  /** Where the client asked to switch protocols: the connection itself, and what it has sent behind the head. */
  readonly upgrade?: { readonly socket: Duplex; readonly head: Buffer };
}

export function rawRequest({ request, upgrade }: Client): RawRequest {
  return {
    method: request.method ?? '',
    url: request.url ?? '',
    version: request.httpVersion,
    rawHeaders: request.rawHeaders,
    endsWithHead: request instanceof IncomingMessage ? undefined : request.stream.endAfterHeaders,
    upgrades: upgrade !== undefined,
  };
}

/** A response for a request whose parser has stopped: for whatever is no 101. */
export function responseOn(request: IncomingMessage, socket: Duplex): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket as never);
  response.once('finish', () => socket.end());
  return response;
}

/** IP address of the other side, no port. */
export const addressOf = ({ request }: Client): string => (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
