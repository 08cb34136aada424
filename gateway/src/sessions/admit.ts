import { randomUUID } from 'node:crypto';
import type { Connection } from '@sallyport/shared/access/connection.ts';
import type { Denial, Verdict } from '@sallyport/shared/access/verdict.ts';
import { hint } from '@sallyport/shared/errors/nearest.ts';
import type { Grant } from '../approvals/grants/grant.ts';
import type { Identified, Identity } from '../identity/identity.ts';
import type { Visitor } from '../protocols/protocol.ts';
import type { CurrentAccess } from './access.ts';
import { type Admission, grant } from './admission.ts';
import type { AskByLink } from './link.ts';
import { prove } from './prove.ts';

/** Asks people whether somebody may come in. */
export type AskToOpen = (
  candidate: Candidate,
  verdict: Extract<Verdict, { outcome: 'approve' }>,
  signal: AbortSignal,
) => Promise<Denial | Consent>;

/** They agreed: for a time, or to this one session. */
export interface Consent {
  readonly grant: Pick<Grant, 'id' | 'endsAt'> | undefined;
}

/** Known, and not yet admitted. */
export interface Candidate {
  readonly sessionId: string;
  readonly identified: Identified;
  readonly connection: Connection;
  readonly visitor: Visitor;
}

/** A visitor that was not let in, and what is known of it. */
export interface Rejection {
  readonly denial: Denial;
  readonly principal: Identified['principal'] | undefined;
}

/**
 * Identity, then policy, then people: the only way to an admission. Undefined when the client left by itself.
 * @throws Unavailable where one of them cannot be asked: nobody is admitted then.
 */
export async function admit(
  visitor: Visitor,
  identity: Pick<Identity, 'authenticate' | 'authenticateKey' | 'recheck'>,
  access: CurrentAccess,
  ask: AskToOpen,
  link: AskByLink,
  signal: AbortSignal,
): Promise<Admission | Rejection | undefined> {
  const { connection: wanted, origin } = visitor.greeting;
  const identified = await prove(visitor, identity, link, signal);
  if (identified === undefined) return undefined;
  if ('message' in identified) return { denial: identified, principal: undefined };
  const { principal } = identified;
  const connection = access.now.connections.get(wanted);
  const sessionId = randomUUID();
  const session = { id: sessionId, sourceAddress: origin.address, startedAt: Date.now() };
  if (connection === undefined || connection.protocol !== visitor.greeting.protocol) {
    return { denial: unknown(visitor, identified, access, session), principal };
  }
  const verdict = access.now.policy.mayOpen(principal, connection, session);
  if (verdict.outcome === 'deny') {
    const denial: Denial = {
      reason: 'forbidden',
      message: verdict.reason,
      ...(verdict.rule ? { rule: verdict.rule } : {}),
    };
    return { denial, principal };
  }
  let given: Consent['grant'];
  if (verdict.outcome === 'approve') {
    const consent = await ask({ sessionId, identified, connection, visitor }, verdict, signal);
    if ('message' in consent) return { denial: consent, principal };
    // People take their time: the token may have been revoked, or the person lost their groups.
    const refusal = await identity.recheck(identified, origin.address);
    if (refusal !== undefined) return { denial: refusal, principal };
    given = consent.grant;
  }
  const { tokenId } = identified;
  const expiresAt = sooner(identified.expiresAt, given?.endsAt);
  return grant({
    sessionId,
    principal,
    connection,
    tokenId,
    expiresAt,
    grant: given && { id: given.id, endsAt: given.endsAt },
  });
}

const sooner = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);

/** Tells only of connections that the person may open. */
function unknown(
  visitor: Visitor,
  { principal }: Identified,
  access: CurrentAccess,
  session: { id: string; sourceAddress: string; startedAt: number },
): Denial {
  const { connection: wanted, protocol } = visitor.greeting;
  const { connections, policy } = access.now;
  const names = [...connections.values()]
    .filter((one) => one.protocol === protocol && policy.mayOpen(principal, one, session).outcome !== 'deny')
    .map((one) => one.name);
  return {
    reason: 'forbidden',
    message: `no connection "${wanted}" is known that you may open`,
    hint:
      names.length === 0
        ? `No connection of protocol ${protocol} is open to ${principal.name}.`
        : capitalised(hint(wanted, names.slice(0, 50))),
  };
}

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
