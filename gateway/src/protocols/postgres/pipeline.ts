import type { Denial, RowLimit } from '@sallyport/shared/access/verdict.ts';
import { WireError } from '@sallyport/shared/errors/errors.ts';

/** What completes in order within a segment: one ParseComplete, BindComplete or CloseComplete each. */
interface Change<T> {
  readonly of: 'statement' | 'portal';
  readonly name: string;
  /** Undefined removes the name. */
  readonly value: T | undefined;
  readonly completion: 'parse' | 'bind' | 'close';
}

/** An answer that the target owes: a description, or the rows of one execution. */
export interface Due<T> {
  readonly what: 'describe' | 'execute' | 'query';
  /** What it is of; undefined where nobody knows the name. */
  of: T | undefined;
  /** Of a query's statements, the one whose rows come now. */
  statement: number;
}

/** A refusal that the target is made to raise; `token` finds its error again. */
export interface Poison {
  readonly token: string;
  readonly denial: Denial;
}

/** Something that returns rows, and how many it may. */
export interface Limited {
  limit?: RowLimit | undefined;
  /** Rows that were returned of it before it was suspended. */
  rowsBefore?: number;
}

/** Everything up to one Sync or one Query: the target answers it with one ReadyForQuery. */
class Segment<T> {
  readonly changes: Change<T>[] = [];
  /** Answers that are due, oldest first; kept only where replies are read. */
  readonly due: Due<T>[] = [];
  /** What its rows are limited by. */
  readonly limited: Limited[] = [];
  committed = 0;
  /** How it was closed; undefined while it is open. */
  closedBy: 'sync' | 'query' | undefined;
  poison: Poison | undefined;
  /** It holds messages of the extended query. */
  isExtended = false;
  /** A copy was ended in it that had not been seen to start. */
  isCopyEnded = false;
  #settled: Promise<void> | undefined;
  #settle: (() => void) | undefined;

  get settled(): Promise<void> {
    this.#settled ??= new Promise((resolve) => {
      this.#settle = resolve;
    });
    return this.#settled;
  }

  settle(): void {
    this.#settle?.();
  }
}

/**
 * Which prepared statements and portals the target has, as far as its own completions prove. A client may send a
 * whole pipeline ahead; a Parse that the target skipped must never change what a name stands for (PostgreSQL manual,
 * 54.2.3: after an error it discards messages until Sync).
 */
export class Pipeline<T> {
  readonly #names = { statement: new Map<string, T>(), portal: new Map<string, T>() };
  /** Sent and unanswered, oldest first; the last one is open until its Sync. */
  readonly #segments: Segment<T>[] = [new Segment<T>()];
  #copyIn = false;
  #status: 'I' | 'T' | 'E' = 'I';

  /** Transaction status of the last ReadyForQuery. */
  get status(): 'I' | 'T' | 'E' {
    return this.#status;
  }

  /** Nothing that was sent is unanswered. */
  get idle(): boolean {
    return this.#segments.length === 1 && this.#open.changes.length === 0;
  }

  get names(): number {
    return this.#names.statement.size + this.#names.portal.size;
  }

  get #open(): Segment<T> {
    return this.#segments[this.#segments.length - 1] as Segment<T>;
  }

  change(of: 'statement' | 'portal', name: string, value: T | undefined, completion: Change<T>['completion']): void {
    this.extended();
    this.#open.changes.push({ of, name, value, completion });
  }

  /** A message of the extended query was sent: after an error the target skips what follows, until Sync. */
  extended(): void {
    const open = this.#open;
    // What ended a copy before them was late, and is of no copy of theirs.
    if (!open.isExtended) open.isCopyEnded = false;
    open.isExtended = true;
  }

  /** An answer will be due for what was just sent. Call before `query()`. */
  expect(what: Due<T>['what'], of: T | undefined | Promise<T | undefined>): void {
    const due: Due<T> = { what, of: of instanceof Promise ? undefined : of, statement: 0 };
    this.#open.due.push(due);
    if (of instanceof Promise) {
      of.then((known) => {
        due.of = known;
      });
    }
  }

  /** Rows of what was just sent are limited by what will be said of it. Call before `query()`. */
  limits(what: Limited | undefined | Promise<Limited | undefined>): void {
    const { limited } = this.#open;
    if (what instanceof Promise) what.then((known) => known !== undefined && limited.push(known));
    else if (what !== undefined) limited.push(what);
  }

  /** What limits the rows that the target is sending now. */
  get limited(): readonly Limited[] {
    return this.#segments[0]?.limited ?? [];
  }

  /** The answer that the target is giving now. */
  get due(): Due<T> | undefined {
    return this.#segments[0]?.due[0];
  }

  /** The answer that was due is complete. */
  answered(): void {
    this.#segments[0]?.due.shift();
  }

  /** What a name stands for when the target reaches this point; a promise where an unanswered segment decides it. */
  lookup(of: 'statement' | 'portal', name: string): T | undefined | Promise<T | undefined> {
    const own = lastOf(this.#open, of, name, this.#open.committed);
    if (own !== undefined) return own.value;
    for (let i = this.#segments.length - 2; i >= 0; i--) {
      const segment = this.#segments[i] as Segment<T>;
      const dropped = segment.closedBy === 'query' && name === '';
      if (dropped || lastOf(segment, of, name, segment.committed) !== undefined) {
        return segment.settled.then(() => this.#names[of].get(name));
      }
    }
    return this.#names[of].get(name);
  }

  /**
   * A Sync was sent.
   * @throws WireError while data is copied in: the target ignores it unless it has failed meanwhile (54.2.6)
   */
  sync(): void {
    if (this.#copyIn) throw unsupported('Sync while data is copied in; send CopyDone or CopyFail before it');
    this.#close('sync');
  }

  /**
   * A Query was sent: it answers for itself and ends the unnamed statement and portal.
   * @throws WireError within an unsynced pipeline: whether the target answers or skips it could not be told
   */
  query(): void {
    if (this.#open.isExtended) throw unsupported('a simple query within a pipeline; send Sync before it');
    if (this.#copyIn) throw unsupported('a query while data is copied in; send CopyDone before it');
    this.#close('query');
  }

  #close(by: 'sync' | 'query'): void {
    this.#open.closedBy = by;
    this.#segments.push(new Segment<T>());
  }

  /** Marks a segment as refused; the first refusal is the one that the target raises. */
  poison(segment: SegmentHandle, poison: Poison): void {
    (segment as Segment<T>).poison ??= poison;
  }

  /** The segment that a request being read now belongs to. */
  get current(): SegmentHandle {
    return this.#open;
  }

  /** The poison that the oldest unanswered segment was given. */
  get expected(): Poison | undefined {
    return this.#segments[0]?.poison;
  }

  completed(completion: Change<T>['completion']): void {
    const segment = this.#segments[0] as Segment<T>;
    const change = segment.changes[segment.committed];
    if (change === undefined || change.completion !== completion) {
      throw new WireError('ERR_WIRE_UNEXPECTED', `the target completed a ${completion} that nobody asked for`);
    }
    segment.committed++;
    if (change.value === undefined) this.#names[change.of].delete(change.name);
    else this.#names[change.of].set(change.name, change.value);
  }

  /**
   * The target has begun to copy in. It swallows what was sent ahead, so nothing may have been.
   * @throws WireError where something was: which answer belongs to what could not be told
   */
  copyInStarted(): void {
    this.#copyIn = true;
    const copying = this.#segments[0] as Segment<T>;
    const [, next, ...more] = this.#segments;
    const isAhead = next !== undefined && (next.isExtended || next.isCopyEnded);
    if (more.length > 0 || isAhead || (copying.isExtended && copying.isCopyEnded)) {
      throw unsupported('messages sent ahead of a COPY FROM STDIN; wait for CopyInResponse');
    }
    if (copying.closedBy !== 'sync') return;
    // The Sync that was sent along with the Execute is swallowed by the target: the segment is open again.
    copying.closedBy = undefined;
    this.#segments.length = 1;
  }

  /** The client has sent CopyDone or CopyFail. */
  copyInEnded(): void {
    if (!this.#copyIn) this.#open.isCopyEnded = true;
    this.#copyIn = false;
  }

  /** The target has raised an error: it copies no more. */
  failed(): void {
    this.#copyIn = false;
  }

  ready(status: 'I' | 'T' | 'E'): void {
    this.#status = status;
    this.#copyIn = false;
    if (status === 'I') this.#names.portal.clear();
    if (this.#segments.length === 1) {
      throw new WireError('ERR_WIRE_UNEXPECTED', 'the target is ready although nobody asked it anything');
    }
    const answered = this.#segments.shift() as Segment<T>;
    if (answered.closedBy === 'query') {
      this.#names.statement.delete('');
      this.#names.portal.delete('');
    }
    answered.settle();
  }
}

const unsupported = (what: string): WireError => new WireError('ERR_WIRE_UNSUPPORTED', `not supported here: ${what}`);

/** Names a segment without giving access to it. */
export type SegmentHandle = object;

function lastOf<T>(segment: Segment<T>, of: string, name: string, from: number): Change<T> | undefined {
  for (let i = segment.changes.length - 1; i >= from; i--) {
    const change = segment.changes[i] as Change<T>;
    if (change.of === of && change.name === name) return change;
  }
  return undefined;
}
