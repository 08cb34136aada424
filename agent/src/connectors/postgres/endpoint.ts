import { createHash } from 'node:crypto';

const rsaPss = '2a864886f70d01010a';
const hashByAlgorithm: Readonly<Record<string, string>> = {
  // RSA and ECDSA with MD5 or SHA-1 count as SHA-256.
  '2a864886f70d010104': 'sha256',
  '2a864886f70d010105': 'sha256',
  '2a8648ce3d0401': 'sha256',
  '2a864886f70d01010b': 'sha256',
  '2a864886f70d01010c': 'sha384',
  '2a864886f70d01010d': 'sha512',
  '2a864886f70d01010e': 'sha224',
  '2a8648ce3d040301': 'sha224',
  '2a8648ce3d040302': 'sha256',
  '2a8648ce3d040303': 'sha384',
  '2a8648ce3d040304': 'sha512',
};

/**
 * The channel binding `tls-server-end-point` of a DER certificate: its hash by its own signature's hash function;
 * undefined where the signature has none (Ed25519, Ed448). @see RFC 5929 section 4.1
 */
export function serverEndPoint(certificate: Buffer): Buffer | undefined {
  const name = signatureHash(certificate);
  return name === undefined ? undefined : createHash(name).update(certificate).digest();
}

function signatureHash(der: Buffer): string | undefined {
  const certificate = element(der, 0);
  const signed = element(der, certificate.start);
  const algorithm = element(der, signed.end);
  const oid = element(der, algorithm.start);
  const hex = der.toString('hex', oid.start, oid.end);
  return hex === rsaPss ? pssHash(der.subarray(oid.end, algorithm.end)) : hashByAlgorithm[hex];
}

/** RFC 4055 section 3.1: the first parameter; absent means SHA-1, which counts as SHA-256. */
function pssHash(parameters: Buffer): string {
  const hex = parameters.toString('hex');
  const hash = /^30(?:..|81..|82....)a0..30..0609608648016503040(20[1-4])/.exec(hex)?.[1];
  return { '201': 'sha256', '202': 'sha384', '203': 'sha512', '204': 'sha224' }[hash ?? '201'] ?? 'sha256';
}

/** Where the contents of the DER element at `at` lie. */
function element(der: Buffer, at: number): { start: number; end: number } {
  const first = der[at + 1] ?? 0;
  if (first < 0x80) return { start: at + 2, end: at + 2 + first };
  const size = first & 0x7f;
  const start = at + 2 + size;
  return { start, end: start + der.readUIntBE(at + 2, size) };
}
