/** Sent and not yet acknowledged, in order. What was acknowledged out of turn waits for those before it. */
export class Flight<T extends { readonly sizeBytes: number }> {
  readonly #maxCount: number;
  readonly #maxBytes: number;
  readonly #landed: (item: T) => void;
  readonly #items: { readonly item: T; done: boolean }[] = [];
  #bytes = 0;
  #changed: (() => void) | undefined;

  /** `landed` is called once an item, in order, when it and all before it are acknowledged. */
  constructor(maxCount: number, maxBytes: number, landed: (item: T) => void) {
    this.#maxCount = maxCount;
    this.#maxBytes = maxBytes;
    this.#landed = landed;
  }

  get empty(): boolean {
    return this.#items.length === 0;
  }

  /** Returns what to call when the item is acknowledged. */
  add(item: T): () => void {
    const entry = { item, done: false };
    this.#items.push(entry);
    this.#bytes += item.sizeBytes;
    return () => {
      entry.done = true;
      this.#land();
    };
  }

  /** Resolves when there is room for more, or `signal` aborts. One caller at a time. */
  room(signal: AbortSignal): Promise<void> {
    return this.#until(() => this.#items.length < this.#maxCount && this.#bytes < this.#maxBytes, signal);
  }

  /** Resolves when nothing is in flight, or `signal` aborts. */
  landedAll(signal: AbortSignal): Promise<void> {
    return this.#until(() => this.empty, signal);
  }

  async #until(met: () => boolean, signal: AbortSignal): Promise<void> {
    while (!met() && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#changed = resolve;
      const stop = () => resolve();
      signal.addEventListener('abort', stop, { once: true });
      await promise;
      signal.removeEventListener('abort', stop);
      this.#changed = undefined;
    }
  }

  #land(): void {
    for (let first = this.#items[0]; first?.done === true; first = this.#items[0]) {
      this.#items.shift();
      this.#bytes -= first.item.sizeBytes;
      this.#landed(first.item);
    }
    this.#changed?.();
  }
}
