import { isDeepStrictEqual } from 'node:util';
import type { Channel } from './channel.ts';
import { type ChannelSpec, channelOf } from './channels/channel-of.ts';
import { Courier, type CourierParts, type CourierStatus } from './courier.ts';
import { type NotableEvent, notificationOf, type Template } from './notification.ts';
import { readProgress, writeProgress } from './progress.ts';

export interface NotifierSpec extends ChannelSpec {
  /** Types, `access.*`, or `*`. */
  readonly events: readonly string[];
  readonly template?: Template | undefined;
}

export interface NamedNotifier {
  readonly name: string;
  readonly spec: NotifierSpec;
  /** Whether it is for what concerns this connection; undefined: for what concerns none. */
  readonly covers: (connection: string | undefined) => boolean;
}

export interface NumberedEvent {
  readonly sequence: number;
  readonly event: NotableEvent;
}

export interface NotificationsParts {
  /** The journal, from behind a number on, as it grows. */
  readonly journal: {
    readonly id: string;
    readonly head: { readonly sequence: number };
    read(options: { after: number; follow: true; durable: true; signal: AbortSignal }): AsyncIterable<NumberedEvent>;
  };
  /** Where it is noted how far the journal was told of. */
  readonly progressFile: string;
  /** Without a slash at its end. */
  readonly publicUrl: string;
  /** For the journal: `notifier.failing`, `notifier.recovered`, `notifier.lost`. */
  readonly tell: (type: string, data: { notifier: string; message: string; event: string }) => void;
  readonly onError: (error: unknown) => void;
  readonly channelOf?: (spec: ChannelSpec) => Channel;
}

const SAVE_MS = 1_000;

/**
 * Tells people of what the journal holds, each event at least once, in no one's way: it reads the journal behind the
 * sessions that write it, and goes on after a restart where it was.
 */
export class Notifications {
  readonly #parts: NotificationsParts;
  readonly #couriers = new Map<string, { notifier: NamedNotifier; courier: Courier }>();
  /** Numbers of events that are not done with, each with how many couriers have it. */
  readonly #open = new Map<number, number>();
  #read: number;
  #reading: { readonly stop: AbortController; readonly done: Promise<void> } | undefined;
  #saving: NodeJS.Timeout | undefined;

  constructor(parts: NotificationsParts) {
    this.#parts = parts;
    const { journal, progressFile } = parts;
    const known = readProgress(progressFile);
    const isOurs = known?.journalId === journal.id && known.sequence <= journal.head.sequence;
    this.#read = isOurs ? known.sequence : journal.head.sequence;
  }

  /** The notifiers that are in force from now on. */
  replace(notifiers: readonly NamedNotifier[]): void {
    const wanted = new Map(notifiers.map((one) => [one.name, one]));
    for (const [name, { courier }] of this.#couriers) {
      if (wanted.has(name)) continue;
      courier.close();
      this.#couriers.delete(name);
    }
    for (const notifier of notifiers) this.#put(notifier);
    if (this.#couriers.size > 0) this.#start();
    else void this.#pause();
  }

  status(): CourierStatus[] {
    return [...this.#couriers.values()].map(({ courier }) => courier.status);
  }

  /** What a notifier was set up with; undefined where there is none of that name. */
  find(name: string): NotifierSpec | undefined {
    return this.#couriers.get(name)?.notifier.spec;
  }

  /** Sends one event to one notifier now. False where there is no such notifier. @throws Undeliverable */
  async try(name: string, event: NotableEvent): Promise<boolean> {
    const found = this.#couriers.get(name);
    if (found === undefined) return false;
    await found.courier.try(notificationOf(event, this.#parts.publicUrl, found.notifier.spec.template));
    return true;
  }

  /** What was not taken is told after the next start. */
  async stop(): Promise<void> {
    await this.#pause();
    for (const { courier } of this.#couriers.values()) courier.close();
    clearTimeout(this.#saving);
    await this.#save();
  }

  #put(notifier: NamedNotifier): void {
    const { name, spec } = notifier;
    const old = this.#couriers.get(name);
    const channel = () => (this.#parts.channelOf ?? channelOf)(spec);
    if (old === undefined) {
      const courier = new Courier({ name, channel: channel(), onNews: this.#news(name) });
      this.#couriers.set(name, { notifier, courier });
      return;
    }
    if (!isDeepStrictEqual(old.notifier.spec, spec)) old.courier.use(channel());
    old.notifier = notifier;
  }

  #news(name: string): CourierParts['onNews'] {
    return ({ type, message, event }) => this.#parts.tell(`notifier.${type}`, { notifier: name, message, event });
  }

  #start(): void {
    if (this.#reading !== undefined) return;
    const stop = new AbortController();
    this.#reading = { stop, done: this.#follow(stop.signal).catch(this.#parts.onError) };
  }

  async #pause(): Promise<void> {
    const reading = this.#reading;
    this.#reading = undefined;
    reading?.stop.abort();
    await reading?.done;
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { journal } = this.#parts;
    // Where nobody was to be told, nobody is told later.
    if (this.#couriers.size === 0) return;
    for await (const { sequence, event } of journal.read({ after: this.#read, follow: true, durable: true, signal })) {
      if (signal.aborted) return;
      this.#route(sequence, event);
      this.#read = sequence;
      this.#saving ??= setTimeout(() => {
        this.#saving = undefined;
        this.#save().catch(this.#parts.onError);
      }, SAVE_MS).unref();
    }
  }

  #route(sequence: number, event: NotableEvent): void {
    // Of itself it tells the journal only: a notifier that fails would else make ever more to tell.
    if (event.type.startsWith('notifier.')) return;
    for (const { notifier, courier } of this.#couriers.values()) {
      if (!wants(notifier, event)) continue;
      this.#open.set(sequence, (this.#open.get(sequence) ?? 0) + 1);
      const notification = notificationOf(event, this.#parts.publicUrl, notifier.spec.template);
      courier.offer(notification, () => this.#done(sequence));
    }
  }

  #done(sequence: number): void {
    const left = (this.#open.get(sequence) ?? 1) - 1;
    if (left > 0) this.#open.set(sequence, left);
    else this.#open.delete(sequence);
  }

  /** Up to the first event that somebody still waits for. */
  async #save(): Promise<void> {
    const [oldest] = this.#open.keys();
    const sequence = oldest === undefined ? this.#read : Math.min(...this.#open.keys()) - 1;
    await writeProgress(this.#parts.progressFile, { journalId: this.#parts.journal.id, sequence });
  }
}

function wants({ spec, covers }: NamedNotifier, { type, connection }: NotableEvent): boolean {
  const isMeant = spec.events.some(
    (pattern) =>
      pattern === '*' || pattern === type || (pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1))),
  );
  return isMeant && covers(connection);
}
