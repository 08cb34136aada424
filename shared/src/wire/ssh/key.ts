import { createHash, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { WireError } from '../../errors/errors.ts';
import { isSoundPoint } from './ed25519.ts';
import { FieldReader, mpint, string } from './fields.ts';

/** The kinds of public keys that are read here; `ssh-dss` is not one. */
export const keyTypes = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'ssh-rsa',
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
] as const;

export type KeyType = (typeof keyTypes)[number];

/** A public key that was read in full. */
export interface PublicKey {
  readonly type: KeyType;
  /** As it travels. @see RFC 4253, 6.6 */
  readonly blob: Buffer;
  readonly key: KeyObject;
  /** Of the modulus, the curve. */
  readonly bits: number;
  /** What a security key was made for, as `ssh:`; undefined for keys of other kinds. */
  readonly application: string | undefined;
}

const see = 'RFC 4253, 6.6';
/** RSA keys from 2048 to 8192 bits; a longer one makes each verification slow. */
const MIN_RSA_BITS = 2048;
const MAX_RSA_BYTES = 1024;
const MAX_KEY_BYTES = 4096;

const curves = {
  nistp256: { crv: 'P-256', lengthBytes: 32, bits: 256 },
  nistp384: { crv: 'P-384', lengthBytes: 48, bits: 384 },
  nistp521: { crv: 'P-521', lengthBytes: 66, bits: 521 },
} as const;

/** @throws WireError ERR_WIRE_MALFORMED, ERR_WIRE_UNSUPPORTED: a kind of key, or a strength, that is not accepted */
export function readPublicKey(blob: Buffer): PublicKey {
  if (blob.length > MAX_KEY_BYTES) throw new WireError('ERR_WIRE_TOO_LARGE', 'The public key is too long.', { see });
  const reader = new FieldReader(blob, 'public key', see);
  const type = reader.text();
  if (!isKeyType(type)) throw unknownType(type);
  const made = readKeyFields(type, reader);
  reader.done();
  return made;
}

export const isKeyType = (type: string): type is KeyType => keyTypes.some((known) => known === type);

/** The fields behind the key's type, in a key as in a certificate. @throws WireError as `readPublicKey` */
export function readKeyFields(type: KeyType, reader: FieldReader): PublicKey {
  if (type === 'ssh-rsa') return rsa(reader);
  const isSecurityKey = type.startsWith('sk-');
  const [jwk, fields, bits] = type.includes('ed25519') ? ed25519(reader) : ecdsa(type, reader);
  const application = isSecurityKey ? reader.text() : undefined;
  const blob = Buffer.concat([string(type), ...fields, ...(application === undefined ? [] : [string(application)])]);
  return { type, blob, key: keyOf(jwk, reader), bits, application };
}

type Read = readonly [jwk: JsonWebKey, fields: readonly Buffer[], bits: number];

function ed25519(reader: FieldReader): Read {
  const point = reader.bytes();
  if (!isSoundPoint(point)) throw reader.malformed('is no usable Ed25519 key');
  return [{ kty: 'OKP', crv: 'Ed25519', x: point.toString('base64url') }, [string(point)], 256];
}

function ecdsa(type: KeyType, reader: FieldReader): Read {
  const name = reader.text();
  const [, expected] = /(nistp\d+)/.exec(type) ?? [];
  if (name !== expected || !Object.hasOwn(curves, name))
    throw reader.malformed(`names the curve "${name.slice(0, 32)}"`);
  const { crv, lengthBytes, bits } = curves[name as keyof typeof curves];
  const point = reader.bytes();
  // Compressed points (2, 3) are optional in RFC 5656, 3.1, and OpenSSH takes none.
  if (point.length !== 1 + 2 * lengthBytes || point[0] !== 4) throw reader.malformed('has no uncompressed point');
  const x = point.subarray(1, 1 + lengthBytes).toString('base64url');
  const y = point.subarray(1 + lengthBytes).toString('base64url');
  return [{ kty: 'EC', crv, x, y }, [string(name), string(point)], bits];
}

function rsa(reader: FieldReader): PublicKey {
  const e = reader.positive(8);
  const n = reader.positive(MAX_RSA_BYTES);
  const bits = n.length * 8 - Math.clz32(n[0] ?? 0) + 24;
  if (bits < MIN_RSA_BITS) throw reader.unsupported(`has ${bits} bits: RSA keys need ${MIN_RSA_BITS} at least`);
  const isOdd = ((n.at(-1) ?? 0) & 1) === 1 && ((e.at(-1) ?? 0) & 1) === 1;
  if (!isOdd || (e.length === 1 && (e[0] ?? 0) < 3)) throw reader.malformed('is no RSA key');
  const key = keyOf({ kty: 'RSA', n: n.toString('base64url'), e: e.toString('base64url') }, reader);
  const blob = Buffer.concat([string('ssh-rsa'), mpint(e), mpint(n)]);
  return { type: 'ssh-rsa', blob, key, bits, application: undefined };
}

/** A point that is not on its curve is refused here. */
function keyOf(key: JsonWebKey, reader: FieldReader): KeyObject {
  try {
    return createPublicKey({ key, format: 'jwk' });
  } catch {
    throw reader.malformed('is not a point of its curve, or no key at all');
  }
}

/** The blob of a key of this process. @throws TypeError where it is of a kind that SSH has none for */
export function publicKeyBlob(key: KeyObject): Buffer {
  const { kty, crv, x = '', y = '', n = '', e = '' } = key.export({ format: 'jwk' });
  const bytes = (text: string): Buffer => Buffer.from(text, 'base64url');
  if (kty === 'OKP' && crv === 'Ed25519') return Buffer.concat([string('ssh-ed25519'), string(bytes(x))]);
  if (kty === 'RSA') return Buffer.concat([string('ssh-rsa'), mpint(bytes(e)), mpint(bytes(n))]);
  const name = Object.entries(curves).find(([, curve]) => curve.crv === crv)?.[0];
  if (kty !== 'EC' || name === undefined) throw new TypeError(`SSH has no keys of the kind ${kty} ${crv ?? ''}`);
  const point = Buffer.concat([Buffer.of(4), bytes(x), bytes(y)]);
  return Buffer.concat([string(`ecdsa-sha2-${name}`), string(name), string(point)]);
}

/** As `ssh-keygen -l` writes it: `SHA256:` and base64 without padding. */
export function fingerprint(blob: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}

/** A line of authorized_keys or of a .pub file: type, base64, comment. */
export function publicKeyLine(type: string, blob: Buffer, comment = ''): string {
  return `${type} ${blob.toString('base64')}${comment === '' ? '' : ` ${comment}`}`;
}

export interface KeyLine {
  /** The word in front; it is the same as in the blob. */
  readonly type: string;
  readonly blob: Buffer;
  readonly comment: string;
}

const MAX_LINE_CHARS = 48 * 1024;

/** Reads one such line. Options in front of the type are not read. @throws WireError */
export function readKeyLine(line: string): KeyLine {
  const what = new FieldReader(Buffer.alloc(0), 'line', 'sshd(8), AUTHORIZED_KEYS FILE FORMAT');
  if (line.length > MAX_LINE_CHARS) throw what.malformed('is too long for a public key');
  if (line.includes('PRIVATE KEY'))
    throw what.malformed('is a private key: give the public one, the file that ends in .pub');
  const [, type = '', base64 = '', comment = ''] =
    /^([a-z0-9@.-]+)[ \t]+([A-Za-z0-9+/]+={0,2})(?:[ \t]+([^\r\n]*))?$/.exec(line.trim()) ?? [];
  const blob = Buffer.from(base64, 'base64');
  if (blob.length === 0 || blob.toString('base64').replace(/=+$/, '') !== base64.replace(/=+$/, '')) {
    throw what.malformed('is no public key such as "ssh-ed25519 AAAA… name"');
  }
  if (new FieldReader(blob, 'public key', see).text() !== type) throw what.malformed('says another kind than its key');
  return { type, blob, comment: comment.trim() };
}

export function unknownType(type: string): WireError {
  const known = 'Ed25519, ECDSA and RSA keys are accepted, and the security keys (FIDO) of the first two';
  const shown = type.slice(0, 64).replace(/[^\x21-\x7e]/g, '?');
  return new WireError('ERR_WIRE_UNSUPPORTED', `A key of the kind "${shown}" is not accepted: ${known}.`, { see });
}
