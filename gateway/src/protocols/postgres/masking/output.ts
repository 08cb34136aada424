/** Bytes on their way to the client. */
export type Sink = (bytes: Buffer) => void;

const MIN_POOL_BYTES = 4 * 1024;
const MAX_POOL_BYTES = 64 * 1024;

/** Unchanged messages up to this are copied between rewritten ones: cheaper than another write. Bytes. */
const COPY_BELOW_BYTES = 1024;

const HEADER_BYTES = 5;

/**
 * Keeps the order of messages that pass and messages that are rewritten. What passes goes out as the bytes that
 * arrived, neighbours as one; rewritten messages are written one behind the other into shared memory that is never
 * written twice.
 */
export class Output {
  #sink: Sink;
  #run: Buffer | undefined;
  #runStart = 0;
  #runEnd = 0;
  #pool: Buffer = Buffer.alloc(0);
  /** Finished and not yet handed out: `pool[from, messageStart)`. */
  #from = 0;
  #messageStart = 0;
  #at = 0;

  constructor(sink: Sink = () => {}) {
    this.#sink = sink;
  }

  /** Where to from now on; what was written before has gone to the former. */
  to(sink: Sink): void {
    this.flush();
    this.#sink = sink;
  }

  /** A whole message as it arrived. */
  pass(buffer: Buffer, start: number, end: number): void {
    if (this.#run === buffer && this.#runEnd === start) {
      this.#runEnd = end;
      return;
    }
    if (this.#from < this.#at && end - start <= COPY_BELOW_BYTES) {
      this.copy(buffer, start, end);
      this.#messageStart = this.#at;
      return;
    }
    this.flush();
    this.#run = buffer;
    this.#runStart = start;
    this.#runEnd = end;
  }

  /** Begins a rewritten message; its length is filled in by `close`. */
  open(type: number): void {
    this.#ensure(HEADER_BYTES);
    this.#pool[this.#at] = type;
    this.#at += HEADER_BYTES;
  }

  close(): void {
    this.#endRun();
    this.#int32At(this.#messageStart + 1, this.#at - this.#messageStart - 1);
    this.#messageStart = this.#at;
  }

  /** Takes back the message that was opened. */
  cancel(): void {
    this.#at = this.#messageStart;
  }

  /** Bytes written of the open message. */
  get openBytes(): number {
    return this.#at - this.#messageStart;
  }

  /** Overwrites within the open message; `offset` counts from its first byte. */
  patchInt32(offset: number, value: number): void {
    this.#int32At(this.#messageStart + offset, value);
  }

  byte(value: number): void {
    this.#ensure(1);
    this.#pool[this.#at++] = value;
  }

  int16(value: number): void {
    this.#ensure(2);
    this.#pool[this.#at] = value >> 8;
    this.#pool[this.#at + 1] = value;
    this.#at += 2;
  }

  int32(value: number): void {
    this.#ensure(4);
    this.#int32At(this.#at, value);
    this.#at += 4;
  }

  copy(source: Buffer, start: number, end: number): void {
    const lengthBytes = end - start;
    this.#ensure(lengthBytes);
    const pool = this.#pool;
    const at = this.#at;
    // A call into the runtime costs more than a few bytes by hand.
    if (lengthBytes <= 24) for (let i = 0; i < lengthBytes; i++) pool[at + i] = source[start + i]!;
    else source.copy(pool, at, start, end);
    this.#at = at + lengthBytes;
  }

  /** Hands out everything that is finished. */
  flush(): void {
    this.#endRun();
    if (this.#from === this.#messageStart) return;
    const bytes = this.#pool.subarray(this.#from, this.#messageStart);
    this.#from = this.#messageStart;
    this.#sink(bytes);
  }

  /** What passes is older than a message that is being written: it goes out before that is finished. */
  #endRun(): void {
    const run = this.#run;
    if (run === undefined) return;
    this.#run = undefined;
    const isWhole = this.#runStart === 0 && this.#runEnd === run.length;
    this.#sink(isWhole ? run : run.subarray(this.#runStart, this.#runEnd));
  }

  #int32At(at: number, value: number): void {
    const pool = this.#pool;
    pool[at] = value >> 24;
    pool[at + 1] = value >> 16;
    pool[at + 2] = value >> 8;
    pool[at + 3] = value;
  }

  #ensure(lengthBytes: number): void {
    if (this.#at + lengthBytes > this.#pool.length) this.#renew(lengthBytes);
  }

  /** Finished messages go out, the open one moves to new memory. */
  #renew(lengthBytes: number): void {
    const open = this.#pool.subarray(this.#messageStart, this.#at);
    const wantedBytes = Math.min(MAX_POOL_BYTES, Math.max(MIN_POOL_BYTES, 2 * this.#pool.length));
    const pool = Buffer.allocUnsafeSlow(Math.max(wantedBytes, 2 * open.length + lengthBytes));
    open.copy(pool);
    if (this.#from < this.#messageStart) this.flush();
    this.#pool = pool;
    this.#from = this.#messageStart = 0;
    this.#at = open.length;
  }
}
