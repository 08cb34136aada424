const PATIENCE_MS = 1000;
const WIDTH = 30;

/** A bar on a terminal's stderr for what takes longer than a second and whose end is known. */
export class Progress {
  readonly #what: string;
  readonly #stderr: NodeJS.WriteStream;
  readonly #startedAt = Date.now();
  #isShown = false;

  constructor(what: string, stderr: NodeJS.WriteStream = process.stderr) {
    this.#what = what;
    this.#stderr = stderr;
  }

  reach(done: number, total: number): void {
    if (this.#stderr.isTTY !== true || total <= 0 || Date.now() - this.#startedAt < PATIENCE_MS) return;
    this.#isShown = true;
    const part = Math.min(1, done / total);
    const full = Math.round(part * WIDTH);
    const bar = '█'.repeat(full) + '░'.repeat(WIDTH - full);
    this.#stderr.write(`\r${this.#what} ${bar} ${Math.floor(part * 100)} %`);
  }

  end(): void {
    if (this.#isShown) this.#stderr.write('\r\x1b[K');
  }
}
