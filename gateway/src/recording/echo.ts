/** Input that waits for its echo. Bytes. */
const MAX_WAITING_BYTES = 4096;
/** An echo comes soon or not at all. Milliseconds. */
const MAX_WAIT_MS = 2000;

const ESC = 0x1b;

/** Tells which typed characters the target echoed: a password's do not come back, and are forgotten. */
export class Echo {
  #waiting: number[] = [];
  #since = 0;

  /** What was typed. Only characters that show are waited for. */
  typed(bytes: Uint8Array, now: number): void {
    if (now - this.#since > MAX_WAIT_MS) this.#waiting = [];
    this.#since = now;
    // Arrow and function keys are commands to the line editor; none is echoed.
    if (bytes[0] === ESC) return;
    for (const byte of bytes) {
      if (byte === 0x0d || byte === 0x0a) this.#waiting.push(0x0d);
      else if (byte >= 0x20 && byte !== 0x7f) this.#waiting.push(byte);
    }
    if (this.#waiting.length > MAX_WAITING_BYTES) this.#waiting = [];
  }

  /**
   * What the target wrote, after masking: the characters of it that were typed. They must open the output and stand in
   * the order in which they were typed; what does not match was not echoed, and neither is what was typed before it.
   */
  echoed(output: Uint8Array, now: number): Buffer {
    if (this.#waiting.length === 0) return Buffer.alloc(0);
    if (now - this.#since > MAX_WAIT_MS) this.#waiting = [];
    let at = 0;
    while (at < output.length && at < this.#waiting.length && output[at] === this.#waiting[at]) at++;
    const came = this.#waiting.slice(0, at);
    this.#waiting = at < output.length && at < this.#waiting.length ? [] : this.#waiting.slice(at);
    // A line end alone tells nothing: it comes back after a password too.
    return came.length === 1 && came[0] === 0x0d ? Buffer.alloc(0) : Buffer.from(came);
  }
}
