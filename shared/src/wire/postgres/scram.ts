import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { Unavailable, WireError } from '../../errors/errors.ts';
import { MAX_AUTH_MESSAGE_BYTES, MAX_SCRAM_ITERATIONS } from './limits.ts';
import { saslPrep } from './saslprep.ts';

export interface ScramOptions {
  readonly password: string;
  /** What AuthenticationSASL listed. */
  readonly mechanisms: readonly string[];
  /** Whether the connection to the server is encrypted. */
  readonly isTls: boolean;
  /** RFC 5929 `tls-server-end-point`: the hash of the server's certificate; absent when it cannot be computed. */
  readonly serverEndPoint?: Uint8Array | undefined;
  /** Refuse to go on without channel binding. */
  readonly isBindingRequired?: boolean;
  /** For test vectors: 24 random characters otherwise. */
  readonly nonce?: string;
  /** For test vectors: PostgreSQL ignores it and takes the startup packet's. */
  readonly user?: string;
}

export type ScramMechanism = 'SCRAM-SHA-256' | 'SCRAM-SHA-256-PLUS';

const SECTION = 'RFC 5802 section 7';
const deriveKey = promisify(pbkdf2);

/** The client's half of SCRAM-SHA-256, RFC 5802 and 7677; one object an attempt. */
export class ScramClient {
  readonly mechanism: ScramMechanism;
  readonly #password: string;
  readonly #gs2Header: string;
  readonly #bindingData: Uint8Array;
  readonly #nonce: string;
  readonly #firstBare: string;
  #serverSignature: Buffer | undefined;
  #hasResponded = false;
  #isVerified = false;

  /** @throws WireError ERR_WIRE_UNSUPPORTED when no mechanism fits, ERR_WIRE_UNEXPECTED when the offer is a trick */
  constructor(options: ScramOptions) {
    this.mechanism = chooseMechanism(options);
    this.#password = options.password;
    const isBound = this.mechanism === 'SCRAM-SHA-256-PLUS';
    this.#bindingData = isBound ? options.serverEndPoint! : new Uint8Array();
    this.#gs2Header = isBound ? 'p=tls-server-end-point,,' : canBind(options) ? 'y,,' : 'n,,';
    this.#nonce = options.nonce ?? randomBytes(18).toString('base64');
    this.#firstBare = `n=${options.user ?? ''},r=${this.#nonce}`;
  }

  /** Whether the server proved that it knows the password; AuthenticationOk before that is a forgery. */
  get isVerified(): boolean {
    return this.#isVerified;
  }

  /** Data of the SASLInitialResponse. */
  initialResponse(): Buffer {
    return Buffer.from(this.#gs2Header + this.#firstBare);
  }

  /**
   * From AuthenticationSASLContinue's data to SASLResponse's.
   * @throws WireError ERR_WIRE_MALFORMED, ERR_WIRE_TOO_LARGE (iterations), ERR_WIRE_UNEXPECTED (out of turn)
   */
  async respond(serverFirst: Uint8Array): Promise<Buffer> {
    if (this.#hasResponded) throw outOfTurn();
    this.#hasResponded = true;
    const first = asText(serverFirst);
    const { nonce, salt, iterations } = parseServerFirst(first, this.#nonce);
    const withoutProof = `c=${this.#channel()},r=${nonce}`;
    const authMessage = `${this.#firstBare},${first},${withoutProof}`;
    const salted = await deriveKey(saslPrep(this.#password), salt, iterations, 32, 'sha256');
    this.#serverSignature = hmac(hmac(salted, 'Server Key'), authMessage);
    return Buffer.from(`${withoutProof},p=${proof(salted, authMessage).toString('base64')}`);
  }

  /**
   * Checks AuthenticationSASLFinal's data.
   * @throws Unavailable ERR_TARGET_AUTH when the server reports an error or does not know the password
   */
  verify(serverFinal: Uint8Array): void {
    if (this.#serverSignature === undefined || this.#isVerified) throw outOfTurn();
    const [final] = asText(serverFinal).split(',');
    if (final!.startsWith('e=')) throw refused(`The server ended the login: ${printable(final!.slice(2))}.`);
    const signature = final!.startsWith('v=') ? base64(final!.slice(2)) : undefined;
    if (signature === undefined) throw malformed('The server’s last message has no signature.');
    if (signature.length !== this.#serverSignature.length || !timingSafeEqual(signature, this.#serverSignature)) {
      throw refused('The server could not prove that it knows the password.');
    }
    this.#isVerified = true;
  }

  #channel(): string {
    return Buffer.concat([Buffer.from(this.#gs2Header), this.#bindingData]).toString('base64');
  }
}

function canBind(options: ScramOptions): boolean {
  return options.isTls && options.serverEndPoint !== undefined;
}

function chooseMechanism(options: ScramOptions): ScramMechanism {
  const offersPlus = options.mechanisms.includes('SCRAM-SHA-256-PLUS');
  // As libpq: a server offers binding only over TLS, so somebody between us took the encryption off.
  if (offersPlus && !options.isTls) {
    throw new WireError('ERR_WIRE_UNEXPECTED', 'The server offered channel binding on an unencrypted connection.', {
      see: 'RFC 5802 section 6',
    });
  }
  if (offersPlus && canBind(options)) return 'SCRAM-SHA-256-PLUS';
  if (options.isBindingRequired) throw unsupported('Channel binding is required but cannot be had.');
  if (options.mechanisms.includes('SCRAM-SHA-256')) return 'SCRAM-SHA-256';
  throw unsupported('The server offers no SCRAM mechanism that is spoken here.');
}

function parseServerFirst(text: string, clientNonce: string): { nonce: string; salt: Buffer; iterations: number } {
  const match = /^r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9+/=]+),i=([1-9][0-9]{0,9})(?:,.*)?$/.exec(text);
  if (match === null) throw malformed('The server’s first message does not follow the grammar.');
  const [, nonce, encodedSalt, count] = match;
  if (!nonce!.startsWith(clientNonce) || nonce!.length === clientNonce.length) {
    throw malformed('The server’s nonce does not continue ours.');
  }
  const salt = base64(encodedSalt!);
  if (salt === undefined) throw malformed('The salt is not base64.');
  const iterations = Number(count);
  if (iterations > MAX_SCRAM_ITERATIONS) {
    throw new WireError('ERR_WIRE_TOO_LARGE', `The server asks for ${iterations} rounds of PBKDF2.`, { see: SECTION });
  }
  return { nonce: nonce!, salt, iterations };
}

function proof(salted: Buffer, authMessage: string): Buffer {
  const clientKey = hmac(salted, 'Client Key');
  const signature = hmac(createHash('sha256').update(clientKey).digest(), authMessage);
  return Buffer.from(clientKey.map((byte, index) => byte ^ signature[index]!));
}

function hmac(key: Uint8Array, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

/** Strict, unlike Buffer's own decoder; undefined when it is no base64 or empty. */
function base64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.length > 0 && bytes.toString('base64') === text ? bytes : undefined;
}

function asText(bytes: Uint8Array): string {
  if (bytes.length > MAX_AUTH_MESSAGE_BYTES) {
    throw new WireError('ERR_WIRE_TOO_LARGE', 'A SASL message is too long.', { see: SECTION });
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}

function printable(text: string): string {
  return text.slice(0, 100).replace(/[^\x20-\x7e]/g, '?');
}

function malformed(text: string): WireError {
  return new WireError('ERR_WIRE_MALFORMED', text, { see: SECTION });
}

function unsupported(text: string): WireError {
  return new WireError('ERR_WIRE_UNSUPPORTED', text, { see: 'PostgreSQL manual 55.3 "SASL Authentication"' });
}

function outOfTurn(): WireError {
  return new WireError('ERR_WIRE_UNEXPECTED', 'A SASL message came out of turn.', { see: SECTION });
}

function refused(text: string): Unavailable {
  return new Unavailable('target', 'ERR_TARGET_AUTH', text);
}
