import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Code, type HandlerContext, type ServiceImpl } from '@connectrpc/connect';
import { type AccessService, type GrantSchema, GrantState } from '@sallyport/proto/api/v1/access_pb';
import type { Grant } from '../../approvals/grants/grant.ts';
import type { Approval } from '../../approvals/store.ts';
import { addressKey, type Caller, callerOf, isAny } from '../caller.ts';
import type { AccessOrder, AccessPort } from '../ports/access.ts';
import type { ApprovalsPort } from '../ports.ts';
import { granted, invalid, notFound, problem } from '../problems.ts';
import type { Streams } from '../streams.ts';
import { shown as shownApproval } from './approvals.ts';
import { limitOf, optional, required } from './fields.ts';
import { shownParty } from './parties.ts';
import { durationMs } from './times.ts';

/** So many are looked at for one listing; those that the caller may not see are left out of it. */
const MAX_LOOKED_AT = 500;

type Asked =
  | Parameters<ServiceImpl<typeof AccessService>['requestAccess']>[0]
  | Parameters<ServiceImpl<typeof AccessService>['breakGlass']>[0];

export function accessService(
  port: AccessPort,
  approvals: Pick<ApprovalsPort, 'get'>,
  streams: Streams,
): ServiceImpl<typeof AccessService> {
  const visible = async (asked: string, caller: Caller): Promise<Grant> => {
    const id = required('the id', asked);
    const grant = await port.get(id);
    if (grant === undefined || !maySee(port, grant, caller)) throw notFound('grant', id);
    return grant;
  };
  const told = async (approval: Approval) => {
    const grant = approval.state === 'approved' ? await port.ofApproval(approval) : undefined;
    return { approval: shownApproval(approval), ...(grant === undefined ? {} : { grant: shown(grant) }) };
  };
  return {
    async requestAccess(request, context) {
      const order = orderOf(request, context);
      const answer = granted((await port.request(order)) ?? unknown(order.connection));
      if (answer.grant !== undefined) return { grant: shown(answer.grant) };
      return { approval: shownApproval(answer.approval) };
    },
    async *watchRequest(request, context) {
      const caller = callerOf(context);
      const id = required('the id', request.id);
      const approval = await approvals.get(id);
      if (approval === undefined || !isAskedBy(approval, caller)) throw notFound('request of yours', id);
      for await (const each of streams.serve(context, (signal) => port.watch(id, signal))) yield told(each);
    },
    async cancelRequest(request, context) {
      const caller = callerOf(context);
      const id = required('the id', request.id);
      const approval = await approvals.get(id);
      if (approval === undefined || !isAskedBy(approval, caller)) throw notFound('request of yours', id);
      return { approval: shownApproval(granted(await port.cancel(id, caller.principal))) };
    },
    async breakGlass(request, context) {
      const order = orderOf(request, context);
      return { grant: shown(granted((await port.breakGlass(order)) ?? unknown(order.connection))) };
    },
    async listGrants({ all, active, needsReview, limit }, context) {
      const caller = callerOf(context);
      const found = await port.list({
        active,
        unreviewed: needsReview,
        limit: MAX_LOOKED_AT,
        ...(all ? {} : { principal: caller.principal.id }),
      });
      // Nobody reviews their own: it is not in their inbox.
      const seen = found.filter((one) => maySee(port, one, caller) && !(needsReview && isOwn(one, caller)));
      return { grants: seen.slice(0, limitOf(limit)).map(shown) };
    },
    async getGrant({ id }, context) {
      return { grant: shown(await visible(id, callerOf(context))) };
    },
    async revokeGrant({ id, reason }, context) {
      const caller = callerOf(context);
      const grant = await visible(id, caller);
      const why = optional('the reason', reason, 500) ?? '';
      if (!isOwn(grant, caller) && !isAny(caller, 'admin') && !port.mayDecide(grant, caller.principal)) {
        throw problem(Code.PermissionDenied, `you may not take ${grant.id} back`);
      }
      const revoked = await port.revoke(grant.id, caller.principal, why);
      if (revoked === undefined) throw problem(Code.FailedPrecondition, `${grant.id} is not in force any more`);
      return { grant: shown(revoked) };
    },
    async reviewBreakGlass({ id, note }, context) {
      const caller = callerOf(context);
      const grant = await visible(id, caller);
      const said = optional('the note', note, 500) ?? '';
      return { grant: shown(granted((await port.review(grant.id, caller.principal, said)) ?? unknown(id))) };
    },
  };
}

function orderOf({ connection, duration, reason }: Asked, context: HandlerContext): AccessOrder {
  if (duration !== undefined && duration.seconds > MAX_SECONDS) throw invalid('nobody is given access for so long');
  return {
    by: callerOf(context).principal,
    connection: required('the connection', connection),
    durationMs: durationMs(duration),
    reason: optional('the reason', reason, 500) ?? '',
    address: context.values.get(addressKey),
  };
}

/** A year; rules say how much less. */
const MAX_SECONDS = 366n * 86_400n;

/** What somebody may not ask for is told as what is not there. */
const unknown = (connection: string): never => {
  throw notFound('connection for you named', connection);
};

const isOwn = ({ principal }: Grant, caller: Caller): boolean => principal.id === caller.principal.id;

/** A person's own, what programs ask on their behalf among it; a program's own only. */
const isAskedBy = ({ requester }: Approval, { principal: { id, actor } }: Caller): boolean =>
  requester.id === id && (actor === undefined || requester.actor?.id === actor.id);

const maySee = (port: AccessPort, grant: Grant, caller: Caller): boolean =>
  isOwn(grant, caller) || isAny(caller, 'admin', 'auditor', 'approver') || port.mayDecide(grant, caller.principal);

const states = { active: GrantState.ACTIVE, ended: GrantState.ENDED, revoked: GrantState.REVOKED } as const;

function shown(grant: Grant): MessageInitShape<typeof GrantSchema> {
  const {
    id,
    state,
    principal,
    connection,
    rule,
    reason,
    isBreakGlass,
    approvalId = '',
    decidedBy,
    over,
    review,
  } = grant;
  return {
    id,
    state: states[state],
    principal: shownParty(principal),
    connection,
    rule,
    reason,
    breakGlass: isBreakGlass,
    approvalId,
    decidedBy: decidedBy.map((by) => ({ ...by })),
    startsAt: timestampFromMs(grant.startsAt),
    endsAt: timestampFromMs(grant.endsAt),
    needsReview: isBreakGlass && review === undefined,
    ...(over && {
      overAt: timestampFromMs(over.at),
      overBecause: over.why,
      ...(over.by && { overBy: { ...over.by } }),
    }),
    ...(review && { reviewedBy: { ...review.by }, reviewedAt: timestampFromMs(review.at), reviewNote: review.note }),
  };
}
