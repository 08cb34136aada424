import type { Principal } from '@sallyport/shared/access/principal.ts';
import type { Denial } from '@sallyport/shared/access/verdict.ts';
import type { Grant, GrantFilter } from '../../approvals/grants/grant.ts';
import type { Approval } from '../../approvals/store.ts';

export interface AccessOrder {
  readonly by: Principal;
  readonly connection: string;
  /** Undefined: the rule's usual time. */
  readonly durationMs: number | undefined;
  readonly reason: string;
  /** IP address of the caller, which rules may read. */
  readonly address: string;
}

/** Access for a time. Undefined is "no such", also for what somebody may not even ask for. */
export interface AccessPort {
  request(
    order: AccessOrder,
  ): Promise<
    | { readonly approval: Approval; readonly grant: undefined }
    | { readonly approval: undefined; readonly grant: Grant }
    | Denial
    | undefined
  >;
  /** As it is, then each change until it is decided. */
  watch(approvalId: string, signal: AbortSignal): AsyncIterable<Approval>;
  /** Takes back what somebody asked for themselves; a denial where it is not theirs or decided already. */
  cancel(id: string, by: Principal): Promise<Approval | Denial>;
  breakGlass(order: AccessOrder): Promise<Grant | Denial | undefined>;
  /** Newest first. */
  list(filter: GrantFilter): Promise<readonly Grant[]>;
  get(id: string): Promise<Grant | undefined>;
  /** What was given for an approval. */
  ofApproval(approval: Approval): Promise<Grant | undefined>;
  /** Whether this one could be asked, so that they may take it back and review it. */
  mayDecide(grant: Grant, principal: Principal): boolean;
  /** Undefined where it is not in force. */
  revoke(id: string, by: Principal, why: string): Promise<Grant | undefined>;
  review(id: string, by: Principal, note: string): Promise<Grant | Denial | undefined>;
}
