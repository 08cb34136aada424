import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

/** What the target saw of one request. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
  readonly headers: IncomingMessage['headers'];
  body: string;
  aborted: boolean;
}

type Handler = (request: IncomingMessage, response: ServerResponse, seen: Seen) => void;

/** An HTTP API of the tests' own: remembers what it was asked, and answers as the path says. */
export class ApiTarget {
  readonly seen: Seen[] = [];
  readonly #server: Server;
  readonly #handlers = new Map<string, Handler>();
  #changed: () => void = () => undefined;

  private constructor(secure: ServerOptions | undefined) {
    this.#server = secure === undefined ? createServer() : createSecureServer(secure);
    this.#server.on('request', (request, response) => this.#serve(request, response));
    this.#server.on('checkContinue', (request, response) => {
      if (request.url !== '/no-continue') response.writeContinue();
      this.#serve(request, response);
    });
    this.#server.on('upgrade', (request, socket) => this.#upgrade(request, socket));
  }

  static async start(secure?: ServerOptions): Promise<ApiTarget> {
    const target = new ApiTarget(secure);
    target.#server.listen(0, '127.0.0.1');
    await once(target.#server, 'listening');
    return target;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get last(): Seen {
    return this.seen.at(-1) as Seen;
  }

  /** `handler` answers this path from now on. */
  on(path: string, handler: Handler): void {
    this.#handlers.set(path, handler);
  }

  /** Resolves when something that it saw is as wanted. */
  async until(wanted: (seen: readonly Seen[]) => boolean): Promise<void> {
    while (!wanted(this.seen)) await new Promise<void>((resolve) => (this.#changed = resolve));
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const seen = this.#note(request);
    const path = (request.url ?? '').split('?')[0] as string;
    const handler = this.#handlers.get(path) ?? echo;
    response.once('close', () => {
      seen.aborted = !response.writableFinished;
      this.#changed();
    });
    handler(request, response, seen);
  }

  #upgrade(request: IncomingMessage, socket: Duplex): void {
    this.#note(request);
    socket.on('error', () => socket.destroy());
    if (request.url === '/refuses') {
      return void socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 7\r\nConnection: close\r\n\r\nnot you');
    }
    if (request.url === '/other') {
      return void socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n');
    }
    const accept = createHash('sha1')
      .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    socket.on('data', (chunk) => socket.write(unmasked(chunk)));
    socket.on('end', () => socket.end());
  }

  #note(request: IncomingMessage): Seen {
    const { method = '', url = '', rawHeaders, headers } = request;
    const seen: Seen = { method, url, rawHeaders, headers, body: '', aborted: false };
    this.seen.push(seen);
    this.#changed();
    return seen;
  }
}

/** Says what it was asked. */
const echo: Handler = (request, response, seen) => {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    seen.body = Buffer.concat(parts).toString('utf8');
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ method: seen.method, url: seen.url, body: seen.body }));
  });
};

/** A short WebSocket frame of a client as a server would send it back (RFC 6455, 5.2). */
function unmasked(frame: Buffer): Buffer {
  const length = (frame[1] as number) & 0x7f;
  const mask = frame.subarray(2, 6);
  const text = frame.subarray(6, 6 + length).map((byte, index) => byte ^ (mask[index % 4] as number));
  return Buffer.concat([Buffer.from([frame[0] as number, length]), text]);
}
