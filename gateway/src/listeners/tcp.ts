import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Protocol } from '../protocols/protocol.ts';
import type { Sessions } from '../sessions/sessions.ts';

export interface Address {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

/** Open sockets of one listener; more are closed at once. */
const MAX_SOCKETS = 20_000;
/** Sockets of one address that are not yet, or no longer, sessions matter little: this bounds what one client may open. */
const MAX_SOCKETS_PER_ADDRESS = 4_000;

/** From the last byte to the end of the socket, for clients that do not close their side. */
const LINGER_MS = 5_000;

/** A TCP port on which one protocol is spoken. */
export class TcpListener {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #perAddress = new Map<string, number>();

  constructor(protocol: Protocol, sessions: Sessions) {
    this.#server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 }, (socket) => {
      const address = socket.remoteAddress ?? '';
      if (!this.#take(socket, address)) return socket.destroy();
      const origin = { address: plain(address), loopback: isLoopback(address) };
      void sessions.serve(protocol, socket, origin);
      return undefined;
    });
    this.#server.maxConnections = MAX_SOCKETS;
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

  #take(socket: Socket, address: string): boolean {
    const open = this.#perAddress.get(address) ?? 0;
    if (open >= MAX_SOCKETS_PER_ADDRESS) return false;
    this.#perAddress.set(address, open + 1);
    this.#sockets.add(socket);
    // Whoever reads the socket hears of the error by its close.
    socket.on('error', () => undefined);
    // Whoever was told goodbye and does not leave is cut off.
    socket.once('finish', () => setTimeout(() => socket.destroy(), LINGER_MS).unref());
    socket.once('close', () => {
      this.#sockets.delete(socket);
      const left = (this.#perAddress.get(address) ?? 1) - 1;
      if (left > 0) this.#perAddress.set(address, left);
      else this.#perAddress.delete(address);
    });
    return true;
  }
}

/** An IPv4 address that came in over IPv6 is written as IPv4. */
const plain = (address: string): string => address.replace(/^::ffff:/, '');
const isLoopback = (address: string): boolean => plain(address).startsWith('127.') || address === '::1';
