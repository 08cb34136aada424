import { WireError } from '@sallyport/shared/errors/errors.ts';

/** A row of copied data is masked as a whole, so it is held as a whole. Bytes. */
const MAX_ROW_BYTES = 16 * 1024 * 1024;

const KEPT_BYTES = 64 * 1024;

/** The start of a row whose end has not come yet. */
export class Hold {
  #bytes: Buffer = Buffer.alloc(0);
  #lengthBytes = 0;

  get isEmpty(): boolean {
    return this.#lengthBytes === 0;
  }

  get lengthBytes(): number {
    return this.#lengthBytes;
  }

  /** Valid up to `lengthBytes`, until the next `add`. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** @throws WireError ERR_WIRE_TOO_LARGE */
  add(source: Buffer, start: number, end: number): void {
    if (start >= end) return;
    const neededBytes = this.#lengthBytes + end - start;
    if (neededBytes > MAX_ROW_BYTES) {
      throw new WireError('ERR_WIRE_TOO_LARGE', `a copied row exceeds ${MAX_ROW_BYTES} bytes; it cannot be masked`);
    }
    if (neededBytes > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(neededBytes, 2 * this.#bytes.length));
      this.#bytes.copy(grown, 0, 0, this.#lengthBytes);
      this.#bytes = grown;
    }
    source.copy(this.#bytes, this.#lengthBytes, start, end);
    this.#lengthBytes = neededBytes;
  }

  /** Lets go of the first bytes. */
  drop(doneBytes: number): void {
    this.#bytes.copyWithin(0, doneBytes, this.#lengthBytes);
    this.#lengthBytes -= doneBytes;
    if (this.#lengthBytes === 0 && this.#bytes.length > KEPT_BYTES) this.#bytes = Buffer.alloc(0);
  }
}
