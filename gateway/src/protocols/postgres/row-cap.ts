import type { Cap, Denial, RowLimit } from '@sallyport/shared/access/verdict.ts';
import { WireError } from '@sallyport/shared/errors/errors.ts';
import { Backend } from '@sallyport/shared/wire/postgres/types.ts';
import type { Limited } from './pipeline.ts';

/** Where the limits of what is answered now are found. */
interface Limits {
  readonly limited: readonly Limited[];
}

/** What is done with a message: it passes, it is dropped, or an error takes its place. */
export type Outcome = 'pass' | 'drop' | Denial;

/** Counts rows where a rule limits them. A portal that is read in parts counts as one statement. */
export class RowCap {
  readonly #limits: Limits;
  readonly #exceeded: () => void;
  #statementRows = 0;
  #sessionRows = 0;
  /** The limit that was reached; until the target is ready again nothing but its status passes. */
  #denial: Denial | undefined;
  /** The error was told. */
  #isTold = false;
  #isCopyOpen = false;

  /** `exceeded` is called once for each statement that returns too much. */
  constructor(limits: Limits, exceeded: () => void) {
    this.#limits = limits;
    this.#exceeded = exceeded;
  }

  /** Whether there is anything to count or to hold back: a quick no for sessions without limits. */
  get counts(): boolean {
    return this.#denial !== undefined || this.#limits.limited.some(({ limit }) => limit !== undefined);
  }

  /** @throws WireError where the target did more than was answered for: the session ends then */
  message(type: number): Outcome {
    if (this.#denial !== undefined) return this.#behind(type, this.#denial);
    switch (type) {
      case Backend.DataRow:
      case Backend.CopyData:
        return this.#row();
      case Backend.CopyOutResponse:
        this.#isCopyOpen = true;
        return 'pass';
      case Backend.PortalSuspended:
        // Goes on later, perhaps behind something else.
        for (const one of new Set(this.#limits.limited)) one.rowsBefore = (one.rowsBefore ?? 0) + this.#statementRows;
        this.#statementRows = 0;
        return 'pass';
      case Backend.CommandComplete:
      case Backend.ErrorResponse:
        this.#statementRows = 0;
        this.#isCopyOpen = false;
        return 'pass';
      default:
        return 'pass';
    }
  }

  #row(): Outcome {
    const { limited } = this.#limits;
    const limits = limited.flatMap(({ limit }) => limit ?? []);
    const before = Math.max(0, ...limited.map(({ rowsBefore = 0 }) => rowsBefore));
    const reached =
      overrun(limits, 'statement', before + this.#statementRows) ?? overrun(limits, 'session', this.#sessionRows);
    if (reached === undefined) {
      this.#statementRows += 1;
      this.#sessionRows += 1;
      return 'pass';
    }
    this.#denial = denialOf(reached);
    this.#exceeded();
    return 'drop';
  }

  #behind(type: number, denial: Denial): Outcome {
    if (type === Backend.ReadyForQuery) {
      this.#denial = undefined;
      this.#isTold = this.#isCopyOpen = false;
      this.#statementRows = 0;
      return 'pass';
    }
    if (asides.has(type)) return 'pass';
    if (!this.#isTold) {
      if (!ends.has(type)) return 'drop';
      this.#isTold = true;
      // What ends a copy is followed by the end of its command.
      if (type !== Backend.CopyDone) this.#isCopyOpen = false;
      return denial;
    }
    if (type === Backend.CommandComplete && this.#isCopyOpen) this.#isCopyOpen = false;
    else if (works.has(type)) {
      throw new WireError(
        'ERR_WIRE_UNSUPPORTED',
        `${denial.message} (rule "${denial.rule}"), and what was sent along with the statement has been done meanwhile`,
      );
    }
    return 'drop';
  }
}

/** What may come at any time and is of no statement. */
const asides = new Set<number>([Backend.NoticeResponse, Backend.NotificationResponse, Backend.ParameterStatus]);
const ends = new Set<number>([
  Backend.CommandComplete,
  Backend.PortalSuspended,
  Backend.CopyDone,
  Backend.ErrorResponse,
  Backend.EmptyQueryResponse,
]);
/** Signs that the target went on with something else. */
const works = new Set<number>([
  Backend.CommandComplete,
  Backend.DataRow,
  Backend.CopyOutResponse,
  Backend.CopyInResponse,
]);

interface Reached extends Cap {
  readonly of: 'statement' | 'session';
}

function overrun(limits: readonly RowLimit[], of: Reached['of'], rows: number): Reached | undefined {
  const cap = limits.map((limit) => limit[of]).find((one) => one !== undefined && rows >= one.rows);
  return cap && { ...cap, of };
}

const denialOf = ({ rows, rule, of }: Reached): Denial => ({
  reason: 'limited',
  rule,
  message: `${of === 'statement' ? 'a statement' : 'the statements of a session'} may return ${rows} rows`,
  hint: 'Ask for fewer, with a LIMIT or a narrower condition, or ask whoever keeps the rule.',
});
