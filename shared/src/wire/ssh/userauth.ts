import { WireError } from '../../errors/errors.ts';
import { type Certificate, certifiedType, readCertificate } from './certificate.ts';
import { FieldReader } from './fields.ts';
import { type PublicKey, readPublicKey } from './key.ts';
import { signatureAlgorithms } from './signature.ts';

const USERAUTH_REQUEST = 50;
const see = 'RFC 4252, 7';
const suffix = '-cert-v01@openssh.com';

/** What a client signs to prove that it has a key. @see RFC 4252, 7 */
export interface SignedRequest {
  readonly sessionId: Buffer;
  readonly user: string;
  readonly algorithm: string;
  /** The key's blob, or the certificate's. */
  readonly key: Buffer;
}

/** @throws WireError where it is anything else, a request for another service or by another method above all */
export function readSignedRequest(signed: Buffer): SignedRequest {
  const reader = new FieldReader(signed, 'signed request', see);
  const sessionId = reader.bytes();
  if (reader.byte() !== USERAUTH_REQUEST) throw reader.malformed('is no request to authenticate');
  const user = reader.text();
  const [service, method, hasSignature] = [reader.text(), reader.text(), reader.byte()];
  if (service !== 'ssh-connection' || method !== 'publickey' || hasSignature === 0) {
    throw reader.malformed('is for something else than a login with a key');
  }
  const [algorithm, key] = [reader.text(), reader.bytes()];
  reader.done();
  return { sessionId, user, algorithm, key };
}

/** A key that a client offers, by itself or in a certificate. */
export interface OfferedKey {
  readonly key: PublicKey;
  /** Undefined where the key comes by itself. */
  readonly certificate: Certificate | undefined;
  /** The only algorithm that its signature may be in. */
  readonly signatureAlgorithm: string;
}

/** @throws WireError where the key is none, is not of the algorithm that the client names, or that one is not accepted */
export function readOffer(algorithm: string, blob: Buffer): OfferedKey {
  const certificate = algorithm.endsWith(suffix) ? readCertificate(blob) : undefined;
  const key = certificate?.key ?? readPublicKey(blob);
  const signatureAlgorithm = certificate === undefined ? algorithm : plainOf(algorithm);
  if (!signatureAlgorithms(key.type).includes(signatureAlgorithm)) {
    const message = `A key of the kind ${key.type} is not accepted with "${algorithm.slice(0, 64)}".`;
    throw new WireError('ERR_WIRE_UNSUPPORTED', message, { see });
  }
  return { key, certificate, signatureAlgorithm };
}

/** `rsa-sha2-256-cert-v01@openssh.com` names the signature, every other the kind of key. */
function plainOf(algorithm: string): string {
  return certifiedType(algorithm) ?? algorithm.slice(0, -suffix.length);
}
