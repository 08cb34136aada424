import { string } from '@sallyport/shared/wire/ssh/fields.ts';
import type { PublicKeyAuthContext } from 'ssh2';
import type { KeyProof } from '../../protocol.ts';

/** What ssh2 makes of a request to log in with a key. */
type Request = Pick<PublicKeyAuthContext, 'key' | 'blob' | 'signature'> & { readonly hashAlgo?: string | undefined };

/** The algorithm as the client named it: ssh2 tells only the kind of key for RSA. */
export function algorithmOf({ key, hashAlgo }: Request): string {
  if (key.algo !== 'ssh-rsa' || hashAlgo === undefined) return key.algo;
  return hashAlgo === 'sha512' ? 'rsa-sha2-512' : 'rsa-sha2-256';
}

/** The proof as it travelled; undefined where the client only asks whether the key would do. */
export function proofOf(request: Request): KeyProof | undefined {
  const { key, blob, signature } = request;
  if (blob === undefined || signature === undefined) return undefined;
  const algorithm = algorithmOf(request);
  const isCertified = algorithm.endsWith('-cert-v01@openssh.com');
  return { algorithm, isCertified, key: key.data, signed: blob, signature: wrapped(algorithm, signature) };
}

/** Of a certificate's key it comes as it travelled; of a plain key ssh2 has taken the algorithm off. */
function wrapped(algorithm: string, signature: Buffer): Buffer {
  if (algorithm.endsWith('-cert-v01@openssh.com')) return signature;
  if (algorithm.startsWith('sk-')) {
    // Behind the signature: one byte of flags, four of a counter.
    const end = Math.max(0, signature.length - 5);
    return Buffer.concat([string(algorithm), string(signature.subarray(0, end)), signature.subarray(end)]);
  }
  const bytes = algorithm.startsWith('ecdsa-') ? mpintsOf(signature) : signature;
  return Buffer.concat([string(algorithm), string(bytes)]);
}

/** ssh2 hands over an ECDSA signature in DER. What is none stays as it is: it will not verify. */
function mpintsOf(der: Buffer): Buffer {
  const [, r, s] = derSequence(der) ?? [];
  return r === undefined || s === undefined ? der : Buffer.concat([string(r), string(s)]);
}

function derSequence(der: Buffer): readonly [number, Buffer, Buffer] | undefined {
  let at = 0;
  const length = (): number => {
    const first = der[at++] ?? 0;
    return first === 0x81 ? (der[at++] ?? 0) : first;
  };
  const integer = (): Buffer | undefined => {
    if (der[at++] !== 0x02) return undefined;
    const bytes = length();
    at += bytes;
    return der.subarray(at - bytes, at);
  };
  if (der[at++] !== 0x30) return undefined;
  const total = length();
  const [r, s] = [integer(), integer()];
  return r === undefined || s === undefined || at !== der.length ? undefined : [total, r, s];
}
