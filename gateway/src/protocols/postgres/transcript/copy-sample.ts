import type { CopyOccurrence, TranscriptLimits } from './events.ts';

/** Counts the data of one COPY and keeps its first lines. A line may lie in several messages. */
export class CopySample {
  readonly #direction: CopyOccurrence['direction'];
  readonly #isBinary: boolean;
  readonly #limits: TranscriptLimits;
  readonly #lines: string[] = [];
  #line: Buffer[] = [];
  #lineBytes = 0;
  #bytes = 0;

  constructor(direction: CopyOccurrence['direction'], isBinary: boolean, limits: TranscriptLimits) {
    this.#direction = direction;
    this.#isBinary = isBinary;
    this.#limits = limits;
  }

  /** Of a message's data; the server ends a message with a line. */
  part(bytes: Buffer, isLast: boolean): void {
    this.#bytes += bytes.length;
    if (this.#isBinary || this.#lines.length >= this.#limits.maxCopyLines) return;
    const kept = bytes.subarray(0, Math.max(0, this.#limits.maxCellBytes - this.#lineBytes));
    this.#line.push(Buffer.from(kept));
    this.#lineBytes += bytes.length;
    if (isLast) this.#endLine();
  }

  get occurrence(): CopyOccurrence {
    const format = this.#isBinary ? 'binary' : 'text';
    return { type: 'copy', direction: this.#direction, format, bytes: this.#bytes, sample: this.#lines };
  }

  #endLine(): void {
    const text = Buffer.concat(this.#line)
      .toString('utf8')
      .replace(/\r?\n$/, '');
    this.#lines.push(this.#lineBytes > this.#limits.maxCellBytes ? `${text}… [${this.#lineBytes} bytes]` : text);
    this.#line = [];
    this.#lineBytes = 0;
  }
}
