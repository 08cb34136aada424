import { WireError } from '../errors/errors.ts';
import type { StreamHandlers, TunnelStream } from './stream.ts';

/** What a peer may send on a new exchange before the first grant. */
export const initialCreditBytes = 256 * 1024;
/** More credit than this no peer of ours grants. */
const maxCreditBytes = 64 * 1024 * 1024;
const largestWindowBytes = 4 * 1024 * 1024;
/** Half a window consumed in less than this is a stream in full flow. */
const fullFlowMs = 25;
/** Above this much unsent, `write` says stop; below it again, `onDrain`. */
const sendQueueBytes = 256 * 1024;

/** What an exchange needs of the tunnel that carries it. */
export interface Outlet {
  /** There is something to `take`. */
  ready(exchange: TunnelExchange): void;
  grant(exchange: TunnelExchange, bytes: number): void;
  reset(exchange: TunnelExchange, message: string): void;
  forget(exchange: TunnelExchange): void;
  /** Whether so many bytes more may be promised to fast streams; given back by a negative number. */
  reserve(bytes: number): boolean;
}

/** One exchange at one end of the tunnel: a queue out, a queue in, and the credit of each. */
export class TunnelExchange implements TunnelStream {
  readonly id: number;
  readonly #outlet: Outlet;
  #handlers: StreamHandlers | undefined;
  #out: Uint8Array[] = [];
  #outBytes = 0;
  #credit = initialCreditBytes;
  #wantsDrain = false;
  #ending = false;
  #endSent = false;
  #in: Buffer[] = [];
  #window = initialCreditBytes;
  #allowed = initialCreditBytes;
  #consumed = 0;
  #grantedAt = 0;
  #paused = false;
  #delivering = false;
  #ended = false;
  #endTold = false;
  #closed = false;
  #failure: Error | undefined;

  constructor(id: number, outlet: Outlet) {
    this.id = id;
    this.#outlet = outlet;
  }

  attach(handlers: StreamHandlers): void {
    this.#handlers = handlers;
    this.#deliver();
    if (this.#closed) handlers.onClose(this.#failure);
  }

  write(bytes: Uint8Array): boolean {
    if (this.#closed || this.#ending) return false;
    if (bytes.length > 0) {
      this.#out.push(bytes);
      this.#outBytes += bytes.length;
      if (this.#credit > 0) this.#outlet.ready(this);
    }
    this.#wantsDrain = this.#outBytes >= sendQueueBytes;
    return !this.#wantsDrain;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#deliver();
  }

  end(): void {
    if (this.#ending || this.#closed) return;
    this.#ending = true;
    this.#outlet.ready(this);
  }

  destroy(error?: Error): void {
    if (this.#closed) return;
    this.#outlet.reset(this, error?.message ?? '');
    this.close(error);
  }

  /** Whether `take` would give bytes or an end. */
  get sendable(): boolean {
    if (this.#closed) return false;
    return this.#out.length > 0 ? this.#credit > 0 : this.#ending && !this.#endSent;
  }

  /** How much `take` would give in all. */
  get sendableBytes(): number {
    return this.#closed ? 0 : Math.min(this.#outBytes, this.#credit);
  }

  /** The next bytes to send, at most `limitBytes`, within the credit; undefined: the lane's end is to be sent. */
  take(limitBytes: number): Uint8Array | undefined {
    const head = this.#out[0];
    if (head === undefined) {
      this.#endSent = true;
      return undefined;
    }
    const size = Math.min(head.length, limitBytes, this.#credit);
    if (size === head.length) this.#out.shift();
    else this.#out[0] = head.subarray(size);
    this.#outBytes -= size;
    this.#credit -= size;
    return size === head.length ? head : head.subarray(0, size);
  }

  /** After `take`: tells the owner that there is room, and closes what has ended both ways. */
  taken(): void {
    if (this.#wantsDrain && this.#outBytes < sendQueueBytes / 2) {
      this.#wantsDrain = false;
      this.#handlers?.onDrain();
    }
    this.#closeWhenOver();
  }

  /** @throws WireError when the peer grants more than anybody may hold. */
  credited(bytes: number): void {
    this.#credit += bytes;
    if (this.#credit > maxCreditBytes) throw new WireError('ERR_WIRE_UNEXPECTED', 'The peer granted too much credit.');
    if (this.sendable) this.#outlet.ready(this);
  }

  /** @throws WireError when the peer sends more than it was granted. */
  received(bytes: Buffer): void {
    if (this.#closed) return;
    if (this.#ended) throw new WireError('ERR_WIRE_UNEXPECTED', 'The peer sent data after its end.');
    this.#allowed -= bytes.length;
    if (this.#allowed < 0) throw new WireError('ERR_WIRE_UNEXPECTED', 'The peer sent more than its credit.');
    this.#in.push(bytes);
    this.#deliver();
  }

  receivedEnd(): void {
    this.#ended = true;
    this.#deliver();
  }

  /** Over, without telling the peer. */
  close(error: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#failure = error;
    this.#in = [];
    this.#out = [];
    this.#outlet.reserve(initialCreditBytes - this.#window);
    this.#outlet.forget(this);
    this.#handlers?.onClose(error);
  }

  #deliver(): void {
    const handlers = this.#handlers;
    if (handlers === undefined || this.#delivering) return;
    this.#delivering = true;
    while (!this.#paused && !this.#closed && this.#in.length > 0) {
      const bytes = this.#in.shift() as Buffer;
      handlers.onData(bytes);
      this.#consume(bytes.length);
    }
    this.#delivering = false;
    if (this.#in.length > 0) return;
    if (this.#ended && !this.#endTold && !this.#closed) {
      this.#endTold = true;
      handlers.onEnd();
      this.#closeWhenOver();
    }
  }

  /** Grants in halves of the window. A stream in full flow gets a larger one: what a stalled one holds stays small. */
  #consume(bytes: number): void {
    this.#consumed += bytes;
    if (this.#consumed < this.#window / 2 || this.#closed || this.#ended) return;
    const now = performance.now();
    const wanted = now - this.#grantedAt < fullFlowMs ? Math.min(this.#window, largestWindowBytes - this.#window) : 0;
    const growth = wanted > 0 && this.#outlet.reserve(wanted) ? wanted : 0;
    const grant = this.#consumed + growth;
    this.#grantedAt = now;
    this.#window += growth;
    this.#consumed = 0;
    this.#allowed += grant;
    this.#outlet.grant(this, grant);
  }

  #closeWhenOver(): void {
    if (this.#endSent && this.#endTold) this.close(undefined);
  }
}
