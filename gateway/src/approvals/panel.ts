import type { Principal } from '@sallyport/shared/access/principal.ts';
import type { Approvers } from '@sallyport/shared/access/verdict.ts';

/** The seat that whoever is named in `groups` or `users` may take; others are called as the group of `eachOf`. */
export const openSeat = '*';

/** Approvals that are needed, one for each seat. */
export function seatsOf({ groups, users, count, eachOf = [] }: Approvers): readonly string[] {
  const open = groups.length + users.length > 0 ? count : 0;
  return [...eachOf, ...Array.from({ length: open }, () => openSeat)];
}

/** The kinds of seat that somebody may take; none: they have no say. */
export function eligibleFor({ groups, users, eachOf = [] }: Approvers, principal: Principal): readonly string[] {
  const isNamed = users.includes(principal.id) || users.includes(principal.name);
  const isOpen = isNamed || groups.some((group) => principal.groups.includes(group));
  return [...eachOf.filter((group) => principal.groups.includes(group)), ...(isOpen ? [openSeat] : [])];
}

/**
 * Seats that stay empty when as many people as possible sit, each on one seat that they may take: a maximum matching by
 * augmenting paths. Whoever leaves as many empty as before can never help later: seated sets are a matroid.
 */
export function emptySeats(seats: readonly string[], people: readonly (readonly string[])[]): readonly string[] {
  const seated = new Map<number, number>();
  for (const [person] of people.entries()) seat(person, seats, people, seated, new Set());
  return seats.filter((_, at) => !seated.has(at));
}

function seat(
  person: number,
  seats: readonly string[],
  people: readonly (readonly string[])[],
  seated: Map<number, number>,
  tried: Set<number>,
): boolean {
  for (const [at, kind] of seats.entries()) {
    if (tried.has(at) || people[person]?.includes(kind) !== true) continue;
    tried.add(at);
    const other = seated.get(at);
    if (other !== undefined && !seat(other, seats, people, seated, tried)) continue;
    seated.set(at, person);
    return true;
  }
  return false;
}
