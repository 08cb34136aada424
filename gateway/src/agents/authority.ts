import { createPrivateKey, KeyObject, randomBytes, type webcrypto } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import 'reflect-metadata'; // x509's container asks for it when it is loaded
import * as x509 from '@peculiar/x509';
import { fingerprintOf } from '@sallyport/shared/tunnel/identity.ts';
import { tunnelServerName } from '@sallyport/shared/tunnel/service.ts';

/** The gateway's own certificates. All PEM. */
export interface Authority {
  readonly caCertificate: string;
  /** SHA-256 of the CA certificate's DER, base64url: what a join token carries. */
  readonly fingerprint: string;
  /** The server's certificate followed by the CA's, so that a new agent can find the CA it was told of. */
  readonly certificateChain: string;
  readonly serverKey: string;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const dayMs = 24 * 60 * 60 * 1000;

/** Where the authority's key is kept: a whole file or none. */
export interface KeyFiles {
  /** Undefined where there is no such file. */
  read(path: string): string | undefined;
  write(path: string, secret: string): void;
}

const plainFiles: KeyFiles = {
  read: (path) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined),
  write: writePrivate,
};

/**
 * The self-made CA of a data folder, made at the first call, and a fresh server certificate for `names`
 * (host names or IP addresses). Files are readable by their owner only.
 */
export async function ensureAuthority(
  dataDir: string,
  names: readonly string[] = [],
  files: KeyFiles = plainFiles,
): Promise<Authority> {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const keyFile = join(dataDir, 'ca.key');
  const certificateFile = join(dataDir, 'ca.pem');
  const known = existsSync(certificateFile) ? files.read(keyFile) : undefined;
  const caKey = known ?? (await makeAuthority(keyFile, certificateFile, files));
  const caCertificate = readFileSync(certificateFile, 'utf8');
  const ca = new x509.X509Certificate(caCertificate);
  const server = await makeServer(ca, await signingKey(caKey), names);
  const certificateChain = `${server.certificate}\n${caCertificate}`;
  // Made anew at each start: there is nothing to keep, and nothing to find.
  rmSync(join(dataDir, 'server.key'), { force: true });
  writePrivate(join(dataDir, 'server.pem'), certificateChain);
  return {
    caCertificate,
    fingerprint: fingerprintOf(new Uint8Array(ca.rawData)),
    certificateChain,
    serverKey: server.key,
  };
}

async function makeAuthority(keyFile: string, certificateFile: string, files: KeyFiles): Promise<string> {
  const keys = await newKeys();
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: 'CN=Sallyport gateway authority',
    notBefore: new Date(Date.now() - dayMs),
    notAfter: new Date(Date.now() + 3650 * dayMs),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  });
  const key = pemOf(keys.privateKey);
  files.write(keyFile, key);
  writePrivate(certificateFile, `${ca.toString('pem')}\n`);
  return key;
}

async function makeServer(ca: x509.X509Certificate, caKey: CryptoKey, names: readonly string[]) {
  const keys = await newKeys();
  const alternatives = [tunnelServerName, 'localhost', '127.0.0.1', ...names].map((value) =>
    isIP(value) === 0 ? { type: 'dns' as const, value } : { type: 'ip' as const, value },
  );
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: `CN=${tunnelServerName}`,
    issuer: ca.subject,
    notBefore: new Date(Date.now() - dayMs),
    notAfter: new Date(Date.now() + 397 * dayMs),
    publicKey: keys.publicKey,
    signingKey: caKey,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.SubjectAlternativeNameExtension(alternatives),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
    ],
  });
  return { certificate: certificate.toString('pem'), key: pemOf(keys.privateKey) };
}

type CryptoKey = webcrypto.CryptoKey;

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']) as Promise<webcrypto.CryptoKeyPair>;
}

function signingKey(pem: string): Promise<CryptoKey> {
  const der = createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' });
  return crypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
}

function pemOf(key: CryptoKey): string {
  return KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' }).toString();
}

function serial(): string {
  return `01${randomBytes(15).toString('hex')}`;
}

/** Whole or not at all: a crash never leaves half a key. */
function writePrivate(file: string, text: string): void {
  const fresh = `${file}.${process.pid}.new`;
  writeFileSync(fresh, text, { mode: 0o600 });
  renameSync(fresh, file);
}
