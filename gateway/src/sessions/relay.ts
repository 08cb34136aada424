import type { Action } from '@sallyport/shared/access/action.ts';
import type { Approvers, Denial, Verdict } from '@sallyport/shared/access/verdict.ts';
import { Unavailable, WireError } from '@sallyport/shared/errors/errors.ts';
import type { TunnelStream } from '@sallyport/shared/tunnel/stream.ts';
import type { Ask, Exchange, Matter, Request, Scribe } from '../protocols/protocol.ts';
import type { Stages } from './stages.ts';

/** Requests that wait behind a held one; beyond it the client is no longer read. Bytes. */
const MAX_HELD_BYTES = 1024 * 1024;

/** A client that does not take its last bytes in this time is cut off. */
const LINGER_MS = 5_000;

/** What the relay asks of the gateway. Every call that may fail, fails closed. */
export interface Desk {
  /** Cached where it can be: called for every statement. */
  decide(matter: Matter): Verdict;
  /** The action is about to reach the target. @throws Unavailable when it cannot be journalled: it is refused then. */
  perform(matter: Matter, rule: string): void;
  /** The action was refused, by a rule or a person. */
  refused(action: Action, denial: Denial): void;
  /** Waits for people. Resolves to a denial, or to undefined when they approved. `tell` reaches the requester. */
  approve(
    action: Action,
    rule: string,
    approvers: Approvers,
    tell: Tell,
    signal: AbortSignal,
  ): Promise<Denial | undefined>;
  /** What the client is about to receive. @throws Unavailable: the session ends. */
  record(reply: Buffer): void;
  /** For an exchange that says itself what of it is kept. */
  scribe(): Scribe;
  /** How long messages spend here. */
  readonly stages: Pick<Stages, 'since'>;
}

export type Tell = (text: string, hint: string) => void;

/** How an exchange ended; `error` where it was not the client's own wish. */
export interface End {
  readonly by: 'client' | 'target' | 'gateway';
  readonly error: Error | undefined;
}

/**
 * Moves one exchange's bytes: requests through judgement to the target, replies through the lens and the recording to
 * the client. The only writer of the client's socket and of the tunnel's stream; a held request holds its own
 * exchange and nothing else.
 */
export class Relay {
  readonly #exchange: Exchange;
  readonly #target: TunnelStream;
  readonly #desk: Desk;
  readonly #gone = new AbortController();
  readonly #ended = Promise.withResolvers<End>();
  #held = false;
  #queue: Request[] = [];
  #queuedBytes = 0;
  #targetFull = false;
  #over = false;
  #wait: AbortController | undefined;
  /** Runs while the lens holds back what must leave soon. */
  #settling: NodeJS.Timeout | undefined;

  constructor(exchange: Exchange, target: TunnelStream, desk: Desk) {
    this.#exchange = exchange;
    this.#target = target;
    this.#desk = desk;
  }

  /** Runs until either side ends. Never rejects. */
  run(greeting: Buffer): Promise<End> {
    const { client } = this.#exchange;
    this.#exchange.record?.(this.#desk.scribe());
    client.on('data', (chunk: Buffer) => this.#fromClient(chunk));
    client.on('drain', () => this.#target.resume());
    client.on('end', () => this.#finish({ by: 'client', error: undefined }));
    client.on('close', () => this.#finish({ by: 'client', error: undefined }));
    client.on('error', (error: Error) => this.#finish({ by: 'client', error }));
    // Not recorded: it holds the key that cancels what runs here.
    client.write(greeting);
    this.#target.attach({
      onData: (chunk) => this.#fromTarget(chunk),
      onDrain: () => this.#targetDrained(),
      onEnd: () => this.#finish({ by: 'target', error: undefined }),
      onClose: (error) => this.#finish({ by: 'target', error }),
    });
    client.resume();
    return this.#ended.promise;
  }

  /** Ends the exchange for a reason of the gateway's, told to the client in its protocol. */
  stop(denial: Denial): void {
    this.#finish({ by: 'gateway', error: new Error(denial.message) }, denial);
  }

  /** The client asked to cancel: a request that waits for approval is the one that it means. */
  cancelHeld(): boolean {
    if (this.#wait === undefined) return false;
    this.#wait.abort();
    return true;
  }

  #fromClient(chunk: Buffer): void {
    if (this.#over) return;
    try {
      const started = performance.now();
      const requests = this.#exchange.lens.requests(chunk);
      this.#desk.stages.since('read', started);
      if (this.#held) this.#enqueue(requests);
      else this.#advance(requests);
    } catch (error) {
      this.#broken(error, 'client');
    }
  }

  #enqueue(requests: readonly Request[]): void {
    for (const request of requests) {
      this.#queue.push(request);
      this.#queuedBytes += request.bytes.length;
    }
    if (this.#queuedBytes > MAX_HELD_BYTES) this.#exchange.client.pause();
  }

  /** Forwards requests in order, neighbours in one write, up to the first that has to wait. */
  #advance(requests: readonly Request[]): void {
    let run: Buffer | undefined;
    for (let i = 0; i < requests.length; i++) {
      const request = requests[i] as Request;
      if (request.answer !== undefined) {
        this.#toClient(request.answer);
        continue;
      }
      const outcome = request.ask === undefined ? undefined : this.#judge(request, request.ask);
      if (outcome === undefined) {
        run = this.#extend(run, request.bytes);
        continue;
      }
      if (run !== undefined) this.#toTarget(run);
      run = undefined;
      if (outcome instanceof Promise) {
        this.#hold(request, outcome, requests.slice(i + 1));
        return;
      }
      this.#refuse(request, outcome);
    }
    if (run !== undefined) this.#toTarget(run);
  }

  /** One buffer over both where `next` lies right behind `run` in memory; otherwise `run` is sent first. */
  #extend(run: Buffer | undefined, next: Buffer): Buffer {
    if (run === undefined) return next;
    if (run.buffer === next.buffer && run.byteOffset + run.length === next.byteOffset) {
      return Buffer.from(run.buffer as ArrayBuffer, run.byteOffset, run.length + next.length);
    }
    this.#toTarget(run);
    return next;
  }

  #judge(request: Request, ask: Ask): Denial | undefined | Promise<Denial | undefined> {
    const { matter } = ask;
    if (!(matter instanceof Promise)) return this.#settle(request, ask, matter);
    const started = performance.now();
    return matter.then((known) => {
      this.#desk.stages.since('analyse', started);
      return this.#settle(request, ask, known);
    });
  }

  #settle(request: Request, ask: Ask, matter: Matter): Denial | undefined | Promise<Denial | undefined> {
    const started = performance.now();
    const verdict = this.#desk.decide(matter);
    this.#desk.stages.since('decide', started);
    if (verdict.outcome === 'deny') return this.#turnDown(matter.action, denialOf(verdict));
    if (ask.stage === 'prepare') return undefined;
    if (verdict.limit !== undefined) this.#exchange.lens.limit(request, verdict.limit);
    if (verdict.outcome === 'allow') return this.#perform(matter, verdict.rule);
    return this.#askPeople(matter, verdict.rule, verdict.approvers);
  }

  async #askPeople(matter: Matter, rule: string, approvers: Approvers): Promise<Denial | undefined> {
    const { action } = matter;
    this.#wait = new AbortController();
    const signal = AbortSignal.any([this.#wait.signal, this.#gone.signal]);
    try {
      const tell: Tell = (text, hint) => this.#tell(text, hint);
      const denial = await this.#desk.approve(action, rule, approvers, tell, signal);
      return denial === undefined ? this.#perform(matter, rule) : this.#turnDown(action, denial);
    } finally {
      this.#wait = undefined;
    }
  }

  #perform(matter: Matter, rule: string): Denial | undefined {
    const started = performance.now();
    try {
      this.#desk.perform(matter, rule);
      this.#desk.stages.since('write', started);
      return undefined;
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      return { reason: 'unavailable', rule, message: error.message };
    }
  }

  #turnDown(action: Action, denial: Denial): Denial {
    this.#desk.refused(action, denial);
    return denial;
  }

  #hold(request: Request, outcome: Promise<Denial | undefined>, rest: readonly Request[]): void {
    this.#held = true;
    this.#enqueue(rest);
    outcome.then(
      (denial) => this.#release(request, denial),
      (error: unknown) => this.#broken(error, 'gateway'),
    );
  }

  #release(request: Request, denial: Denial | undefined): void {
    if (this.#over) return;
    try {
      if (denial === undefined) this.#toTarget(request.bytes);
      else this.#refuse(request, denial);
      const queue = this.#queue;
      this.#held = false;
      this.#queue = [];
      this.#queuedBytes = 0;
      this.#advance(queue);
      if (!this.#held && !this.#targetFull) this.#exchange.client.resume();
    } catch (error) {
      this.#broken(error, 'client');
    }
  }

  #refuse(request: Request, denial: Denial): void {
    const swap = this.#exchange.lens.refuse(request, denial);
    if (swap.toClient !== undefined) this.#toClient(swap.toClient);
    if (swap.toTarget !== undefined) this.#toTarget(swap.toTarget);
  }

  #tell(text: string, hint: string): void {
    const bytes = this.#exchange.lens.notice(text, hint);
    if (bytes !== undefined && !this.#over) this.#toClient(bytes);
  }

  #fromTarget(chunk: Buffer): void {
    if (this.#over) return;
    const started = performance.now();
    try {
      this.#exchange.lens.replies(chunk, (bytes) => this.#toClient(bytes));
      this.#desk.stages.since('reply', started);
      if (this.#exchange.lens.due !== undefined) this.#settleSoon(this.#exchange.lens.due);
    } catch (error) {
      this.#broken(error, 'target');
    }
  }

  #settleSoon(dueMs: number): void {
    this.#settling ??= setTimeout(() => this.#settleHeld(), Math.max(0, dueMs - performance.now()));
  }

  #settleHeld(): void {
    this.#settling = undefined;
    if (this.#over) return;
    const { lens } = this.#exchange;
    try {
      if (lens.due !== undefined && lens.due <= performance.now()) lens.settle?.((bytes) => this.#toClient(bytes));
      if (lens.due !== undefined) this.#settleSoon(lens.due);
    } catch (error) {
      this.#broken(error, 'gateway');
    }
  }

  #toClient(bytes: Buffer): void {
    if (this.#exchange.record === undefined) this.#desk.record(bytes);
    if (!this.#exchange.client.write(bytes)) this.#target.pause();
  }

  #toTarget(bytes: Buffer): void {
    if (this.#target.write(bytes)) return;
    this.#targetFull = true;
    this.#exchange.client.pause();
  }

  #targetDrained(): void {
    this.#targetFull = false;
    if (!this.#held || this.#queuedBytes <= MAX_HELD_BYTES) this.#exchange.client.resume();
  }

  /** What did not parse, or could not be recorded, ends the exchange: nothing of it is forwarded. */
  #broken(cause: unknown, by: End['by']): void {
    const error = cause instanceof Error ? cause : new Error(String(cause));
    const told = error instanceof WireError || error instanceof Unavailable;
    const message = told ? error.message : 'the gateway met an error of its own; its log says more';
    this.#finish({ by, error }, { reason: error instanceof WireError ? 'protocol' : 'unavailable', message });
  }

  #finish(end: End, denial?: Denial): void {
    if (this.#over) return;
    this.#over = true;
    this.#gone.abort();
    clearTimeout(this.#settling);
    const { client } = this.#exchange;
    const told = denial ?? lossOf(end);
    if (told !== undefined && client.writable) client.write(this.#exchange.farewell(told));
    client.end();
    const linger = setTimeout(() => client.destroy(), LINGER_MS);
    client.once('close', () => clearTimeout(linger));
    this.#target.destroy(end.by === 'client' ? undefined : end.error);
    this.#exchange.end();
    this.#ended.resolve(end);
  }
}

const denialOf = (verdict: Extract<Verdict, { outcome: 'deny' }>): Denial => ({
  reason: 'forbidden',
  message: verdict.reason,
  ...(verdict.rule === undefined ? {} : { rule: verdict.rule }),
  ...(verdict.hint === undefined ? {} : { hint: verdict.hint }),
});

/** The target went away without saying so in its own protocol. */
function lossOf(end: End): Denial | undefined {
  if (end.by !== 'target' || end.error === undefined) return undefined;
  return { reason: 'unavailable', message: `the target's connection was lost: ${end.error.message}` };
}
