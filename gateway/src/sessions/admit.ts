import { randomUUID } from 'node:crypto';
import type { Connection } from '@sallyport/shared/access/connection.ts';
import type { Approvers, Denial } from '@sallyport/shared/access/verdict.ts';
import { hint } from '@sallyport/shared/errors/nearest.ts';
import type { Identified, Identity } from '../identity/identity.ts';
import type { Visitor } from '../protocols/protocol.ts';
import type { CurrentAccess } from './access.ts';
import { type Admission, grant } from './admission.ts';

/** Asks people whether somebody may come in. Resolves to a denial, or to undefined when they agreed. */
export type AskToOpen = (
  candidate: Candidate,
  rule: string,
  approvers: Approvers,
  signal: AbortSignal,
) => Promise<Denial | undefined>;

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
  identity: Pick<Identity, 'authenticate' | 'recheck'>,
  access: CurrentAccess,
  ask: AskToOpen,
  signal: AbortSignal,
): Promise<Admission | Rejection | undefined> {
  const { user, connection: wanted, origin } = visitor.greeting;
  const secret = await visitor.askSecret(signal);
  if (secret === undefined) return undefined;
  const identified = await identity.authenticate({ secret, user, connection: wanted, address: origin.address });
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
  if (verdict.outcome === 'approve') {
    const denial = await ask({ sessionId, identified, connection, visitor }, verdict.rule, verdict.approvers, signal);
    // People take their time: the token may have been revoked, or the person lost their groups.
    const refusal = denial ?? (await identity.recheck(identified));
    if (refusal !== undefined) return { denial: refusal, principal };
  }
  const { tokenId, expiresAt } = identified;
  return grant({ sessionId, principal, connection, tokenId, expiresAt });
}

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
