import type { Party } from '@sallyport/proto/api/v1/identity_pb';

/** `alice`, or `claude on behalf of alice`; empty for nobody. */
export function nameOf(party: Party | undefined): string {
  if (party === undefined) return '';
  return party.actor === undefined ? party.name : `${party.actor.name} on behalf of ${party.name}`;
}

/** With the ids of both. */
export function fullNameOf(party: Party | undefined): string {
  if (party === undefined) return '';
  const own = `${party.name} (${party.id})`;
  return party.actor === undefined ? own : `${fullNameOf(party.actor)} on behalf of ${own}`;
}
