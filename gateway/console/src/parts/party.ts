import type { Party } from '@sallyport/proto/api/v1/identity_pb';

/** `alice`, or `claude on behalf of alice`. */
export function nameOf(party: Party | undefined): string {
  if (party?.actor === undefined) return party?.name ?? '';
  return `${party.actor.name} on behalf of ${party.name}`;
}
