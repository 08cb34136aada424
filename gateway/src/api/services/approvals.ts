import { durationFromMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import { type ApprovalService, Choice, ApprovalState as ProtoState } from '@sallyport/proto/api/v1/approvals_pb';
import type { Approval, ApprovalState } from '../../approvals/store.ts';
import { type Caller, callerOf, isAny } from '../caller.ts';
import type { ApprovalsPort } from '../ports.ts';
import { granted, invalid, notFound } from '../problems.ts';
import type { Streams } from '../streams.ts';
import { limitOf, optional, required } from './fields.ts';
import { shownParty } from './parties.ts';

const numbers: Readonly<Record<ApprovalState, ProtoState>> = {
  pending: ProtoState.PENDING,
  approved: ProtoState.APPROVED,
  rejected: ProtoState.REJECTED,
  expired: ProtoState.EXPIRED,
  cancelled: ProtoState.CANCELLED,
};
const states = new Map(Object.entries(numbers).map(([state, number]) => [number, state as ApprovalState]));

/** So many are looked at for one listing; those that the caller may not see are left out of it. */
const MAX_LOOKED_AT = 500;

export function approvalService(port: ApprovalsPort, streams: Streams): ServiceImpl<typeof ApprovalService> {
  const visible = async (id: string, caller: Caller): Promise<Approval> => {
    const approval = await port.get(id);
    // What somebody may not see is not there.
    if (approval === undefined || !maySee(port, approval, caller)) throw notFound('approval', id);
    return approval;
  };
  return {
    async listApprovals(request, context) {
      const caller = callerOf(context);
      const state = states.get(request.state);
      if (state === undefined && request.state !== ProtoState.UNSPECIFIED) throw invalid('there is no such state');
      const found = await port.list({ ...(state === undefined ? {} : { state }), limit: MAX_LOOKED_AT });
      const isMeant = ({ requester }: Approval): boolean => !request.own || requester.id === caller.principal.id;
      const seen = found.filter((approval) => isMeant(approval) && maySee(port, approval, caller));
      return { approvals: seen.slice(0, limitOf(request.limit)).map(shown) };
    },
    async getApproval(request, context) {
      return { approval: shown(await visible(required('the id', request.id), callerOf(context))) };
    },
    async decideApproval(request, context) {
      const caller = callerOf(context);
      const id = required('the id', request.id);
      const approved = request.choice === Choice.APPROVE;
      if (!approved && request.choice !== Choice.REJECT) throw invalid('the choice is missing: approve or reject');
      const reason = optional('the reason', request.reason, 2000) ?? '';
      if (!approved && reason === '') throw invalid('a rejection needs a reason');
      await visible(id, caller);
      const decided = await port.decide(id, caller.principal, approved, reason);
      if (decided === undefined) throw notFound('approval', id);
      return { approval: shown(granted(decided)) };
    },
    async *watchApprovals(_, context) {
      const caller = callerOf(context);
      for await (const approval of streams.serve(context, (signal) => port.watch(signal))) {
        if (maySee(port, approval, caller)) yield { approval: shown(approval) };
      }
    },
  };
}

function maySee(port: ApprovalsPort, approval: Approval, caller: Caller): boolean {
  if (isAny(caller, 'admin', 'auditor', 'approver')) return true;
  return approval.requester.id === caller.principal.id || port.mayDecide(approval, caller.principal);
}

/** In the API's words. */
export function shown({ action, approvers, requester, decisions, state, requestedAt, expiresAt, ...rest }: Approval) {
  const { id, rule, sessionId, connection, role, access } = rest;
  return {
    id,
    rule,
    sessionId,
    connection,
    role,
    state: numbers[state],
    approverGroups: [...approvers.groups],
    approverUsers: [...approvers.users],
    approverEachOf: [...(approvers.eachOf ?? [])],
    count: approvers.groups.length + approvers.users.length === 0 ? 0 : approvers.count,
    ...(access && { access: { duration: durationFromMs(access.durationMs), reason: access.reason } }),
    requester: shownParty(requester),
    action: shownAction(action),
    requestedAt: timestampFromMs(requestedAt),
    expiresAt: timestampFromMs(expiresAt),
    decisions: decisions.map(({ by, name, approved, reason, at }) => ({
      by: { id: by, name },
      choice: approved ? Choice.APPROVE : Choice.REJECT,
      reason,
      at: timestampFromMs(at),
    })),
  };
}

function shownAction({ kind, verb, text = '', parameters = [], tables = [], estimatedRows }: Approval['action']) {
  return {
    kind,
    verb,
    text,
    parameters: parameters.map((value) => (value === undefined ? {} : { text: value })),
    tables: tables.map(({ schema, name }) => (schema === undefined ? name : `${schema}.${name}`)),
    ...(estimatedRows === undefined ? {} : { estimatedRows }),
  };
}
