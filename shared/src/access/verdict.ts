/** What the rules say of an action. A refusal is a value: refusing is normal work. */
export type Verdict =
  | { readonly outcome: 'allow'; readonly rule: string; readonly limit?: RowLimit }
  | { readonly outcome: 'deny'; readonly rule: string | undefined; readonly reason: string; readonly hint?: string }
  | {
      readonly outcome: 'approve';
      readonly rule: string;
      readonly approvers: Approvers;
      readonly limit?: RowLimit;
      readonly access?: AccessTerms;
    };

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
  /** Groups of which one person each must approve, beside the `count` of the others; one person counts for one. */
  readonly eachOf?: readonly string[];
}

/** What a rule says of access for a time. */
export interface AccessTerms {
  /** What consent to open a session gives; absent: that one session. Milliseconds. */
  readonly grant?: { readonly maxMs: number; readonly defaultMs: number; readonly needsReason?: true };
  /** Who may let themselves in when nobody is there to decide. */
  readonly breakGlass?: { readonly groups: readonly string[]; readonly maxMs: number };
  /** SHA-256, hex, of all in the rule that people consent under: when it changes, consent is void. */
  readonly digest: string;
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
