/** What the rules say of an action. A refusal is a value: refusing is normal work. */
export type Verdict =
  | { readonly outcome: 'allow'; readonly rule: string; readonly limit?: RowLimit }
  | { readonly outcome: 'deny'; readonly rule: string | undefined; readonly reason: string; readonly hint?: string }
  | { readonly outcome: 'approve'; readonly rule: string; readonly approvers: Approvers; readonly limit?: RowLimit };

/** How many rows may be returned, by the rule that allows fewest. */
export interface RowLimit {
  readonly statement?: Cap;
  readonly session?: Cap;
}

export interface Cap {
  readonly rows: number;
  readonly rule: string;
}

/** Who may decide an approval, how many of them must, and for how long it waits. */
export interface Approvers {
  readonly groups: readonly string[];
  readonly users: readonly string[];
  readonly count: number;
  readonly timeoutMs: number;
}

/** Why a person is turned away, in one sentence for that person. */
export interface Denial {
  readonly reason: DenialReason;
  /** The rule that said so, where one did. */
  readonly rule?: string;
  readonly message: string;
  /** What to do next. */
  readonly hint?: string;
}

export type DenialReason =
  | 'unauthenticated'
  | 'forbidden'
  | 'rejected'
  | 'expired'
  | 'cancelled'
  | 'unavailable'
  /** The session was ended: by an administrator, a revoked token, the end of its time. */
  | 'ended'
  /** More was asked for than a rule lets through. */
  | 'limited'
  | 'protocol';
