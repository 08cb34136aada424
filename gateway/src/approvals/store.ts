import type { Action } from '@sallyport/shared/access/action.ts';
import type { Party } from '@sallyport/shared/access/principal.ts';
import type { Approvers } from '@sallyport/shared/access/verdict.ts';

export type ApprovalState = 'pending' | 'approved' | 'rejected' | 'expired' | 'cancelled';

export interface Decision {
  /** The principal's id and name. */
  readonly by: string;
  readonly name: string;
  readonly approved: boolean;
  readonly reason: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** What they could stand for then: groups of `eachOf`, `*` for all others; `*` alone where absent. */
  readonly seats?: readonly string[];
}

/** A request for people's consent, with exactly what it is for. */
export interface Approval {
  readonly id: string;
  readonly state: ApprovalState;
  readonly rule: string;
  readonly approvers: Approvers;
  readonly sessionId: string;
  readonly connection: string;
  /** Who asks, and who acts on their behalf. */
  readonly requester: Party;
  readonly action: Action;
  /** The role on the target. */
  readonly role: string;
  /** Milliseconds since the epoch. */
  readonly requestedAt: number;
  readonly expiresAt: number;
  readonly decisions: readonly Decision[];
  /** For a request for access: how long, from the decision on, and why. */
  readonly access?: { readonly durationMs: number; readonly reason: string };
}

export interface ApprovalStore {
  putApproval(approval: Approval): Promise<void>;
  approval(id: string): Promise<Approval | undefined>;
  /** Newest first. */
  approvals(filter: { readonly state?: ApprovalState; readonly limit: number }): Promise<readonly Approval[]>;
}
