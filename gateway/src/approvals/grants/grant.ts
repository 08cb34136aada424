import { type Party, type Principal, partyOf } from '@sallyport/shared/access/principal.ts';
import type { Approvers } from '@sallyport/shared/access/verdict.ts';

export { type Party, partyOf } from '@sallyport/shared/access/principal.ts';

/** Access of one person to one connection for a time. Times are milliseconds since the epoch. */
export interface Grant {
  readonly id: string;
  /** As they were when they asked. */
  readonly principal: Principal;
  readonly connection: string;
  readonly rule: string;
  /** Digest of all that people consented under: the rule's terms, and where the connection leads. */
  readonly terms: string;
  readonly reason: string;
  /** They let themselves in; nobody was asked. */
  readonly isBreakGlass: boolean;
  /** The approval that it rests on. */
  readonly approvalId?: string | undefined;
  readonly decidedBy: readonly Party[];
  /** Who may take it back, and review it. */
  readonly approvers: Approvers;
  /** The moment of the decision. */
  readonly startsAt: number;
  readonly endsAt: number;
  readonly state: 'active' | 'ended' | 'revoked';
  readonly over?: { readonly at: number; readonly why: string; readonly by?: Party | undefined };
  /** Of a break-glass grant: somebody else has looked at it. */
  readonly review?: { readonly at: number; readonly by: Party; readonly note: string };
}

export interface AccessEvent {
  readonly type:
    | 'access.requested'
    | 'access.granted'
    | 'access.rejected'
    | 'access.ended'
    | 'access.revoked'
    | 'access.break-glass'
    | 'access.reviewed';
  readonly connection: string;
  /** Whose access it is. */
  readonly principal: Party;
  readonly data: object;
}

export interface GrantFilter {
  readonly active?: boolean;
  /** Break-glass that nobody has reviewed. */
  readonly unreviewed?: boolean;
  /** The person's id. */
  readonly principal?: string;
  readonly limit: number;
}

export interface GrantStore {
  putGrant(grant: Grant): Promise<void>;
  grant(id: string): Promise<Grant | undefined>;
  /** Newest first. */
  grants(filter: GrantFilter): Promise<readonly Grant[]>;
}

export const needsReview = ({ isBreakGlass, review }: Grant): boolean => isBreakGlass && review === undefined;

/** What an event tells of a grant: everything but the person's groups and claims, which are not its matter. */
export function toldOf({ principal, terms: _, ...grant }: Grant): object {
  return { ...grant, principal: partyOf(principal) };
}

/** `90 s`, `15 min`, `2 h`, `1.5 h`. */
export function spoken(ms: number): string {
  if (ms >= 3_600_000) return `${+(ms / 3_600_000).toFixed(1)} h`;
  return ms >= 120_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 1_000)} s`;
}

/** Said whoever notices first: the grant's timer or the session's. */
export const timeOver = (connection: string): string => `the time of your access to ${connection} is over`;

export const askAgain = (connection: string): string => `ask again with: sallyport request ${connection}`;
