/** A value of a row, or its beginning. */
export interface LongCell {
  readonly lengthBytes: number;
  readonly bytes: Buffer;
}

interface OpenValue {
  readonly lengthBytes: number;
  readonly kept: Buffer[];
  keptBytes: number;
}

/** Of all values together. Bytes. */
const MAX_KEPT_BYTES = 4 * 1024 * 1024;

/** Follows a DataRow that comes in parts and keeps the beginning of each of its values. @see PostgreSQL manual 55.7 "DataRow" */
export class LongRow {
  readonly cells: (LongCell | null)[] = [];
  readonly #keepBytes: number;
  /** Header, column count, then a length word before each value: gathered here. */
  readonly #word = Buffer.alloc(7);
  #wordFilled = 0;
  #wantedBytes = 7;
  #left = -1;
  #value: OpenValue | undefined;
  #valueLeft = 0;
  #budgetBytes = MAX_KEPT_BYTES;

  /** `keepBytes` of each value. */
  constructor(keepBytes: number) {
    this.#keepBytes = keepBytes;
  }

  push(part: Buffer): void {
    for (let at = 0; at < part.length && this.#left !== 0; ) {
      at = this.#value === undefined ? this.#readWord(part, at) : this.#readValue(this.#value, part, at);
    }
  }

  #readWord(part: Buffer, at: number): number {
    const taken = part.copy(this.#word, this.#wordFilled, at, at + this.#wantedBytes - this.#wordFilled);
    this.#wordFilled += taken;
    if (this.#wordFilled === this.#wantedBytes) this.#understand();
    return at + taken;
  }

  #understand(): void {
    this.#wordFilled = 0;
    if (this.#left === -1) {
      this.#left = this.#word.readUInt16BE(5);
      this.#wantedBytes = 4;
      return;
    }
    const lengthBytes = this.#word.readInt32BE(0);
    this.#value = { lengthBytes, kept: [], keptBytes: 0 };
    this.#valueLeft = Math.max(0, lengthBytes);
    if (this.#valueLeft === 0) this.#endValue();
  }

  #readValue(value: OpenValue, part: Buffer, at: number): number {
    const end = Math.min(part.length, at + this.#valueLeft);
    const wantedBytes = Math.min(this.#keepBytes - value.keptBytes, this.#budgetBytes);
    const kept = part.subarray(at, Math.min(end, at + wantedBytes));
    this.#budgetBytes -= kept.length;
    if (kept.length > 0) {
      // A copy: a few bytes must not keep a whole chunk alive.
      value.kept.push(Buffer.from(kept));
      value.keptBytes += kept.length;
    }
    this.#valueLeft -= end - at;
    if (this.#valueLeft === 0) this.#endValue();
    return end;
  }

  #endValue(): void {
    const { lengthBytes, kept } = this.#value!;
    this.cells.push(lengthBytes < 0 ? null : { lengthBytes, bytes: Buffer.concat(kept) });
    this.#value = undefined;
    this.#left--;
  }
}
