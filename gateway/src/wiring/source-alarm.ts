import { type Principal, partyOf } from '@sallyport/shared/access/principal.ts';
import { newEvent } from '../audit/events.ts';
import type { Journal } from '../audit/journal.ts';

/** The same token from the same address is told once in this time. */
const AGAIN_MS = 10 * 60_000;
const MAX_KNOWN = 1_000;

/** Tells that a token was used from an address that it is not bound to: it may have leaked. */
export function sourceAlarm(journal: Pick<Journal, 'append'>, clock: () => number = Date.now) {
  const told = new Map<string, number>();
  return (principal: Principal, tokenId: string | undefined, sourceAddress: string): void => {
    const key = `${tokenId ?? principal.id} ${sourceAddress}`;
    if (clock() - (told.get(key) ?? Number.NEGATIVE_INFINITY) < AGAIN_MS) return;
    told.delete(key);
    told.set(key, clock());
    for (const known of told.keys()) if (told.size > MAX_KNOWN) told.delete(known);
    const data = { tokenId: tokenId ?? null, sourceAddress, severity: 'high' };
    journal.append(newEvent('token.used-elsewhere', { principal: partyOf(principal), data }));
  };
}
