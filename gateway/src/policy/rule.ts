import type { ConnectionsSpec, WhoSpec } from '@sallyport/shared/access/scope.ts';
import type { Approvers } from '@sallyport/shared/access/verdict.ts';

import type { BreakGlassSpec, GrantSpec } from './access-terms.ts';

export interface ApproversSpec {
  readonly groups?: readonly string[];
  readonly users?: readonly string[];
  /** 1 when absent. */
  readonly count?: number;
  /** `90s`, `15m`, `2h`; 15 minutes when absent, 24 hours at most. */
  readonly timeout?: string;
  /** One person of each of these groups must approve as well; a person of several counts for one. */
  readonly eachOf?: readonly string[];
}

/** A rule as people write it. */
export interface RuleSpec {
  readonly who: WhoSpec;
  readonly connections?: ConnectionsSpec;
  /**
   * Effects and kinds. A deny or approve rule matches where the action has any of them, an allow rule only where every
   * effect (or the kind) is listed: what was not named was not allowed.
   */
  readonly actions?: readonly string[];
  /** A CEL expression that gives a boolean. */
  readonly when?: string;
  readonly then: 'allow' | 'deny' | 'approve';
  /** For the person who is refused. */
  readonly reason?: string;
  readonly approvers?: ApproversSpec;
  /** How many rows a matching statement may return, and all such statements of a session together. */
  readonly limit?: { readonly rows?: number | undefined; readonly sessionRows?: number | undefined };
  /** The rights that a session's own role gets at the target, of those that the configured role has; all when absent. */
  readonly privileges?: readonly string[];
  /** Consent to open a session is good for further ones, for a time. */
  readonly grant?: GrantSpec;
  readonly breakGlass?: BreakGlassSpec;
}

export interface NamedRule {
  readonly name: string;
  readonly spec: RuleSpec;
}

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000 };
const MAX_TIMEOUT_MS = 24 * unitMs.h;

/** @throws Error that says what is wrong, without the rule's name. */
export function readApprovers(spec: ApproversSpec | undefined): Approvers {
  const groups = spec?.groups ?? [];
  const users = spec?.users ?? [];
  const count = spec?.count ?? 1;
  const eachOf = [...new Set(spec?.eachOf ?? [])];
  const isOpen = groups.length + users.length > 0;
  if (!isOpen && eachOf.length === 0) throw new Error('approvers: name at least one group or user');
  if (!isOpen && spec?.count !== undefined) throw new Error('approvers.count: means nothing without groups or users');
  if (!Number.isInteger(count) || count < 1) throw new Error('approvers.count: a whole number of 1 or more');
  const timeoutMs = readDuration(spec?.timeout ?? '15m');
  return { groups, users, count, timeoutMs, ...(eachOf.length === 0 ? {} : { eachOf }) };
}

function readDuration(text: string): number {
  const match = /^(\d{1,6})(s|m|h)$/.exec(text);
  const timeoutMs = Number(match?.[1]) * unitMs[(match?.[2] ?? 's') as keyof typeof unitMs];
  if (match === null || timeoutMs <= 0 || timeoutMs > MAX_TIMEOUT_MS) {
    throw new Error(`approvers.timeout: "${text}" is no duration such as 90s, 15m or 2h (24h at most)`);
  }
  return timeoutMs;
}
