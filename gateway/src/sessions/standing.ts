import { actorsOf, type Principal } from '@sallyport/shared/access/principal.ts';
import type { Access } from './access.ts';
import type { Session } from './session.ts';

const sameGroups = (a: Principal, b: Principal): boolean =>
  a.groups.length === b.groups.length && new Set([...a.groups, ...b.groups]).size === new Set(a.groups).size;

const sameActors = (a: Principal, b: Principal): boolean => {
  const [mine, theirs] = [actorsOf(a), actorsOf(b)];
  return (
    mine.length === theirs.length && mine.every((one, at) => sameGroups({ ...a, ...one }, { ...b, ...theirs[at] }))
  );
};

/**
 * Lets a living session go on as somebody with other groups, where the rules and masks mean the same for them; ends it
 * where they do not: what was opened, prepared or veiled under the old ones could still be used under them.
 */
export function regroup(session: Session, { policy, masks }: Access, current: Principal): void {
  const { principal, connection, sessionId } = session.admission;
  if (sameGroups(principal, current) && sameActors(principal, current)) return;
  const standing = (one: Principal): string => policy.terms(one, connection) + masks.terms(one, connection);
  if (standing(principal) === standing(current)) {
    session.regroup(current);
    return;
  }
  const { sourceAddress, startedAt } = session.record;
  const { outcome } = policy.mayOpen(current, connection, { id: sessionId, sourceAddress, startedAt });
  const message =
    outcome === 'deny'
      ? `access to ${connection.name} has ended: your groups have changed`
      : `what you may do on ${connection.name} has changed with your groups; connect again`;
  session.end({ reason: 'ended', message });
}
