import type { Denial } from '@sallyport/shared/access/verdict.ts';
import type { Identified, Identity } from '../identity/identity.ts';
import type { Proof, Visitor } from '../protocols/protocol.ts';
import type { AskByLink } from './link.ts';

/** Time for each proof: a person may have to find a token, or type one. */
const PROOF_MS = 120_000;

/** Finds out who a visitor is, by whatever it proves itself with. Undefined when the client left by itself. */
export async function prove(
  visitor: Visitor,
  identity: Pick<Identity, 'authenticate' | 'authenticateKey'>,
  link: AskByLink,
  signal: AbortSignal,
): Promise<Identified | Denial | undefined> {
  const { user, connection, origin, wantsLink = false } = visitor.greeting;
  const { address } = origin;

  async function proven(proof: Proof): Promise<Identified | Denial | undefined> {
    if (proof.kind === 'key') return identity.authenticateKey(proof.proof, { user, connection, address });
    const secret = proof.kind === 'link' ? await link(visitor) : proof.secret;
    if (secret !== undefined) return identity.authenticate({ secret, user, connection, address });
    return nobodySignedIn;
  }

  if (visitor.askProof === undefined) {
    if (wantsLink) return proven({ kind: 'link' });
    const secret = await visitor.askSecret(signal);
    return secret === undefined ? undefined : proven({ kind: 'secret', secret });
  }
  let refused: Denial | undefined;
  for (;;) {
    const proof = await visitor.askProof(AbortSignal.timeout(PROOF_MS));
    const found = proof === undefined ? undefined : await proven(proof);
    // Who left after none of their keys did was refused, once.
    if (proof === undefined) return refused;
    if (found === undefined || !('message' in found)) return found;
    // An agent offers all its keys one by one, and most of them are for other places: none is an attempt by itself.
    if (!isPlainKey(proof) || (await visitor.again?.(found)) !== true) return found;
    refused = found;
  }
}

const isPlainKey = (proof: Proof): boolean => proof.kind === 'key' && !proof.proof.isCertified;

const nobodySignedIn: Denial = {
  reason: 'unauthenticated',
  message: 'nobody signed in with the link, or it was turned down',
};
