import { isWithin } from '@sallyport/shared/access/address-range.ts';
import { actorsOf, type Principal } from '@sallyport/shared/access/principal.ts';
import type { Denial } from '@sallyport/shared/access/verdict.ts';
import type { ServiceLookup } from './delegation.ts';
import { serviceNameOf } from './principals.ts';

/** Ranges of addresses; all lists must hold, of each any one range. */
export type Sources = readonly (readonly string[])[];

/** What holds for a service account at each use, also where it acts on a person's behalf. */
export function sourcesOf(principal: Principal, services: ServiceLookup | undefined): Sources {
  return [principal, ...actorsOf(principal)].flatMap(({ id }) => {
    const from = services?.(serviceNameOf(id) ?? '')?.from;
    return from === undefined ? [] : [from];
  });
}

/** Why something that is bound to addresses does not hold at this one. The ranges are not told: a thief would ask. */
export function wrongSource(address: string, sources: Sources): Denial | undefined {
  if (sources.every((ranges) => isWithin(address, ranges))) return undefined;
  const message = `this does not hold at your address, ${address.replace(/^::ffff:(?=\d+\.)/i, '')}: it is bound to others`;
  return { reason: 'forbidden', message, hint: 'Use it where it was meant for, or ask an administrator.' };
}
