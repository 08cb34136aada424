import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { responseOn } from '../protocols/http/client.ts';
import type { HttpFront } from '../protocols/http/front.ts';
import type { Address } from './tcp.ts';
import type { ServerCertificate } from './web.ts';

const MAX_SOCKETS = 20_000;
/** Sockets of one address. */
const MAX_PER_ADDRESS = 4_000;

/** Of a request's header. Bytes. */
const MAX_HEADER_BYTES = 64 * 1024;
/** From the first byte of a connection or a request to the end of its header. Milliseconds. */
export const HEAD_MS = 20_000;
const KEEP_ALIVE_MS = 75_000;
/** Requests of one HTTP/2 connection at once. */
const MAX_STREAMS = 256;

const upgrades = /^(?:websocket|spdy\/3\.1)$/i;

/** The port of HTTP APIs and Kubernetes: TLS with HTTP/2 and HTTP/1.1. Upgrades are HTTP/1.1's. */
export class HttpListener {
  readonly #server: Http2SecureServer;
  readonly #sockets = new Set<Socket>();
  readonly #perAddress = new Map<string, number>();

  constructor(
    front: HttpFront,
    certificate: ServerCertificate,
    { headMs = HEAD_MS }: { readonly headMs?: number } = {},
  ) {
    this.#server = createSecureServer({
      ...certificate,
      minVersion: 'TLSv1.2',
      allowHTTP1: true,
      handshakeTimeout: headMs,
      ...limits(headMs),
    });
    Object.assign(this.#server, http1Limits(headMs));
    this.#server.maxConnections = MAX_SOCKETS;
    const serve = (request: Http2ServerRequest, response: Http2ServerResponse): void =>
      front.serve({ request, response });
    this.#server.on('request', serve);
    // Whether it may go on is said once somebody reads on.
    this.#server.on('checkContinue', serve);
    this.#server.on('checkExpectation', serve);
    const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
      socket.on('error', () => undefined);
      front.serve({ request, response: responseOn(request, socket), upgrade: { socket, head } });
    };
    (this.#server as NodeJS.EventEmitter).on('upgrade', upgrade);
    this.#server.on('connection', (socket: Socket) => this.#take(socket));
    this.#server.on('sessionError', () => undefined);
    this.#server.on('tlsClientError', () => undefined);
  }

  /** Resolves to the port. Rejects where the address is taken or not ours. */
  async start({ host, port }: Address): Promise<number> {
    this.#server.listen({ host, port, backlog: 1024 });
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  /** Takes no more; what is open goes on until `destroy`. */
  stop(): void {
    this.#server.close();
  }

  destroy(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #take(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    const open = this.#perAddress.get(address) ?? 0;
    if (open >= MAX_PER_ADDRESS) return void socket.destroy();
    this.#perAddress.set(address, open + 1);
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      const left = (this.#perAddress.get(address) ?? 1) - 1;
      if (left > 0) this.#perAddress.set(address, left);
      else this.#perAddress.delete(address);
    });
  }
}

/** Of HTTP/2; what floods (resets, CONTINUATION, pings, settings) is bounded by nghttp2, and a connection ends by it. */
function limits(headMs: number) {
  return {
    settings: { maxConcurrentStreams: MAX_STREAMS, maxHeaderListSize: MAX_HEADER_BYTES, initialWindowSize: 256 * 1024 },
    maxSessionMemory: 16,
    maxHeaderListPairs: 256,
    maxSessionInvalidFrames: 100,
    maxSessionRejectedStreams: 100,
    unknownProtocolTimeout: headMs,
  };
}

/** Of HTTP/1.1; node reads them from the server itself. A request may take as long as its body needs. */
function http1Limits(headMs: number) {
  return {
    headersTimeout: headMs,
    requestTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
    maxHeadersCount: 512,
    insecureHTTPParser: false,
    connectionsCheckingInterval: Math.min(headMs, 5_000),
    shouldUpgradeCallback: (request: IncomingMessage) => upgrades.test(request.headers.upgrade ?? ''),
  };
}
