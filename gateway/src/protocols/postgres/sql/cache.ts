import type { Analysis } from './analysis.ts';

/** Analyses by text, the least recently used forgotten first. Bounded by entries and by an estimate of bytes. */
export class AnalysisCache {
  readonly #entries = new Map<string, { analysis: Analysis; costBytes: number }>();
  readonly #maxEntries: number;
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxEntries: number, maxBytes: number) {
    this.#maxEntries = maxEntries;
    this.#maxBytes = maxBytes;
  }

  get size(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(text: string): Analysis | undefined {
    const entry = this.#entries.get(text);
    if (entry === undefined) return undefined;
    this.#entries.delete(text);
    this.#entries.set(text, entry);
    return entry.analysis;
  }

  /** Something that would take more than an eighth of the room is not kept. */
  set(text: string, analysis: Analysis, treeLength: number): void {
    const costBytes = 512 + text.length * 2 + treeLength * 3;
    if (costBytes > this.#maxBytes / 8) return;
    this.#forget(text);
    this.#entries.set(text, { analysis, costBytes });
    this.#bytes += costBytes;
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#maxEntries && this.#bytes <= this.#maxBytes) return;
      this.#forget(oldest);
    }
  }

  #forget(text: string): void {
    this.#bytes -= this.#entries.get(text)?.costBytes ?? 0;
    this.#entries.delete(text);
  }
}
