import type { Principal } from '@sallyport/shared/access/principal.ts';
import type { Approvers, Denial } from '@sallyport/shared/access/verdict.ts';
import type { Approval } from './store.ts';

/** Why this principal has no say in the approval; undefined where they have. */
export function barred(approval: Approval, principal: Principal): Denial | undefined {
  const { approvers, id, requester, decisions } = approval;
  if (principal.id === requester.id) {
    return forbidden(`nobody decides their own request, and ${id} is yours`, `Ask ${whoMayDecide(approvers)}.`);
  }
  if (!mayDecide(approvers, principal)) {
    return forbidden(`you may not decide ${id}`, `Who may: ${whoMayDecide(approvers)}.`);
  }
  const earlier = decisions.find(({ by }) => by === principal.id);
  if (earlier === undefined) return undefined;
  const missing = approvers.count - decisions.length;
  return forbidden(`you have approved ${id} already`, `${missing} more of ${whoMayDecide(approvers)} must.`);
}

/** Consent is a person's: a service account has none to give. */
function mayDecide({ groups, users }: Approvers, principal: Principal): boolean {
  if (principal.id.startsWith('service:')) return false;
  if (users.includes(principal.id) || users.includes(principal.name)) return true;
  return groups.some((group) => principal.groups.includes(group));
}

/** `the group dba, alice`. */
export function whoMayDecide({ groups, users }: Approvers): string {
  const named = groups.length === 0 ? [] : [`the group${groups.length > 1 ? 's' : ''} ${groups.join(', ')}`];
  return [...named, ...users].join(', ');
}

export function forbidden(message: string, hint?: string): Denial {
  return { reason: 'forbidden', message, ...(hint === undefined ? {} : { hint }) };
}
