/** How far a file that is being written has got; wakes those who read behind the writer. */
export class Growth {
  #sizeBytes = 0;
  #finished = false;
  /** Absent while nobody waits, so that a session which nobody watches pays nothing. */
  #next: PromiseWithResolvers<void> | undefined;

  /** Bytes that are whole frames. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get finished(): boolean {
    return this.#finished;
  }

  reach(sizeBytes: number): void {
    this.#sizeBytes = sizeBytes;
    this.#wake();
  }

  /** Nothing more will come. */
  finish(): void {
    this.#finished = true;
    this.#wake();
  }

  /** Resolves once the file is longer than `sizeBytes`, or finished, or the signal is aborted. */
  async beyond(sizeBytes: number, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) return;
    const stop = () => this.#wake();
    signal?.addEventListener('abort', stop, { once: true });
    try {
      while (this.#sizeBytes <= sizeBytes && !this.#finished && !signal?.aborted) {
        this.#next ??= Promise.withResolvers();
        await this.#next.promise;
      }
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  #wake(): void {
    this.#next?.resolve();
    this.#next = undefined;
  }
}
