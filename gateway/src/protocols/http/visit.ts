import type { ProtocolName } from '@sallyport/shared/access/connection.ts';
import type { Denial } from '@sallyport/shared/access/verdict.ts';
import type { Backing, Exchange, Greeting, Origin, Visitor } from '../protocol.ts';
import { HttpExchange } from './exchange.ts';
import type { Waiting } from './waiting.ts';

/** Requests of one visit at once; more are turned away. */
const MAX_OPEN = 1_000;

export interface VisitParts {
  readonly protocol: ProtocolName;
  readonly connection: string;
  readonly user: string;
  /** Forgotten once it was asked for. */
  readonly secret: string;
  readonly origin: Origin;
  readonly application: string | undefined;
  /** With nothing to do for so long it is over. Milliseconds. */
  readonly idleMs: number;
}

/** All requests of one token to one connection from one address: a session, from the first to a while after the last. */
export class Visit implements Visitor {
  readonly greeting: Greeting;
  readonly #idleMs: number;
  #secret: string | undefined;
  #queue: Waiting[] = [];
  #open = 0;
  #count = 0;
  #isOver = false;
  #idle: NodeJS.Timeout | undefined;
  #wake: () => void = () => undefined;
  readonly #gone = Promise.withResolvers<void>();

  constructor({ protocol, connection, user, secret, origin, application, idleMs }: VisitParts) {
    this.greeting = { protocol, user, connection, origin, application };
    this.#secret = secret;
    this.#idleMs = idleMs;
  }

  /** False where it takes no more: it is over. */
  add(waiting: Waiting): boolean {
    if (this.#isOver) return false;
    if (this.#open + this.#queue.length >= MAX_OPEN) {
      waiting.turnAway({ reason: 'unavailable', message: `More than ${MAX_OPEN} requests of yours are open.` });
      return true;
    }
    this.#queue.push(waiting);
    this.#pause();
    void waiting.left.then(() => this.#left());
    this.#wake();
    return true;
  }

  async askSecret(): Promise<string | undefined> {
    const secret = this.#secret;
    this.#secret = undefined;
    return secret;
  }

  tell(text: string, hint: string): void {
    for (const waiting of this.#queue) waiting.notice(text, hint);
  }

  async gone(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const aborted = Promise.withResolvers<void>();
    const abort = (): void => aborted.resolve();
    signal.addEventListener('abort', abort, { once: true });
    await Promise.race([this.#gone.promise, aborted.promise]);
    signal.removeEventListener('abort', abort);
  }

  async *welcome(backing: Backing): AsyncGenerator<Exchange, void, undefined> {
    backing.signal.addEventListener('abort', () => this.close(), { once: true });
    if (backing.signal.aborted) this.close();
    this.#rest();
    while (!this.#isOver) {
      const waiting = this.#queue.shift();
      if (waiting === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
      else if (!waiting.isOver) yield this.#exchange(waiting, backing);
    }
  }

  async turnAway(denial: Denial): Promise<void> {
    this.close();
    for (const waiting of this.#queue.splice(0)) waiting.turnAway(denial);
  }

  /** Takes no more requests; those that are open go on. */
  close(): void {
    this.#isOver = true;
    clearTimeout(this.#idle);
    this.#wake();
  }

  #exchange(waiting: Waiting, backing: Backing): Exchange {
    this.#open += 1;
    this.#count += 1;
    let isOpen = true;
    return new HttpExchange(waiting, backing, this.#count, () => {
      if (!isOpen) return;
      isOpen = false;
      this.#open -= 1;
      this.#rest();
    });
  }

  /** Whoever waits to be let in and leaves, has left. */
  #left(): void {
    this.#queue = this.#queue.filter(({ isOver }) => !isOver);
    if (this.#queue.length === 0 && this.#open === 0 && this.#count === 0) {
      this.close();
      this.#gone.resolve();
    }
  }

  #rest(): void {
    if (this.#open > 0 || this.#queue.length > 0 || this.#isOver) return;
    this.#pause();
    this.#idle = setTimeout(() => this.close(), this.#idleMs).unref();
  }

  #pause(): void {
    clearTimeout(this.#idle);
    this.#idle = undefined;
  }
}
