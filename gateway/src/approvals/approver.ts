import type { Party, Principal } from '@sallyport/shared/access/principal.ts';
import type { Approvers, Denial } from '@sallyport/shared/access/verdict.ts';
import { eligibleFor, emptySeats, openSeat, seatsOf } from './panel.ts';
import type { Approval } from './store.ts';

/** Why this principal has no say in the approval; undefined where they have. */
export function barred(approval: Approval, principal: Principal): Denial | undefined {
  const { approvers, id, requester, decisions } = approval;
  if (principal.actor !== undefined) {
    return forbidden(`${principal.actor.name} acts on behalf of ${principal.name}: consent is given in person only`);
  }
  if (principal.id === requester.id || isActor(principal, requester)) {
    return forbidden(`nobody decides their own request, and ${id} is yours`, `Ask ${whoMayDecide(approvers)}.`);
  }
  if (!mayDecide(approvers, principal)) {
    return forbidden(`you may not decide ${id}`, `Who may: ${whoMayDecide(approvers)}.`);
  }
  const earlier = decisions.find(({ by }) => by === principal.id);
  if (earlier === undefined) return undefined;
  return forbidden(`you have approved ${id} already`, stillNeeded(approval));
}

/** Nobody decides what they do on behalf of another either. */
const isActor = (one: Pick<Principal, 'id'>, { actor }: Party): boolean =>
  actor !== undefined && (actor.id === one.id || isActor(one, actor));

/** Why an approval by this one would change nothing: whom they could stand for has approved. */
export function superfluous(approval: Approval, principal: Principal): Denial | undefined {
  const { approvers, decisions, id } = approval;
  const seats = seatsOf(approvers);
  const people = seatsTaken(decisions);
  const before = emptySeats(seats, people).length;
  if (emptySeats(seats, [...people, eligibleFor(approvers, principal)]).length < before) return undefined;
  return forbidden(`${id} needs no more approvals of those whom you can stand for`, stillNeeded(approval));
}

/** Approvals that are still missing. */
export function missing({ approvers, decisions }: Pick<Approval, 'approvers' | 'decisions'>): readonly string[] {
  return emptySeats(seatsOf(approvers), seatsTaken(decisions));
}

const seatsTaken = (decisions: Approval['decisions']) => decisions.map(({ seats = [openSeat] }) => seats);

function stillNeeded(approval: Approval): string {
  const empty = missing(approval);
  const open = empty.filter((seat) => seat === openSeat).length;
  const each = empty.filter((seat) => seat !== openSeat).map((group) => `one of ${group}`);
  const others = open === 0 ? [] : [`${open} more of ${named(approval.approvers)}`];
  return `Still needed: ${[...each, ...others].join(', ')}.`;
}

/** Consent is a person's: a service account has none to give. */
export function mayDecide(approvers: Approvers, principal: Principal): boolean {
  return !principal.id.startsWith('service:') && eligibleFor(approvers, principal).length > 0;
}

/** `the group dba, alice, and one of each of a, b`. */
export function whoMayDecide(approvers: Approvers): string {
  const { eachOf = [] } = approvers;
  const each = eachOf.length === 0 ? [] : [`one of each of ${eachOf.join(', ')}`];
  return [named(approvers), ...each].filter((part) => part !== '').join(', and ');
}

function named({ groups, users }: Approvers): string {
  const all = groups.length === 0 ? [] : [`the group${groups.length > 1 ? 's' : ''} ${groups.join(', ')}`];
  return [...all, ...users].join(', ');
}

export function forbidden(message: string, hint?: string): Denial {
  return { reason: 'forbidden', message, ...(hint === undefined ? {} : { hint }) };
}
