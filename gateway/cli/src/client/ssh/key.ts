import { generateKeyPairSync, randomBytes } from 'node:crypto';

/** A fresh key pair for certificates; as SSH writes its parts. */
export interface KeyPair {
  /** 32 bytes. */
  readonly point: Buffer;
  /** 32 bytes: the secret. */
  readonly seed: Buffer;
}

/** @see RFC 4251, 5 */
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function string(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([uint32(bytes.length), bytes]);
}

export function newKeyPair(): KeyPair {
  const { x = '', d = '' } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  return { point: Buffer.from(x, 'base64url'), seed: Buffer.from(d, 'base64url') };
}

const type = 'ssh-ed25519';
const blobOf = ({ point }: KeyPair): Buffer => Buffer.concat([string(type), string(point)]);

/** For the gateway to certify. */
export const publicLine = (pair: KeyPair): string => `${type} ${blobOf(pair).toString('base64')}`;

/** Both halves, as OpenSSH's files and its agent have them. @see draft-miller-ssh-agent, 3.2.3 */
export const secretFields = ({ point, seed }: KeyPair): Buffer =>
  Buffer.concat([string(point), string(Buffer.concat([seed, point]))]);

/** A private key's file, without a passphrase. @see OpenSSH PROTOCOL.key */
export function privateFile(pair: KeyPair, comment: string): string {
  const check = randomBytes(4);
  const secret = Buffer.concat([check, check, string(type), secretFields(pair), string(comment)]);
  const padding = Buffer.from(Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, i) => i + 1));
  const whole = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    string('none'),
    string('none'),
    string(''),
    uint32(1),
    string(blobOf(pair)),
    string(Buffer.concat([secret, padding])),
  ]);
  const lines = whole.toString('base64').match(/.{1,70}/g) ?? [];
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join('\n')}\n-----END OPENSSH PRIVATE KEY-----\n`;
}
