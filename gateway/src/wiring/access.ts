import type { AccessPort } from '../api/ports/access.ts';
import type { ApprovalDesk } from '../approvals/approval-desk.ts';
import type { AccessEvent } from '../approvals/grants/grant.ts';
import { AccessGrants, mayReview } from '../approvals/grants/grants.ts';
import { AccessRequests } from '../approvals/grants/requests.ts';
import type { Json } from '../audit/event.ts';
import { newEvent } from '../audit/events.ts';
import type { Journal } from '../audit/journal.ts';
import type { Identity } from '../identity/identity.ts';
import type { CurrentAccess } from '../sessions/access.ts';
import { termsNow, wayInto } from '../sessions/access-terms.ts';
import type { Store } from '../store/store.ts';

export interface TimedAccessParts {
  readonly access: CurrentAccess;
  readonly identity: Identity;
  readonly desk: ApprovalDesk;
  readonly journal: Pick<Journal, 'appendDurable'>;
  readonly store: Store;
  readonly onError: (error: unknown) => void;
}

/** Requests and grants, which look again whenever rules, connections or people change. */
export interface TimedAccess {
  readonly grants: AccessGrants;
  readonly requests: AccessRequests;
}

/** @throws Unavailable where the grants of before cannot be read */
export async function openTimedAccess(parts: TimedAccessParts): Promise<TimedAccess> {
  const { access, identity, desk, store, onError } = parts;
  const journal = async ({ type, connection, principal, data }: AccessEvent): Promise<void> => {
    const facts = JSON.parse(JSON.stringify(data)) as { [key: string]: Json };
    await parts.journal.appendDurable(newEvent(type, { connection, principal, data: facts }));
  };
  const terms = (of: Parameters<typeof termsNow>[2]) => termsNow(access, identity, of);
  const grants = await AccessGrants.open({ store: store.accessGrants, journal, termsNow: terms, onError });
  const parked = { desk, grants, journal, termsNow: terms, onError, store: store.accessRequests };
  const requests = new AccessRequests(parked);
  await requests.resume();
  access.onChange(() => {
    grants.review().catch(onError);
    requests.review().catch(onError);
  });
  return { grants, requests };
}

/** The API's view of access for a time. */
export function accessPort({ grants, requests }: TimedAccess, desk: ApprovalDesk, access: CurrentAccess): AccessPort {
  const way = ({
    by,
    connection,
    address,
  }: {
    by: Parameters<typeof wayInto>[2];
    connection: string;
    address: string;
  }) => wayInto(access, connection, by, { id: '', sourceAddress: address, startedAt: Date.now() });
  return {
    async request(order) {
      const found = way(order);
      if (found === undefined) return undefined;
      if (found.outcome === 'open') return openAlready(order.connection, found.rule);
      const { of } = found;
      const known = grants.find(of.principal.id, of.connection, of.rule, of.terms);
      const wantedMs = order.durationMs ?? of.access.grant?.defaultMs ?? 0;
      if (known !== undefined && known.endsAt >= Date.now() + wantedMs) return { grant: known, approval: undefined };
      const approval = await requests.request(of, order);
      return 'message' in approval ? approval : { approval, grant: undefined };
    },
    async *watch(id, signal) {
      const changes = desk.watch(signal);
      try {
        const now = await desk.get(id);
        if (now !== undefined) yield now;
        if (now === undefined || now.state !== 'pending') return;
        for await (const change of changes) {
          if (change.id !== id) continue;
          yield change;
          if (change.state !== 'pending') return;
        }
      } finally {
        await changes.return?.();
      }
    },
    async breakGlass(order) {
      const found = way(order);
      if (found === undefined) return undefined;
      if (found.outcome === 'open') return openAlready(order.connection, found.rule);
      return requests.breakGlass(found.of, order);
    },
    cancel: (id, by) => desk.withdraw(id, by),
    list: (filter) => grants.list(filter),
    get: (id) => grants.get(id),
    ofApproval: async (approval) =>
      (await grants.list({ principal: approval.requester.id, limit: 500 })).find(
        ({ approvalId }) => approvalId === approval.id,
      ),
    mayDecide: mayReview,
    revoke: (id, by, why) => grants.revoke(id, by, why),
    review: (id, by, note) => grants.reviewed(id, by, note),
  };
}

const openAlready = (connection: string, rule: string) =>
  ({
    reason: 'cancelled',
    rule,
    message: `no grant is to be had for ${connection}: the rule "${rule}" says who is let in, and whether people are asked`,
    hint: `Connect with: sallyport connect ${connection}`,
  }) as const;
