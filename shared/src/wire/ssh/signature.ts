import { createHash, type KeyObject, sign, verify } from 'node:crypto';
import { WireError } from '../../errors/errors.ts';
import { FieldReader, string, uint32 } from './fields.ts';
import type { KeyType, PublicKey } from './key.ts';

/** Signature algorithms of each kind of key. `ssh-rsa` (SHA-1) is not among them. @see RFC 8332, RFC 5656, RFC 8709 */
const algorithms: Readonly<Record<KeyType, Readonly<Record<string, string | null>>>> = {
  'ssh-ed25519': { 'ssh-ed25519': null },
  'ecdsa-sha2-nistp256': { 'ecdsa-sha2-nistp256': 'sha256' },
  'ecdsa-sha2-nistp384': { 'ecdsa-sha2-nistp384': 'sha384' },
  'ecdsa-sha2-nistp521': { 'ecdsa-sha2-nistp521': 'sha512' },
  'ssh-rsa': { 'rsa-sha2-256': 'sha256', 'rsa-sha2-512': 'sha512' },
  'sk-ssh-ed25519@openssh.com': { 'sk-ssh-ed25519@openssh.com': null },
  'sk-ecdsa-sha2-nistp256@openssh.com': { 'sk-ecdsa-sha2-nistp256@openssh.com': 'sha256' },
};

/** What signing with a key of this kind may be called. */
export const signatureAlgorithms = (type: KeyType): readonly string[] => Object.keys(algorithms[type]);

/** What a security key says of the moment in which it signed. */
export interface Touch {
  /** Somebody touched it. */
  readonly isPresent: boolean;
  /** It made sure who: by a PIN or a finger. */
  readonly isVerified: boolean;
}

const see = 'RFC 4253, 6.6';

/**
 * Whether `signature` (`string algorithm, string bytes`) is the key's over `data`. What a security key says comes
 * along; for others it is undefined. A signature in any other algorithm than the key's own is wrong.
 * @throws WireError where the signature is none
 */
export function verifySignature(
  key: PublicKey,
  data: Uint8Array,
  signature: Buffer,
  /** The only one that will do, where it was named before. */
  algorithm?: string,
): { readonly isRight: boolean; readonly touch: Touch | undefined } {
  const reader = new FieldReader(signature, 'signature', see);
  const named = reader.text();
  const known = algorithms[key.type];
  const hash = Object.hasOwn(known, named) ? known[named] : undefined;
  if (hash === undefined || (algorithm !== undefined && named !== algorithm)) {
    const message = `A signature by "${named.slice(0, 64)}" is not accepted for a key of the kind ${key.type}.`;
    throw new WireError('ERR_WIRE_UNSUPPORTED', message, { see });
  }
  const bytes = rawSignature(key, reader.bytes());
  const flags = key.application === undefined ? undefined : reader.byte();
  const counter = key.application === undefined ? 0 : reader.uint32();
  reader.done();
  const signed = flags === undefined ? data : ofSecurityKey(key, data, flags, counter);
  const isRight = verify(hash, signed, { key: key.key, dsaEncoding: 'ieee-p1363' }, bytes);
  const touch = flags === undefined ? undefined : { isPresent: (flags & 1) !== 0, isVerified: (flags & 4) !== 0 };
  return { isRight, touch };
}

/** @see OpenSSH PROTOCOL.u2f, "SSH U2F Signatures" */
function ofSecurityKey({ application = '' }: PublicKey, data: Uint8Array, flags: number, counter: number): Buffer {
  const sha256 = (bytes: string | Uint8Array): Buffer => createHash('sha256').update(bytes).digest();
  return Buffer.concat([sha256(application), Buffer.of(flags), uint32(counter), sha256(data)]);
}

/** As node:crypto wants it: of one length for each key. */
function rawSignature({ type, bits }: PublicKey, bytes: Buffer): Buffer {
  if (type.includes('ed25519')) return bytes;
  const lengthBytes = Math.ceil(bits / 8);
  // RFC 8332, 3: some leave out leading zeros.
  if (type === 'ssh-rsa') return bytes.length > lengthBytes ? bytes : padded(bytes, lengthBytes);
  const reader = new FieldReader(bytes, 'ECDSA signature', 'RFC 5656, 3.1.2');
  const [r, s] = [reader.positive(lengthBytes), reader.positive(lengthBytes)];
  reader.done();
  return Buffer.concat([padded(r, lengthBytes), padded(s, lengthBytes)]);
}

const padded = (bytes: Buffer, lengthBytes: number): Buffer =>
  Buffer.concat([Buffer.alloc(Math.max(0, lengthBytes - bytes.length)), bytes]);

/** Signs with an Ed25519 key: `string algorithm, string bytes`. @throws TypeError for any other key */
export function signEd25519(key: KeyObject, data: Uint8Array): Buffer {
  if (key.asymmetricKeyType !== 'ed25519') throw new TypeError('an Ed25519 key is needed');
  return Buffer.concat([string('ssh-ed25519'), string(sign(null, data, key))]);
}
