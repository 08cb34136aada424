import type { ApprovalsPort } from '../api/ports.ts';
import type { ApprovalDesk } from '../approvals/approval-desk.ts';
import { barred } from '../approvals/approver.ts';

/** The API's view of approvals. */
export function approvalsPort(desk: ApprovalDesk): ApprovalsPort {
  return {
    list: (filter) => desk.list(filter),
    get: (id) => desk.get(id),
    mayDecide: (approval, principal) => barred({ ...approval, decisions: [] }, principal) === undefined,
    async decide(id, principal, approved, reason) {
      if ((await desk.get(id)) === undefined) return undefined;
      return desk.decide(id, principal, approved, reason);
    },
    async *watch(signal) {
      // Subscribed before the listing, so that nothing falls between.
      const changes = desk.watch(signal);
      for (const approval of await desk.list({ state: 'pending', limit: 500 })) yield approval;
      yield* changes;
    },
  };
}
