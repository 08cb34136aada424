import type { Denial } from '@sallyport/shared/access/verdict.ts';
import { WireError } from '@sallyport/shared/errors/errors.ts';
import type { Certificate } from '@sallyport/shared/wire/ssh/certificate.ts';
import { fingerprint, type PublicKey } from '@sallyport/shared/wire/ssh/key.ts';
import { verifySignature } from '@sallyport/shared/wire/ssh/signature.ts';
import { type OfferedKey, readOffer, readSignedRequest } from '@sallyport/shared/wire/ssh/userauth.ts';
import type { KeyProof } from '../../protocols/protocol.ts';
import { type Attempt, Attempts } from '../attempts.ts';
import { forAnother, refusal } from '../denial.ts';
import type { Identified } from '../identity.ts';
import type { Tokens } from '../tokens.ts';
import { tokenIdOf, type UserAuthority } from './authority.ts';
import { wrongCertificate } from './certificate-check.ts';
import type { KeysParts, RegisteredKeys } from './keys.ts';

export interface KeyLoginParts extends Pick<KeysParts, 'current' | 'clock'> {
  readonly authority: UserAuthority;
  readonly keys: RegisteredKeys;
  readonly tokens: Pick<Tokens, 'living'>;
}

/** Who somebody says they are, and where they want to go. */
export interface KeyLogin {
  /** Empty where they did not say. */
  readonly user: string;
  readonly connection: string;
  /** IP address. */
  readonly address: string;
}

/** Finds out who has a key: one that is registered, or one in a certificate of the gateway's authority. */
export class KeyLogins {
  readonly #parts: KeyLoginParts;
  readonly #attempts: Attempts;

  constructor(parts: KeyLoginParts) {
    this.#parts = parts;
    this.#attempts = new Attempts(parts.clock);
  }

  /**
   * Only the key whose signature verified counts, never one that was offered before it (CVE-2024-45337). Nothing is
   * looked up before that, so that nobody learns whose key they have seen.
   * @throws Unavailable where the store cannot be asked
   */
  async authenticate(proof: KeyProof, login: KeyLogin): Promise<Identified | Denial> {
    const attempt = { user: `key ${fingerprint(proof.key)}`, address: login.address };
    const waitMs = this.#attempts.waitMs(attempt);
    if (waitMs > 0) {
      const hint = 'A token from "sallyport token" works at once as the password.';
      return refusal(`too many keys were refused: wait ${Math.ceil(waitMs / 1000)} s`, hint);
    }
    const found = await this.#identify(proof, login);
    this.#count(attempt, found);
    return found;
  }

  async #identify(proof: KeyProof, login: KeyLogin): Promise<Identified | Denial> {
    const proven = provenKey(proof);
    if ('message' in proven) return proven;
    const { certificate, key } = proven;
    return certificate === undefined ? this.#byKey(key, login) : this.#byCertificate(certificate, login);
  }

  async #byKey(key: PublicKey, { user, address }: KeyLogin): Promise<Identified | Denial> {
    const { keys } = this.#parts;
    const registered = await keys.find(key);
    if (registered === undefined) return unregistered();
    const standing = await keys.standing(registered);
    if ('message' in standing) return standing;
    const { principal, until } = standing;
    if (user !== '' && user !== principal.name) return unregistered();
    await keys.used(registered.id, address);
    return { principal, method: 'key', tokenId: registered.id, expiresAt: until, connection: undefined };
  }

  async #byCertificate(certificate: Certificate, login: KeyLogin): Promise<Identified | Denial> {
    const { authority, tokens, current, clock } = this.#parts;
    const wrong = checked(() => wrongCertificate(certificate, { authority, now: clock(), address: login.address }));
    if (wrong !== undefined) return wrong;
    const tokenId = tokenIdOf(certificate.keyId);
    const token = tokenId === undefined ? undefined : await tokens.living(tokenId);
    if (token === undefined) {
      return refusal('the sign-in that the certificate came of has ended', 'Sign in again with "sallyport login".');
    }
    const principal = await current(token.principal);
    if ('message' in principal) return principal;
    const named = certificate.principals.includes(principal.name);
    if (!named || (login.user !== '' && login.user !== principal.name)) {
      const whom = login.user === '' ? principal.name : login.user;
      return refusal(`the certificate is not for ${whom.slice(0, 64)}`);
    }
    const expiresAt = Math.min(token.expiresAt, Number(certificate.validBefore) * 1000);
    const { id, connection } = token;
    const other = forAnother(token, login.connection);
    return other ?? { principal, method: 'certificate', tokenId: id, expiresAt, connection };
  }

  #count(attempt: Attempt, found: Identified | Denial): void {
    if ('message' in found) this.#attempts.failed(attempt);
    else this.#attempts.succeeded(attempt);
  }
}

/** The key, once it is sure that the client has it. */
function provenKey({ algorithm, key, signed, signature }: KeyProof): OfferedKey | Denial {
  let wrong = refusal('the signature of your key is wrong', 'Is the key whole? Try it with: ssh-keygen -y -f FILE');
  try {
    const request = readSignedRequest(signed);
    const offer = readOffer(algorithm, key);
    if (request.algorithm !== algorithm || !request.key.equals(key)) return wrong;
    const { isRight, touch } = verifySignature(offer.key, signed, signature, offer.signatureAlgorithm);
    if (isRight && touch?.isPresent !== false) return offer;
    if (isRight) wrong = refusal('the security key was not touched');
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return refusal(error.message);
  }
  return wrong;
}

function checked(check: () => Denial | undefined): Denial | undefined {
  try {
    return check();
  } catch (error) {
    if (error instanceof WireError) return refusal(error.message);
    throw error;
  }
}

const unregistered = (): Denial =>
  refusal(
    'this key is not registered',
    'Register it with "sallyport ssh keys add FILE", or sign in with "sallyport login".',
  );
