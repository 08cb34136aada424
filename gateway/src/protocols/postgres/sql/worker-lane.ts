import { Worker } from 'node:worker_threads';
import { type Analysis, unreadable } from './analysis.ts';
import type { WorkerAnswer } from './reader-worker.ts';

/** How long a worker may take to start before it counts as failed. */
const START_MS = 10_000;

export interface LaneOptions {
  readonly url: URL;
  /** Per statement, once the worker is ready. */
  readonly deadlineMs: number;
  readonly stackSizeMb: number;
  /** Statements that may wait at once; more are unreadable. */
  readonly maxWaiting: number;
}

/** What became of a text. `lasting` when asking again would give the same. */
export interface LaneResult {
  readonly analysis: Analysis;
  readonly treeLength: number;
  readonly lasting: boolean;
}

interface Job {
  readonly text: string;
  readonly resolve: (result: LaneResult) => void;
}

const failure = (reason: string, lasting: boolean): LaneResult => ({
  analysis: unreadable(reason),
  treeLength: 0,
  lasting,
});

/** One worker thread, one text at a time, each with a deadline. A worker that failed is replaced by a new one. */
export class WorkerLane {
  readonly #options: LaneOptions;
  readonly #waiting: Job[] = [];
  #worker: Worker | undefined;
  #ready = false;
  #job: Job | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  /** Never rejects. */
  read(text: string): Promise<LaneResult> {
    if (this.#stopped) return Promise.resolve(failure('the reader has stopped', false));
    if (this.#waiting.length >= this.#options.maxWaiting) {
      return Promise.resolve(failure('too many long statements wait to be read', false));
    }
    return new Promise((resolve) => {
      this.#waiting.push({ text, resolve });
      this.#next();
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const worker = this.#worker;
    this.#fail('the reader has stopped', false);
    for (const job of this.#waiting.splice(0)) job.resolve(failure('the reader has stopped', false));
    await worker?.terminate();
  }

  #next(): void {
    if (this.#job !== undefined || this.#waiting.length === 0) return;
    if (this.#worker === undefined) return this.#start();
    if (!this.#ready) return;
    this.#job = this.#waiting.shift();
    this.#worker.ref();
    this.#worker.postMessage(this.#job?.text);
    this.#arm(this.#options.deadlineMs, 'reading the statement took too long');
  }

  #start(): void {
    const { url, stackSizeMb } = this.#options;
    const worker = new Worker(url, { resourceLimits: { stackSizeMb, maxOldGenerationSizeMb: 1024 }, execArgv: [] });
    this.#worker = worker;
    this.#ready = false;
    worker.on('message', (answer: WorkerAnswer) => this.#heard(worker, answer));
    worker.on('error', (error) => this.#worker === worker && this.#fail(`the parser failed: ${error.message}`, false));
    worker.on('exit', () => this.#worker === worker && this.#fail('the parser ended', false));
    this.#arm(START_MS, 'the parser did not start');
  }

  #heard(worker: Worker, answer: WorkerAnswer): void {
    if (this.#worker !== worker) return;
    clearTimeout(this.#timer);
    if (answer.kind === 'broken') return this.#fail(`the parser failed: ${answer.reason}`, true);
    if (answer.kind === 'ready') this.#ready = true;
    else {
      this.#job?.resolve({ analysis: answer.analysis, treeLength: answer.treeLength, lasting: true });
      this.#job = undefined;
      worker.unref();
    }
    this.#next();
  }

  #arm(delayMs: number, reason: string): void {
    this.#timer = setTimeout(() => this.#fail(reason, false), delayMs);
  }

  /** Drops the worker, and with it the text that it failed on: the next one is not read by the same instance. */
  #fail(reason: string, lasting: boolean): void {
    clearTimeout(this.#timer);
    const worker = this.#worker;
    const job = this.#job ?? this.#waiting.shift();
    this.#worker = undefined;
    this.#ready = false;
    this.#job = undefined;
    void worker?.terminate();
    job?.resolve(failure(reason, lasting));
    if (!this.#stopped) this.#next();
  }
}
