import { createHash, type Hash } from 'node:crypto';

/** What goes over one open file, in one direction: counted, and hashed as long as it comes in order from the beginning. */
export class Passage {
  bytes = 0;
  #hash: Hash | undefined = createHash('sha256');
  #next = 0n;

  /** A part of the contents at its place in the file. */
  add(offset: bigint, part: Buffer): void {
    this.bytes += part.length;
    if (offset !== this.#next) this.#hash = undefined;
    this.#hash?.update(part);
    this.#next = offset + BigInt(part.length);
  }

  /** What the target did not take makes the rest worthless. */
  spoil(): void {
    this.#hash = undefined;
  }

  /** In hexadecimal; empty where it was not read or written from the beginning to the end. */
  digest(): string {
    const digest = this.#hash?.digest('hex') ?? '';
    this.#hash = undefined;
    return digest;
  }
}
