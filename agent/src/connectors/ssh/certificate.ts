import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { certificateType, ed25519Signer, writeCertificate } from '@sallyport/shared/wire/ssh/certificate.ts';
import { string } from '@sallyport/shared/wire/ssh/fields.ts';
import { publicKeyBlob, readPublicKey } from '@sallyport/shared/wire/ssh/key.ts';
import { protocolOf, sendPacket } from '@sallyport/shared/wire/ssh/library-packet.ts';
import { signEd25519 } from '@sallyport/shared/wire/ssh/signature.ts';
import ssh2, { type Client } from 'ssh2';

/** A key that was made for one login, and what an authority says of it. */
export interface IssuedCertificate {
  readonly privateKey: KeyObject;
  /** The certificate's blob. */
  readonly blob: Buffer;
}

export interface CertificateOrder {
  /** The authority's private key: Ed25519, PEM or OpenSSH's form. */
  readonly authority: string;
  readonly passphrase: string | undefined;
  /** The login at the target. */
  readonly username: string;
  /** Stands in the target's log beside the login. */
  readonly keyId: string;
}

/** It is for one login, at once: a clock may be wrong by so much. Seconds. */
const VALID_S = 5 * 60;
const SSH_MSG_USERAUTH_REQUEST = 50;

/** Undefined where the authority's key cannot be used. */
export function issueCertificate({
  authority,
  passphrase,
  username,
  keyId,
}: CertificateOrder): IssuedCertificate | undefined {
  const signer = authorityKey(authority, passphrase);
  if (signer === undefined) return undefined;
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const now = BigInt(Math.floor(Date.now() / 1000));
  const empty = ['permit-pty', 'permit-port-forwarding', 'permit-user-rc'].map((name): [string, string] => [name, '']);
  const blob = writeCertificate(
    {
      key: readPublicKey(publicKeyBlob(publicKey)),
      serial: randomBytes(8).readBigUInt64BE(),
      role: 'user',
      keyId,
      principals: [username],
      validAfter: now - BigInt(VALID_S),
      validBefore: now + BigInt(VALID_S),
      criticalOptions: new Map(),
      extensions: new Map(empty),
    },
    ed25519Signer(signer),
  );
  return { privateKey, blob };
}

function authorityKey(text: string, passphrase: string | undefined): KeyObject | undefined {
  const [parsed] = [ssh2.utils.parseKey(text, passphrase)].flat();
  try {
    const key = createPrivateKey(parsed === undefined || parsed instanceof Error ? text : parsed.getPrivatePEM());
    return key.asymmetricKeyType === 'ed25519' ? key : undefined;
  } catch {
    return undefined;
  }
}

/** What the library is given in place of the key that it must not use. One in some hundred that it makes it cannot read. */
export function placeholderKey(): string {
  for (;;) {
    const made = ssh2.utils.generateKeyPairSync('ed25519').private;
    if (!(ssh2.utils.parseKey(made) instanceof Error)) return made;
  }
}

/**
 * Has a client prove itself by a certificate. The library names the certificate's type in its signature, where servers want
 * the key's (RFC 8709, 6), so the request is made here (RFC 4252, 7).
 */
export function proveByCertificate(client: Client, { privateKey, blob }: IssuedCertificate): void {
  const protocol = protocolOf(client);
  const type = certificateType('ssh-ed25519');
  const authPK = (username: string): void => {
    const request = Buffer.concat([
      Buffer.of(SSH_MSG_USERAUTH_REQUEST),
      string(username),
      string('ssh-connection'),
      string('publickey'),
      Buffer.of(1),
      string(type),
      string(blob),
    ]);
    const signature = signEd25519(privateKey, Buffer.concat([string(protocol._kex.sessionID), request]));
    protocol._authsQueue.push('publickey');
    sendPacket(protocol, Buffer.concat([request, string(signature)]));
  };
  Object.assign(protocol, { authPK });
}
