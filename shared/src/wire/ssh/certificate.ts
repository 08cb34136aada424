import { createPublicKey, type KeyObject, randomBytes } from 'node:crypto';
import { WireError } from '../../errors/errors.ts';
import { FieldReader, string, uint32, uint64 } from './fields.ts';
import {
  isKeyType,
  type KeyType,
  type PublicKey,
  publicKeyBlob,
  readKeyFields,
  readPublicKey,
  unknownType,
} from './key.ts';
import { signEd25519, verifySignature } from './signature.ts';

const see = 'OpenSSH PROTOCOL.certkeys';
const suffix = '-cert-v01@openssh.com';
/** OpenSSH's own bound, SSHKEY_CERT_MAX_PRINCIPALS. */
const MAX_PRINCIPALS = 256;
const MAX_OPTIONS = 64;
const MAX_BLOB_BYTES = 32 * 1024;
const roles = ['user', 'host'] as const;

/** No end: the greatest number of seconds. */
export const forever = 2n ** 64n - 1n;

/** What a certificate says, whoever signed it. Times are seconds since the epoch. */
export interface Statement {
  readonly key: PublicKey;
  readonly serial: bigint;
  readonly role: (typeof roles)[number];
  readonly keyId: string;
  readonly principals: readonly string[];
  /** The first second in which it holds. */
  readonly validAfter: bigint;
  /** The first second in which it does not hold any more. */
  readonly validBefore: bigint;
  /** What must be understood by whoever accepts it; by name. */
  readonly criticalOptions: ReadonlyMap<string, string>;
  readonly extensions: ReadonlyMap<string, string>;
}

/** A certificate that was read in full. Its signature is not checked by that: `isSignedByAuthority` does. */
export interface Certificate extends Statement {
  /** As in the blob: `ssh-ed25519-cert-v01@openssh.com`. */
  readonly type: string;
  readonly authority: PublicKey;
  readonly signed: Buffer;
  readonly signature: Buffer;
}

/** The kind of key in a certificate of this type; undefined where it is no type of a certificate. */
export function certifiedType(type: string): KeyType | undefined {
  if (!type.endsWith(suffix)) return undefined;
  const plain = type.slice(0, -suffix.length);
  const known = plain.startsWith('sk-') ? `${plain}@openssh.com` : plain;
  return isKeyType(known) ? known : undefined;
}

export const certificateType = (type: KeyType): string => `${type.replace('@openssh.com', '')}${suffix}`;

/** @throws WireError ERR_WIRE_MALFORMED, ERR_WIRE_UNSUPPORTED, ERR_WIRE_TOO_LARGE */
export function readCertificate(blob: Buffer): Certificate {
  if (blob.length > MAX_BLOB_BYTES) throw new WireError('ERR_WIRE_TOO_LARGE', 'The certificate is too long.', { see });
  const reader = new FieldReader(blob, 'certificate', see);
  const type = reader.text();
  const keyType = certifiedType(type);
  if (keyType === undefined) throw unknownType(type);
  const nonce = reader.bytes();
  if (nonce.length < 16 || nonce.length > 64) throw reader.malformed('has a nonce of a wrong length');
  const key = readKeyFields(keyType, reader);
  const serial = reader.uint64();
  const role = roles[reader.uint32() - 1];
  if (role === undefined) throw reader.malformed('is neither for a user nor for a host');
  const keyId = reader.text();
  const principals = principalsOf(reader.bytes());
  const [validAfter, validBefore] = [reader.uint64(), reader.uint64()];
  if (validAfter >= validBefore) throw reader.malformed('ends before it begins');
  const criticalOptions = optionsOf(reader.bytes(), 'critical options');
  const extensions = optionsOf(reader.bytes(), 'extensions');
  if (reader.bytes().length > 0) throw reader.malformed('has something where nothing is defined yet');
  // A certificate is no key of an authority: certificates are never chained.
  const authority = readPublicKey(reader.bytes());
  const signed = blob.subarray(0, reader.offsetBytes);
  const signature = reader.bytes();
  reader.done();
  const says = { key, serial, role, keyId, principals, validAfter, validBefore, criticalOptions, extensions };
  return { ...says, type, authority, signed, signature };
}

/** Whether the authority that the certificate names has signed it. That one trusts it is to be checked besides. */
export function isSignedByAuthority({ authority, signed, signature }: Certificate): boolean {
  const { isRight, touch } = verifySignature(authority, signed, signature);
  return isRight && touch?.isPresent !== false;
}

function principalsOf(list: Buffer): string[] {
  const reader = new FieldReader(list, "certificate's list of principals", see);
  const principals: string[] = [];
  while (!reader.isDone) {
    const name = reader.text();
    if (principals.push(name) > MAX_PRINCIPALS) throw reader.malformed(`names more than ${MAX_PRINCIPALS}`);
    if (name === '') throw reader.malformed('names nobody');
  }
  return principals;
}

/** In lexical order, each once: so says the specification, and only so two readers see the same. */
function optionsOf(list: Buffer, what: string): Map<string, string> {
  const reader = new FieldReader(list, `certificate's ${what}`, see);
  const options = new Map<string, string>();
  let last: Buffer = Buffer.alloc(0);
  while (!reader.isDone) {
    const name = reader.bytes();
    if (name.length === 0 || Buffer.compare(last, name) >= 0) throw reader.malformed('are not in order, or come twice');
    if (options.size === MAX_OPTIONS) throw reader.malformed(`are more than ${MAX_OPTIONS}`);
    if (!/^[\x21-\x7e]+$/.test(name.toString('latin1'))) throw reader.malformed('have a name that is none');
    options.set(name.toString('latin1'), optionValue(reader.bytes(), what));
    last = name;
  }
  return options;
}

/** A flag has no value at all; any other option has one string. */
function optionValue(data: Buffer, what: string): string {
  if (data.length === 0) return '';
  const reader = new FieldReader(data, `value among the certificate's ${what}`, see);
  const value = reader.text();
  reader.done();
  return value;
}

/** Signs for an authority; its key may be anywhere. */
export interface Signer {
  /** The authority's public key, as a blob. */
  readonly publicKey: Buffer;
  /** `string algorithm, string bytes`. */
  sign(data: Buffer): Buffer;
}

/** With an Ed25519 key of this process. @throws TypeError for any other key */
export function ed25519Signer(privateKey: KeyObject): Signer {
  return {
    publicKey: publicKeyBlob(createPublicKey(privateKey)),
    sign: (data) => signEd25519(privateKey, data),
  };
}

/**
 * The blob of a certificate that says so.
 * @throws RangeError where nobody would be named, a name holds a comma (some readers take it for two), or it ends before it begins
 */
export function writeCertificate(statement: Statement, authority: Signer, nonce: Buffer = randomBytes(32)): Buffer {
  const { key, serial, role, keyId, principals, validAfter, validBefore } = statement;
  check(statement);
  const keyFields = key.blob.subarray(string(key.type).length);
  const body = Buffer.concat([
    string(certificateType(key.type)),
    string(nonce),
    keyFields,
    uint64(serial),
    uint32(roles.indexOf(role) + 1),
    string(keyId),
    string(Buffer.concat(principals.map(string))),
    uint64(validAfter),
    uint64(validBefore),
    string(written(statement.criticalOptions)),
    string(written(statement.extensions)),
    string(''),
    string(authority.publicKey),
  ]);
  return Buffer.concat([body, string(authority.sign(body))]);
}

function check({ principals, validAfter, validBefore }: Statement): void {
  if (principals.length === 0 || principals.length > MAX_PRINCIPALS) {
    throw new RangeError(`a certificate names 1 to ${MAX_PRINCIPALS} principals: without one it would be anybody's`);
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (principals.some((name) => name === '' || /[,\u0000-\u001f\u007f]/.test(name))) {
    throw new RangeError('a principal of a certificate holds neither a comma nor control characters');
  }
  if (validAfter >= validBefore) throw new RangeError('a certificate cannot end before it begins');
}

function written(options: ReadonlyMap<string, string>): Buffer {
  const inOrder = [...options].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return Buffer.concat(inOrder.flatMap(([name, value]) => [string(name), string(value === '' ? '' : string(value))]));
}
