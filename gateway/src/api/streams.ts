import { Code, ConnectError, type HandlerContext } from '@connectrpc/connect';
import { type Caller, callerOf } from './caller.ts';
import { type Log, problem, tell } from './problems.ts';

/** Streams of one caller, and of all. */
const MAX_PER_CALLER = 32;
const MAX_STREAMS = 1024;
/** How soon a revoked token ends a stream that lasts. */
const RECHECK_MS = 10_000;

/** Streams that last: counted, and ended when whoever asked may no longer. */
export class Streams {
  readonly #open = new Map<string, number>();
  readonly #log: Log;
  readonly #recheckMs: number;
  #total = 0;

  constructor(log: Log, recheckMs = RECHECK_MS) {
    this.#log = log;
    this.#recheckMs = recheckMs;
  }

  /** Passes on what `source` yields until it ends, the caller leaves, or their token does. */
  async *serve<T>(
    context: HandlerContext,
    source: (signal: AbortSignal) => AsyncIterable<T> | Promise<AsyncIterable<T>>,
  ) {
    const caller = callerOf(context);
    this.#enter(caller.principal.id);
    const ended = new AbortController();
    const watching = this.#watch(caller, ended);
    const signal = AbortSignal.any([context.signal, ended.signal]);
    try {
      for await (const each of await source(signal)) {
        if (ended.signal.aborted) break;
        yield each;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      clearInterval(watching);
      this.#leave(caller.principal.id);
    }
    if (ended.signal.aborted) throw ended.signal.reason;
  }

  get size(): number {
    return this.#total;
  }

  #watch({ stillValid }: Caller, ended: AbortController): NodeJS.Timeout {
    const check = async (): Promise<void> => {
      if (await stillValid()) return;
      const hint = 'Sign in with: sallyport login';
      ended.abort(problem(Code.Unauthenticated, 'the token has expired or was revoked', { hint }));
    };
    const failed = (error: unknown) => ended.abort(tell(error, this.#log));
    return setInterval(() => check().catch(failed), this.#recheckMs).unref();
  }

  #enter(id: string): void {
    const own = this.#open.get(id) ?? 0;
    if (own >= MAX_PER_CALLER || this.#total >= MAX_STREAMS) {
      throw new ConnectError('too many streams are open', Code.ResourceExhausted);
    }
    this.#open.set(id, own + 1);
    this.#total += 1;
  }

  #leave(id: string): void {
    const left = (this.#open.get(id) ?? 1) - 1;
    if (left === 0) this.#open.delete(id);
    else this.#open.set(id, left);
    this.#total -= 1;
  }
}
