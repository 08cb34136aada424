/** What comes one after another, for whoever waits: held until it is asked for. */
export class Arrivals<T> implements AsyncIterable<T> {
  #items: T[] = [];
  #isOver = false;
  #wake: (() => void) | undefined;

  put(item: T): void {
    if (this.#isOver) return;
    this.#items.push(item);
    this.#wake?.();
  }

  end(): void {
    this.#isOver = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      const next = this.#items.shift();
      if (next !== undefined) yield next;
      else if (this.#isOver) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}
