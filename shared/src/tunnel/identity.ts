import { createHash } from 'node:crypto';

/** A one-time invitation: the secret for the gateway, the fingerprint for the agent. */
export interface JoinToken {
  readonly secret: string;
  /** SHA-256 of the gateway's CA certificate (DER), base64url. */
  readonly fingerprint: string;
}

const prefix = 'spjoin_';
const shape = /^spjoin_([A-Za-z0-9_-]{20,})\.([A-Za-z0-9_-]{43})$/;

export function formatJoinToken(token: JoinToken): string {
  return `${prefix}${token.secret}.${token.fingerprint}`;
}

/** Undefined where the text is no join token. */
export function parseJoinToken(text: string): JoinToken | undefined {
  const match = shape.exec(text.trim());
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  return { secret: match[1], fingerprint: match[2] };
}

/** SHA-256 of a certificate's DER, base64url. */
export function fingerprintOf(der: Uint8Array): string {
  return createHash('sha256').update(der).digest('base64url');
}

/** What an agent signs to prove itself: of use for this purpose, this agent, this gateway and this moment only. */
export function proofContext(name: string, nonce: Uint8Array, fingerprint: string): Buffer {
  const head = JSON.stringify(['sallyport tunnel proof v1', name, fingerprint]);
  return Buffer.concat([Buffer.from(head), Buffer.from([0]), nonce]);
}
