import type { Format } from '@sallyport/shared/wire/postgres/types.ts';

/** An entry of a recording, as far as a transcript needs to know it. */
export interface RecordedEntry {
  /** `request` and `note` hold JSON, `reply` the bytes that the client got. */
  readonly kind: 'request' | 'reply' | 'note';
  /** Since the start of the session. */
  readonly timeUs: number;
  readonly payload: Buffer;
}

/** What a person reads of a session, in the order in which it happened. */
export type TranscriptEvent = {
  /** Microseconds since the start of the session. */
  readonly atUs: number;
  /** The `number` of the statement that it belongs to; absent where a pipeline leaves that open. */
  readonly of?: number;
} & Occurrence;

export type Occurrence =
  | StatementOccurrence
  /** `typeOids` are 0 and names are `?column?` where nobody described them. `guessed`: known from another run. */
  | {
      readonly type: 'columns';
      readonly names: readonly string[];
      readonly typeOids: readonly number[];
      /** As the server names the common ones; empty for others. */
      readonly types: readonly string[];
      readonly formats: readonly (Format | undefined)[];
      readonly guessed: boolean;
    }
  | { readonly type: 'row'; readonly cells: readonly (string | null)[] }
  /** Rows of the result beyond those that are shown. */
  | { readonly type: 'omitted'; readonly rows: number }
  /** `tag` is empty for an empty statement. */
  | { readonly type: 'complete'; readonly tag: string }
  | ({ readonly type: 'error' | 'notice' } & Diagnostic)
  | CopyOccurrence
  /** The portal has more rows than were asked for. */
  | { readonly type: 'suspended' }
  | { readonly type: 'notification'; readonly channel: string; readonly payload: string }
  | { readonly type: 'setting'; readonly name: string; readonly value: string }
  | {
      readonly type: 'refused';
      readonly text?: string;
      readonly rule?: string;
      readonly reason: string;
      readonly message: string;
      readonly hint?: string;
    }
  | {
      readonly type: 'approval';
      readonly id: string;
      readonly state: string;
      readonly rule?: string;
      readonly message?: string;
      readonly text?: string;
    }
  /** Results from here on were not kept: the recording had reached its cap. */
  | { readonly type: 'truncated' }
  /** Replies from here on cannot be read; statements still are. */
  | { readonly type: 'unreadable'; readonly message: string };

export interface StatementOccurrence {
  readonly type: 'statement';
  /** Counts from 1 within the session. */
  readonly number: number;
  /** Absent where the gateway did not see it prepared. */
  readonly text?: string;
  readonly parameters?: readonly (string | null)[];
  /** `postgres.query`, `postgres.execute`. */
  readonly kind?: string;
  readonly verb?: string;
  /** `allow` or `approve`, where the recording says so. */
  readonly verdict?: string;
  readonly rule?: string;
  readonly masks?: readonly string[];
}

export interface CopyOccurrence {
  readonly type: 'copy';
  /** What a client copies in is not part of the recording: only that it did. */
  readonly direction: 'in' | 'out';
  readonly format: 'text' | 'binary';
  /** Of the data that the client got. */
  readonly bytes: number;
  /** The first lines; none of binary data. */
  readonly sample: readonly string[];
}

/** @see PostgreSQL manual 55.8 "Error and Notice Message Fields" */
export interface Diagnostic {
  readonly severity: string;
  readonly code: string;
  readonly message: string;
  readonly detail?: string;
  readonly hint?: string;
}

export interface TranscriptLimits {
  /** Rows of a result that are shown; the rest is counted. */
  readonly maxRows: number;
  /** Bytes of a value that are shown. */
  readonly maxCellBytes: number;
  /** Lines of a COPY that are shown. */
  readonly maxCopyLines: number;
}

export const defaultLimits: TranscriptLimits = { maxRows: 1_000, maxCellBytes: 8_192, maxCopyLines: 20 };
