/** One watcher's view of what changes: nothing is missed from the moment it was made. */
export class Feed<T> implements AsyncIterableIterator<T> {
  readonly #max: number;
  readonly #leave: (feed: Feed<T>) => void;
  #queue: T[] = [];
  #waiting: PromiseWithResolvers<IteratorResult<T, undefined>> | undefined;
  #over = false;
  #error: Error | undefined;

  /** `max`: how many changes may wait for a slow reader; one more ends the feed with an error. */
  constructor(max: number, leave: (feed: Feed<T>) => void) {
    this.#max = max;
    this.#leave = leave;
  }

  push(value: T): void {
    if (this.#over) return;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined) waiting.resolve({ done: false, value });
    else if (this.#queue.length < this.#max) this.#queue.push(value);
    else this.end(new Error(`the reader fell more than ${this.#max} changes behind: list again, then watch`));
  }

  /** What waits is still read, except behind an error. */
  end(error?: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#error = error;
    if (error !== undefined) this.#queue = [];
    this.#waiting?.resolve({ done: true, value: undefined });
    this.#waiting = undefined;
    this.#leave(this);
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    const value = this.#queue.shift();
    if (value !== undefined) return { done: false, value };
    if (this.#error !== undefined) {
      const error = this.#error;
      this.#error = undefined;
      throw error;
    }
    if (this.#over) return { done: true, value: undefined };
    this.#waiting ??= Promise.withResolvers();
    return this.#waiting.promise;
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.#queue = [];
    this.end();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
