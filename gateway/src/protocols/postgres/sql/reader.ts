import { analyse } from './analyse.ts';
import { type Analysis, unreadable } from './analysis.ts';
import { AnalysisCache } from './cache.ts';
import { Parser, SyntaxProblem } from './parser.ts';
import { WorkerLane } from './worker-lane.ts';

export interface SqlReaderOptions {
  /** The worker's entry file; name the bundled one where the gateway is bundled. */
  readonly workerUrl?: URL;
  /** Texts of fewer UTF-16 units are read in place. */
  readonly inPlaceLength?: number;
  /** Longer texts are unreadable. UTF-16 units. */
  readonly maxLength?: number;
  readonly deadlineMs?: number;
  readonly stackSizeMb?: number;
  readonly maxWaiting?: number;
  readonly cacheEntries?: number;
  readonly cacheBytes?: number;
}

const defaults = {
  inPlaceLength: 4 * 1024,
  maxLength: 4 * 1024 * 1024,
  deadlineMs: 3_000,
  stackSizeMb: 64,
  maxWaiting: 64,
  cacheEntries: 4_096,
  cacheBytes: 64 * 1024 * 1024,
};

/**
 * Reads SQL with PostgreSQL's own parser. What is known or small is read at once; the rest in a worker thread, since the
 * parser's time is quadratic in nested comments and its recursion can spoil an instance.
 */
export class SqlReader {
  readonly #limits: typeof defaults;
  readonly #cache: AnalysisCache;
  readonly #lane: WorkerLane;
  readonly #reading = new Map<string, Promise<Analysis>>();
  #parser: Parser | undefined;
  #stopped = false;

  constructor(options: SqlReaderOptions = {}) {
    const { workerUrl, ...limits } = options;
    this.#limits = { ...defaults, ...limits };
    this.#cache = new AnalysisCache(this.#limits.cacheEntries, this.#limits.cacheBytes);
    this.#lane = new WorkerLane({ ...this.#limits, url: workerUrl ?? new URL('./reader-worker.ts', import.meta.url) });
  }

  async start(): Promise<void> {
    this.#parser = await Parser.start();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#parser = undefined;
    await this.#lane.stop();
  }

  get cached(): { readonly entries: number; readonly bytes: number } {
    return { entries: this.#cache.size, bytes: this.#cache.bytes };
  }

  /** Never throws, never rejects: what cannot be read has the verb `unknown`. The same object for a cached text. */
  read(text: string): Analysis | Promise<Analysis> {
    const known = this.#cache.get(text);
    if (known !== undefined) return known;
    const refused = this.#refusal(text);
    if (refused !== undefined) return unreadable(refused);
    if (text.length < this.#limits.inPlaceLength && this.#parser !== undefined) {
      const analysis = this.#inPlace(text, this.#parser);
      if (analysis !== undefined) return analysis;
    }
    return this.#reading.get(text) ?? this.#inWorker(text);
  }

  /** What the server's lexer and ours would not read as the same text. */
  #refusal(text: string): string | undefined {
    if (text.length > this.#limits.maxLength)
      return `the statement is longer than ${this.#limits.maxLength} characters`;
    if (text.includes('\0')) return 'the statement contains a NUL character';
    if (!text.isWellFormed()) return 'the statement is not well-formed Unicode';
    return undefined;
  }

  #inPlace(text: string, parser: Parser): Analysis | undefined {
    try {
      const parsed = parser.parse(text);
      return this.#keep(text, analyse(parsed), parsed.jsonLength);
    } catch (error) {
      if (error instanceof SyntaxProblem) return this.#keep(text, unreadable(error.message), 0);
      this.#renew();
      return undefined;
    }
  }

  /** Until the new instance is there, everything goes through the worker. */
  #renew(): void {
    this.#parser = undefined;
    Parser.start().then(
      (parser) => {
        if (!this.#stopped) this.#parser = parser;
      },
      () => undefined, // no memory for another instance: the worker reads on
    );
  }

  #inWorker(text: string): Promise<Analysis> {
    const reading = this.#lane.read(text).then((result) => {
      this.#reading.delete(text);
      return result.lasting ? this.#keep(text, result.analysis, result.treeLength) : result.analysis;
    });
    this.#reading.set(text, reading);
    return reading;
  }

  #keep(text: string, analysis: Analysis, treeLength: number): Analysis {
    this.#cache.set(text, analysis, treeLength);
    return analysis;
  }
}
