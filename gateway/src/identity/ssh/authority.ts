import { createPrivateKey, generateKeyPairSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { ed25519Signer, type Signer, writeCertificate } from '@sallyport/shared/wire/ssh/certificate.ts';
import { fingerprint, type PublicKey, publicKeyLine } from '@sallyport/shared/wire/ssh/key.ts';

/** Before now: a client whose clock is behind would not use its certificate yet. */
const SKEW_S = 60n;

export interface CertificateOrder {
  readonly key: PublicKey;
  /** The person's name: the certificate's only principal. */
  readonly name: string;
  /** What the certificate stands and falls with. */
  readonly tokenId: string;
  /** Milliseconds since the epoch, both. */
  readonly now: number;
  readonly until: number;
}

export interface IssuedCertificate {
  readonly blob: Buffer;
  readonly serial: bigint;
  /** Milliseconds since the epoch: the end, at a full second. */
  readonly expiresAt: number;
}

/** The gateway's authority for people's certificates. Its key never leaves this object. */
export class UserAuthority {
  readonly #signer: Signer;

  private constructor(signer: Signer) {
    this.#signer = signer;
  }

  /** From a PKCS #8 key as `newKey` makes it. @throws Error where it is none */
  static of(pem: string): UserAuthority {
    return new UserAuthority(ed25519Signer(createPrivateKey(pem)));
  }

  static newKey(): string {
    return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  }

  /** For `TrustedUserCAKeys`, and for people to compare. */
  get line(): string {
    return publicKeyLine('ssh-ed25519', this.#signer.publicKey, 'sallyport-user-ca');
  }

  get fingerprint(): string {
    return fingerprint(this.#signer.publicKey);
  }

  /** A blob. */
  get publicKey(): Buffer {
    return this.#signer.publicKey;
  }

  isThis({ blob }: Pick<PublicKey, 'blob'>): boolean {
    const own = this.#signer.publicKey;
    return blob.length === own.length && timingSafeEqual(blob, own);
  }

  /** @throws RangeError where a certificate cannot bear the name, or would end before it begins */
  issue({ key, name, tokenId, now, until }: CertificateOrder): IssuedCertificate {
    const serial = randomBytes(8).readBigUInt64BE() >> 1n;
    const validBefore = BigInt(Math.floor(until / 1000));
    const statement = {
      key,
      serial,
      role: 'user',
      keyId: keyIdOf(tokenId),
      principals: [name],
      validAfter: BigInt(Math.floor(now / 1000)) - SKEW_S,
      validBefore,
      criticalOptions: new Map(),
      // What is allowed is the rules' matter; without these a client does not even ask.
      extensions: new Map(['permit-port-forwarding', 'permit-pty'].map((extension) => [extension, ''])),
    } as const;
    return { blob: writeCertificate(statement, this.#signer), serial, expiresAt: Number(validBefore) * 1000 };
  }
}

const keyIdOf = (tokenId: string): string => `sallyport:${tokenId}`;

/** The token that a certificate of ours stands and falls with; undefined where its key id names none. */
export function tokenIdOf(keyId: string): string | undefined {
  return /^sallyport:(tok_[A-Za-z0-9_-]{1,64})$/.exec(keyId)?.[1];
}
