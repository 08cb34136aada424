import { partyOf } from '@sallyport/shared/access/principal.ts';
import type { Denial, Verdict } from '@sallyport/shared/access/verdict.ts';
import type { ApprovalDesk } from '../approvals/approval-desk.ts';
import { spoken } from '../approvals/grants/grant.ts';
import type { AccessGrants } from '../approvals/grants/grants.ts';
import type { AccessCase, AccessRequests } from '../approvals/grants/requests.ts';
import { accessCase } from './access-terms.ts';
import type { AskToOpen, Candidate, Consent } from './admit.ts';

export interface ConsentParts {
  readonly approvals: Pick<ApprovalDesk, 'request'>;
  readonly grants: Pick<AccessGrants, 'find'>;
  readonly requests: Pick<AccessRequests, 'join'>;
  readonly approvalUrl: (id: string) => string;
}

type Asking = Extract<Verdict, { outcome: 'approve' }>;

/** Consent to open a session: a grant in force, else people. `settled` ends the watch over whoever waits. */
export function consentTo(parts: ConsentParts, settled: AbortSignal): AskToOpen {
  return async (candidate, verdict) => {
    const { identified, connection } = candidate;
    const of = accessCase(identified.principal, connection, verdict);
    if (of === undefined) return forThisSession(parts, candidate, verdict, gone(candidate, settled));
    const grant = parts.grants.find(of.principal.id, of.connection, of.rule, of.terms);
    if (grant !== undefined) return { grant };
    if (of.access.grant === undefined) return forThisSession(parts, candidate, verdict, gone(candidate, settled));
    return forATime(parts, candidate, of, gone(candidate, settled));
  };
}

/** Who waits for people stops waiting by leaving. */
function gone({ visitor }: Candidate, settled: AbortSignal): AbortSignal {
  const left = new AbortController();
  visitor.gone(settled).then(() => left.abort());
  return left.signal;
}

async function forThisSession(
  { approvals, approvalUrl }: ConsentParts,
  { sessionId, identified, connection, visitor }: Candidate,
  { rule, approvers }: Asking,
  signal: AbortSignal,
): Promise<Denial | Consent> {
  const request = await approvals.request(
    {
      rule,
      approvers,
      sessionId,
      connection: connection.name,
      requester: partyOf(identified.principal),
      role: connection.credential.username,
      action: { kind: 'session.open', verb: 'open', effects: ['open'] },
    },
    signal,
  );
  visitor.tell(
    `approval ${request.id} is needed to open ${connection.name} (rule "${rule}")`,
    `${approvalUrl(request.id)} or: sallyport approvals approve ${request.id}`,
  );
  return (await request.outcome) ?? { grant: undefined };
}

async function forATime(
  { requests, approvalUrl }: ConsentParts,
  { sessionId, visitor }: Candidate,
  of: AccessCase,
  signal: AbortSignal,
): Promise<Denial | Consent> {
  const joined = await requests.join(of, sessionId, signal);
  if ('message' in joined) return joined;
  const { id } = joined.approval;
  visitor.tell(
    `approval ${id} is needed to open ${of.connection} for ${spoken(joined.durationMs)} (rule "${of.rule}")`,
    `${approvalUrl(id)} or: sallyport approvals approve ${id}`,
  );
  const end = await joined.outcome;
  return 'message' in end ? end : { grant: end };
}
