import { WireError } from '@sallyport/shared/errors/errors.ts';

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'it closed the connection',
  ENOTFOUND: 'the name is not known',
  EAI_AGAIN: 'the name cannot be resolved now',
  ETIMEDOUT: 'it does not answer',
  EHOSTUNREACH: 'there is no route to it',
  ENETUNREACH: 'there is no route to it',
  EPIPE: 'it closed the connection',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name; use that as the host, or tls: verify-ca',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed; give the right authority as the target’s ca',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate’s authority is not trusted; give it as the target’s ca',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate’s authority is not trusted; give it as the target’s ca',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate’s authority is not trusted; give it as the target’s ca',
};

/** Why a target could not be asked, in words that hold nothing of the request. */
export function reasonOf(error: Error): string {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (words[code] !== undefined) return words[code];
  if (code.startsWith('HPE_')) return 'what it answers is no HTTP';
  if (code.startsWith('ERR_SSL') || code.startsWith('EPROTO')) return 'TLS failed';
  if (error instanceof WireError) return error.message;
  if (error.name === 'TimeoutError') return 'it took too long';
  return code === '' ? error.message.slice(0, 200) : `it failed with ${code}`;
}
