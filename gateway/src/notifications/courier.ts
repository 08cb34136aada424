import { type Channel, Undeliverable } from './channel.ts';
import type { Notification } from './notification.ts';

export interface CourierStatus {
  readonly name: string;
  readonly kind: Channel['kind'];
  /** Waiting, those that failed before among them. */
  readonly pending: number;
  readonly sent: number;
  /** Given up: refused for good, stale, or one too many. */
  readonly lost: number;
  /** Why the last attempt failed; undefined once one succeeded. */
  readonly problem: string | undefined;
  /** Milliseconds since the epoch. */
  readonly lastSentAt: number | undefined;
}

export interface CourierParts {
  readonly name: string;
  /** Undefined where it cannot be made; `problem` says why. */
  readonly channel: Channel;
  /** Tells of the first failure behind a success, of the first success behind a failure, and of each that is lost. */
  readonly onNews: (news: { type: 'failing' | 'recovered' | 'lost'; message: string; event: string }) => void;
  readonly clock?: () => number;
}

interface Item {
  readonly notification: Notification;
  readonly done: () => void;
  attempts: number;
  notBefore: number;
}

const MAX_PENDING = 1_000;
const PARALLEL = 4;
const SEND_MS = 20_000;
const BACKOFF_MS = { first: 1_000, most: 5 * 60_000 };

/** Carries notifications to one channel: each until it is taken, refused for good, or stale. Nobody waits for it. */
export class Courier {
  readonly #parts: CourierParts;
  readonly #now: () => number;
  readonly #over = new AbortController();
  #channel: Channel;
  #items: Item[] = [];
  #sending = 0;
  #timer: NodeJS.Timeout | undefined;
  #sent = 0;
  #lost = 0;
  #problem: string | undefined;
  #lastSentAt: number | undefined;

  constructor(parts: CourierParts) {
    this.#parts = parts;
    this.#now = parts.clock ?? Date.now;
    this.#channel = parts.channel;
  }

  get status(): CourierStatus {
    return {
      name: this.#parts.name,
      kind: this.#channel.kind,
      pending: this.#items.length + this.#sending,
      sent: this.#sent,
      lost: this.#lost,
      problem: this.#problem,
      lastSentAt: this.#lastSentAt,
    };
  }

  /** What waits goes there from now on, at once. */
  use(channel: Channel): void {
    this.#channel.close();
    this.#channel = channel;
    for (const item of this.#items) item.notBefore = 0;
    this.#pump();
  }

  /** `done` is called when it need not be kept any more. */
  offer(notification: Notification, done: () => void): void {
    if (this.#items.length >= MAX_PENDING) this.#lose(this.#items.shift(), `more than ${MAX_PENDING} wait`);
    this.#items.push({ notification, done, attempts: 0, notBefore: 0 });
    this.#pump();
  }

  /** Sends one now, past all that waits. @throws Undeliverable */
  async try(notification: Notification): Promise<void> {
    await this.#send(notification);
  }

  /** What waits is not sent any more; it is as if it had not been read. */
  close(): void {
    this.#over.abort();
    clearTimeout(this.#timer);
    this.#items = [];
    this.#channel.close();
  }

  #pump(): void {
    clearTimeout(this.#timer);
    const now = this.#now();
    while (this.#sending < PARALLEL && !this.#over.signal.aborted) {
      const next = this.#items.findIndex(({ notBefore }) => notBefore <= now);
      if (next < 0) break;
      const [item] = this.#items.splice(next, 1);
      if (item !== undefined) void this.#attempt(item);
    }
    const soonest = Math.min(...this.#items.map(({ notBefore }) => notBefore));
    if (Number.isFinite(soonest) && this.#sending < PARALLEL) {
      this.#timer = setTimeout(() => this.#pump(), Math.max(0, soonest - now)).unref();
    }
  }

  async #attempt(item: Item): Promise<void> {
    const { notification, done } = item;
    if (notification.staleAt <= this.#now()) return this.#lose(item, 'nobody needs to hear of it any more');
    this.#sending += 1;
    try {
      await this.#send(notification);
      this.#succeeded(notification);
      done();
    } catch (error) {
      this.#failed(item, error);
    } finally {
      this.#sending -= 1;
      this.#pump();
    }
  }

  #send(notification: Notification): Promise<void> {
    return this.#channel.send(notification, AbortSignal.any([this.#over.signal, AbortSignal.timeout(SEND_MS)]));
  }

  #succeeded({ event }: Notification): void {
    this.#sent += 1;
    this.#lastSentAt = this.#now();
    if (this.#problem === undefined) return;
    this.#problem = undefined;
    this.#parts.onNews({ type: 'recovered', message: 'it is taken again', event: event.id });
  }

  #failed(item: Item, error: unknown): void {
    if (this.#over.signal.aborted) return;
    const known = error instanceof Undeliverable ? error : new Undeliverable(String(error), { mayRetry: true });
    const { message, mayRetry, afterMs } = known;
    const { id } = item.notification.event;
    if (this.#problem === undefined) this.#parts.onNews({ type: 'failing', message, event: id });
    this.#problem = message;
    if (!mayRetry) return this.#lose(item, message);
    item.attempts += 1;
    const backoff = Math.min(BACKOFF_MS.most, BACKOFF_MS.first * 2 ** (item.attempts - 1));
    item.notBefore = this.#now() + (afterMs ?? backoff * (0.75 + Math.random() / 2));
    this.#items.push(item);
  }

  #lose(item: Item | undefined, message: string): void {
    if (item === undefined) return;
    this.#lost += 1;
    this.#parts.onNews({ type: 'lost', message, event: item.notification.event.id });
    item.done();
  }
}
