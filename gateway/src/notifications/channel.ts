import type { Notification } from './notification.ts';

/** A way to reach people. */
export interface Channel {
  readonly kind: 'webhook' | 'slack' | 'email';
  /**
   * Resolves when the other side has taken it. The same notification may come again after a failure: its event's id
   * tells the receiver so.
   * @throws Undeliverable
   */
  send(notification: Notification, signal: AbortSignal): Promise<void>;
  close(): void;
}

/** It was not taken. The message names the channel's side and why; never an address with a secret in it. */
export class Undeliverable extends Error {
  /** Whether it may be taken later. */
  readonly mayRetry: boolean;
  /** The other side asked for so much patience. Milliseconds. */
  readonly afterMs: number | undefined;

  constructor(message: string, { mayRetry, afterMs }: { mayRetry: boolean; afterMs?: number | undefined }) {
    super(message);
    this.name = 'Undeliverable';
    this.mayRetry = mayRetry;
    this.afterMs = afterMs;
  }
}
