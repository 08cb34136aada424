import type { Connection } from '@sallyport/shared/access/connection.ts';
import type { Principal } from '@sallyport/shared/access/principal.ts';

const admitted = new WeakSet<Admission>();

/** What a session may be made of. Only `grant` makes a valid one, and only `admit()` calls it. */
export interface Admission {
  readonly sessionId: string;
  readonly principal: Principal;
  readonly connection: Connection;
  readonly tokenId: string | undefined;
  /** Milliseconds since the epoch; the session is cut then: the end of the token, or of the grant if that is sooner. */
  readonly expiresAt: number | undefined;
  /** The access for a time that it rests on; undefined where it rests on none. */
  readonly grant: { readonly id: string; readonly endsAt: number } | undefined;
}

export function grant(admission: Admission): Admission {
  const frozen = Object.freeze({ ...admission });
  admitted.add(frozen);
  return frozen;
}

/** The same admission for somebody whose groups are others now. @throws Error as `requireAdmitted` does */
export function regranted(admission: Admission, principal: Principal): Admission {
  requireAdmitted(admission);
  return grant({ ...admission, principal });
}

/** @throws Error when somebody made an admission by hand: our bug, and never a session. */
export function requireAdmitted(admission: Admission): void {
  if (!admitted.has(admission)) throw new Error('a tunnel stream was asked for without an admission');
}
