import { randomBytes } from 'node:crypto';
import type { Denial } from '@sallyport/shared/access/verdict.ts';
import type { Approval } from './store.ts';

/** An approval that somebody waits for. Its changes happen one after the other. */
export class Pending {
  approval: Approval;
  /** Resolves once: with a denial, or with undefined where people agreed. Never rejects. */
  readonly outcome: Promise<Denial | undefined>;
  readonly #resolve: (denial: Denial | undefined) => void;
  #released = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(approval: Approval) {
    this.approval = approval;
    const { promise, resolve } = Promise.withResolvers<Denial | undefined>();
    this.outcome = promise;
    this.#resolve = resolve;
  }

  /** Whether nobody waits any more. */
  get released(): boolean {
    return this.#released;
  }

  /** Counts the first time. */
  release(denial: Denial | undefined): void {
    this.#released = true;
    this.#resolve(denial);
  }

  /** Runs `change` when those before it are through. */
  inTurn<T>(change: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(change);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

/** RFC 4648's base32 in lower case: no 0, 1 or 8 to be mistaken for a letter. */
const letters = 'abcdefghijklmnopqrstuvwxyz234567';

/** Short enough to be typed: a word, a dash and 8 letters, 40 random bits. */
export function newId(word: string): string {
  return `${word}-${[...randomBytes(8)].map((byte) => letters[byte % 32]).join('')}`;
}

/** Whatever becomes of the one that was given: what was shown stays what is decided. */
export function frozenCopy<T>(value: T): T {
  return freeze(structuredClone(value));
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) freeze(part);
    Object.freeze(value);
  }
  return value;
}
