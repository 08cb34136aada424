import { createHash } from 'node:crypto';
import type { AccessTerms, Approvers } from '@sallyport/shared/access/verdict.ts';
import type { RuleSpec } from './rule.ts';

/** Lengths of time: `90s`, `15m`, `2h`, `7d`; 30 days at most. */
export interface GrantSpec {
  /** The longest time that may be asked for. */
  readonly max: string;
  /** Where none is asked for; one hour, or `max` where that is less, when absent. */
  readonly default?: string;
  /** Whether people must say why; they need not when absent. */
  readonly reason?: 'required' | 'optional';
}

/** People of these groups, among those whom the rule concerns, may let themselves in. */
export interface BreakGlassSpec {
  readonly groups: readonly string[];
  readonly max: string;
}

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const HOUR_MS = 3_600_000;
const MAX_MS = 30 * 86_400_000;

/** What a rule says of access for a time; undefined where it says nothing. @throws Error that says what is wrong */
export function readAccess(spec: RuleSpec, approvers: Approvers | undefined): AccessTerms | undefined {
  const { grant, breakGlass, who, connections, actions, when } = spec;
  const key = grant === undefined ? (breakGlass === undefined ? undefined : 'breakGlass') : 'grant';
  if (key === undefined) return undefined;
  if (approvers === undefined) throw new Error(`${key}: means nothing with ${spec.then}`);
  if (actions?.length !== 1 || actions[0] !== 'session.open') {
    throw new Error(`${key}: is for opening sessions only; write actions: [session.open]`);
  }
  const terms = {
    ...(grant === undefined ? {} : { grant: readGrant(grant) }),
    ...(breakGlass === undefined
      ? {}
      : { breakGlass: { groups: breakGlass.groups, maxMs: readMs('breakGlass.max', breakGlass.max) } }),
  };
  const consented = JSON.stringify([who, connections ?? null, when ?? null, approvers, terms]);
  return { ...terms, digest: createHash('sha256').update(consented).digest('hex') };
}

function readGrant({ max, default: usual, reason }: GrantSpec): NonNullable<AccessTerms['grant']> {
  const maxMs = readMs('grant.max', max);
  const defaultMs = usual === undefined ? Math.min(HOUR_MS, maxMs) : readMs('grant.default', usual);
  if (defaultMs > maxMs) throw new Error(`grant.default: is longer than grant.max, ${max}`);
  return { maxMs, defaultMs, ...(reason === 'required' ? { needsReason: true } : {}) };
}

function readMs(key: string, text: string): number {
  const [, count = '', unit = ''] = /^(\d{1,7})([smhd])$/.exec(text) ?? [];
  const ms = Number(count) * (unitMs[unit] ?? 0);
  if (!(ms > 0 && ms <= MAX_MS))
    throw new Error(`${key}: "${text}" is no duration such as 30m, 8h or 1d (30d at most)`);
  return ms;
}
