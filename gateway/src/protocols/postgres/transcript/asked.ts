import type { Format } from '@sallyport/shared/wire/postgres/types.ts';

/** A statement that was let through and whose answer may be to come. */
export interface Asked {
  readonly number: number;
  /** By which its columns are remembered; absent where it is too long for that. */
  readonly text: string | undefined;
  /** It runs something that the gateway did not see prepared. */
  readonly unseen: boolean;
  readonly resultFormats: readonly Format[] | undefined;
}

/** A pipeline that is longer is not followed. */
const MAX_WAITING = 2_000;

/**
 * Which statement the target is answering. A recording holds no Sync, so after an error within a pipeline nobody can
 * tell which of the statements in flight were skipped: from then on nothing is said rather than something wrong.
 */
export class AskedStatements {
  #waiting: Asked[] = [];
  #current: Asked | undefined;
  /** Of the portal that last had more rows than were asked for. */
  #suspended: Asked | undefined;
  /** BindComplete was seen since the last ReadyForQuery: results belong to what was bound last. */
  #extended = false;
  #failed = false;
  #lost = false;

  /** What is being answered; undefined where that is not known. */
  get current(): Asked | undefined {
    return this.#lost ? undefined : this.#current;
  }

  add(asked: Asked): void {
    if (this.#lost) return;
    this.#waiting.push(asked);
    if (this.#waiting.length > MAX_WAITING) this.#lose();
  }

  bound(): void {
    this.#extended = true;
    this.#next();
  }

  /** Rows that nobody described: of a portal that had more of them, or one that the gateway did not see made. */
  continued(): void {
    if (this.#current !== undefined || this.#takeUnseen()) return;
    if (!this.#extended) this.#current = this.#suspended;
  }

  /** A result, or a part of one, arrives: of a simple query where nothing was bound. */
  answered(): void {
    if (this.#current !== undefined || this.#takeUnseen() || this.#extended) return;
    this.#current = this.#waiting.shift() ?? this.#suspended;
  }

  /** What was not seen prepared runs without a BindComplete. */
  #takeUnseen(): boolean {
    if (!this.#waiting[0]?.unseen) return false;
    this.#current = this.#waiting.shift();
    return true;
  }

  /** Of what was bound one result comes; of a query as many as it has statements. */
  completed(): void {
    if (this.#extended) this.#current = undefined;
  }

  suspended(): void {
    this.#suspended = this.#current;
  }

  /** `ofRefusal`: the error tells of a refusal, so that it answers none of the statements that were let through. */
  failed(ofRefusal: boolean): void {
    this.#failed = true;
    if (!ofRefusal && this.#current === undefined) this.#current = this.#waiting.shift();
  }

  ready(): void {
    // What still waits may have been skipped with the failed one, or may be the next pipeline's.
    if (this.#failed && this.#waiting.length > 0) this.#lose();
    this.#current = undefined;
    this.#extended = false;
    this.#failed = false;
  }

  #next(): void {
    this.#current = this.#waiting.shift();
    if (this.#current === undefined) this.#lose();
  }

  #lose(): void {
    this.#lost = true;
    this.#waiting = [];
  }
}
