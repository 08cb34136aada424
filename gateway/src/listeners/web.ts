import { once } from 'node:events';
import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Address } from './tcp.ts';

/** Certificate chain and key, PEM. */
export interface ServerCertificate {
  readonly cert: string;
  readonly key: string;
}

const MAX_SOCKETS = 4_000;

/** The port of the API: HTTPS with a certificate, plain HTTP without, which is for loopback only. */
export class WebListener {
  readonly #server: Server;

  constructor(handler: RequestListener, certificate: ServerCertificate | undefined, limits: ServerOptions = {}) {
    this.#server =
      certificate === undefined
        ? createServer(limits, handler)
        : createSecureServer({ ...limits, ...certificate, minVersion: 'TLSv1.2' }, handler);
    this.#server.maxConnections = MAX_SOCKETS;
  }

  /** Resolves to the port. Rejects where the address is taken or not ours. */
  async start({ host, port }: Address): Promise<number> {
    this.#server.listen({ host, port });
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
