import type { Entry } from '@sallyport/proto/tunnel/v1/tunnel_pb';
import { WireError } from '../errors/errors.ts';
import { type Outlet, TunnelExchange } from './exchange.ts';
import { type ControlKind, controlPart, decodePacket, encodePacket, type PacketSink, type Part } from './packet.ts';

/** The stream that carries packets: a gRPC call, seen from either side. */
export interface Carrier {
  /** `done` is called when the bytes have left for the socket. */
  write(packet: Buffer, done: () => void): void;
  /** Ends the call; `error` is why, where it was not clean. */
  close(error: Error | undefined): void;
}

/** What this end makes of the entries that are not data, credit, end or reset of a living exchange. */
export interface Peer {
  /** @throws WireError: the tunnel is closed. */
  onControl(exchange: number, kind: Entry['kind']): void;
  /** Whether the exchange has ever been opened: entries that come late for one that is over are dropped. */
  known(exchange: number): boolean;
  /** An exchange is over. */
  onForgotten(exchange: number): void;
  onClose(error: Error | undefined): void;
}

/** Several frames travel in one message up to this size. */
export const packetBytes = 64 * 1024;
/** Full messages may follow each other while earlier ones are being written, up to this many bytes in all. */
const inFlightBytes = 512 * 1024;
/** What all fast streams of a tunnel may be promised beyond the first credit of each. */
const reserveBytes = 64 * 1024 * 1024;
/** Up to here a message takes its memory from Node's own pool. */
const smallPacketBytes = 4 * 1024;
/** Memory for one large message, with room for its frames' heads. */
const spareBytes = packetBytes + 4 * 1024;
const MAX_SPARE = 16;
/** What one exchange may put into a message before the next one has its turn. */
const turnBytes = 16 * 1024;

/** Merges many exchanges into one stream of packets and parts them again. */
export class Multiplexer implements Outlet, PacketSink {
  readonly #carrier: Carrier;
  readonly #peer: Peer;
  readonly #exchanges = new Map<number, TunnelExchange>();
  #controls: Part[] = [];
  readonly #ready = new Set<TunnelExchange>();
  readonly #spare: ArrayBuffer[] = [];
  #reserved = 0;
  /** Bytes of messages that are being written. */
  #inFlight = 0;
  #closed = false;

  constructor(carrier: Carrier, peer: Peer) {
    this.#carrier = carrier;
    this.#peer = peer;
  }

  get size(): number {
    return this.#exchanges.size;
  }

  has(id: number): boolean {
    return this.#exchanges.has(id);
  }

  /** A new exchange; both ends call it with the number that the gateway chose. */
  add(id: number): TunnelExchange {
    const exchange = new TunnelExchange(id, this);
    this.#exchanges.set(id, exchange);
    return exchange;
  }

  send(exchange: number, kind: ControlKind): void {
    if (this.#closed) return;
    this.#controls.push(controlPart(exchange, kind));
    this.#flush();
  }

  /** A packet arrived. Whatever is wrong with it ends the tunnel. */
  receive(packet: Buffer): void {
    if (this.#closed) return;
    try {
      decodePacket(packet, this);
    } catch (error) {
      this.close(error as Error);
    }
  }

  close(error: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const exchange of [...this.#exchanges.values()]) exchange.close(error ?? new Error('The tunnel was closed.'));
    this.#carrier.close(error);
    this.#peer.onClose(error);
  }

  onData(id: number, bytes: Buffer): void {
    const exchange = this.#exchanges.get(id);
    if (exchange !== undefined) exchange.received(bytes);
    else this.#late(id);
  }

  onControl(id: number, kind: Entry['kind']): void {
    const exchange = this.#exchanges.get(id);
    if (kind.case === 'credit' || kind.case === 'end') {
      if (exchange === undefined) return this.#late(id);
      return kind.case === 'credit' ? exchange.credited(kind.value.bytes) : exchange.receivedEnd();
    }
    if (kind.case === 'reset' && exchange !== undefined) {
      return exchange.close(kind.value.message === '' ? undefined : new Error(kind.value.message));
    }
    this.#peer.onControl(id, kind);
  }

  ready(exchange: TunnelExchange): void {
    this.#ready.add(exchange);
    this.#flush();
  }

  grant(exchange: TunnelExchange, bytes: number): void {
    this.send(exchange.id, { case: 'credit', value: { bytes } });
  }

  reset(exchange: TunnelExchange, message: string): void {
    this.send(exchange.id, { case: 'reset', value: { message } });
  }

  forget(exchange: TunnelExchange): void {
    this.#exchanges.delete(exchange.id);
    this.#ready.delete(exchange);
    this.#peer.onForgotten(exchange.id);
  }

  reserve(bytes: number): boolean {
    if (this.#reserved + bytes > reserveBytes) return false;
    this.#reserved += bytes;
    return true;
  }

  #late(id: number): void {
    if (!this.#peer.known(id)) throw new WireError('ERR_WIRE_UNEXPECTED', `Exchange ${id} was never opened.`);
  }

  /** The first frame leaves at once; what comes while it is being written leaves together, in turns, or when it fills a message. */
  #flush(): void {
    while (!this.#closed && this.#inFlight < inFlightBytes) {
      if (this.#inFlight > 0 && !this.#fillsMessage) return;
      const taken: TunnelExchange[] = [];
      const parts = this.#gather(taken);
      if (parts.length === 0) return;
      const packet = encodePacket(parts, this.#allocate);
      this.#inFlight += packet.length;
      this.#carrier.write(packet, () => this.#written(packet));
      for (const exchange of taken) exchange.taken();
    }
  }

  /** Whether what waits is enough for a whole message. */
  get #fillsMessage(): boolean {
    let waiting = 0;
    for (const exchange of this.#ready) {
      waiting += exchange.sendableBytes;
      if (waiting >= packetBytes) return true;
    }
    return false;
  }

  #written(packet: Buffer): void {
    this.#inFlight -= packet.length;
    if (
      packet.byteLength > smallPacketBytes &&
      packet.buffer.byteLength === spareBytes &&
      this.#spare.length < MAX_SPARE
    )
      this.#spare.push(packet.buffer as ArrayBuffer);
    this.#flush();
  }

  /** Large messages are made in memory that earlier ones have left: so many fresh buffers would keep the collector busy. */
  readonly #allocate = (lengthBytes: number): Buffer => {
    if (lengthBytes <= smallPacketBytes || lengthBytes > spareBytes) return Buffer.allocUnsafe(lengthBytes);
    const memory = this.#spare.pop() ?? Buffer.allocUnsafeSlow(spareBytes).buffer;
    return Buffer.from(memory as ArrayBuffer, 0, lengthBytes);
  };

  #gather(taken: TunnelExchange[]): Part[] {
    const parts = this.#controls;
    this.#controls = [];
    let room = packetBytes;
    for (const exchange of this.#ready) {
      if (room <= 0) break;
      this.#ready.delete(exchange);
      const alone = this.#ready.size === 0 && taken.length === 0;
      room -= this.#turn(exchange, alone ? room : Math.min(room, turnBytes), parts);
      taken.push(exchange);
      if (exchange.sendable) this.#ready.add(exchange);
    }
    return parts;
  }

  /** One exchange's share of a message; returns its size in bytes. */
  #turn(exchange: TunnelExchange, limitBytes: number, parts: Part[]): number {
    let used = 0;
    while (used < limitBytes && exchange.sendable) {
      const bytes = exchange.take(limitBytes - used);
      if (bytes === undefined) parts.push(controlPart(exchange.id, { case: 'end', value: {} }));
      else parts.push({ exchange: exchange.id, bytes, isData: true });
      used += bytes?.length ?? 1;
    }
    return used;
  }
}
