import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { Unavailable } from '@sallyport/shared/errors/errors.ts';

/** scrypt's cost; memory is 128 · N · r bytes. @see RFC 7914, 2 */
interface Cost {
  /** log2 of N. */
  readonly ln: number;
  readonly r: number;
  readonly p: number;
}

const COST: Cost = { ln: 15, r: 8, p: 1 };
const KEY_BYTES = 32;
const SALT_BYTES = 16;
const MAX_PASSWORD_BYTES = 1024;
/** What a stored hash may ask of this machine. */
const MAX_MEMORY_BYTES = 256 * 1024 * 1024;

const shape = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9_-]{8,128})\$([A-Za-z0-9_-]{22,128})$/;

/** Hashes passwords and checks them, a few at a time: each takes memory and a thread of the pool. */
export class Passwords {
  readonly #atOnce: number;
  readonly #maxWaiting: number;
  readonly #waiting: (() => void)[] = [];
  /** Stands in for a user who is not there, so that the answer takes as long. */
  readonly #nobody: string = encode(COST, randomBytes(SALT_BYTES), randomBytes(KEY_BYTES));
  #running = 0;

  constructor({ atOnce = 2, maxWaiting = 256 }: { readonly atOnce?: number; readonly maxWaiting?: number } = {}) {
    this.#atOnce = atOnce;
    this.#maxWaiting = maxWaiting;
  }

  /**
   * The password's hash with its parameters, as a text to store.
   * @throws RangeError where the password is empty or over 1024 bytes; Unavailable where too many wait.
   */
  async hash(password: string): Promise<string> {
    const secret = prepare(password);
    if (secret === undefined) throw new RangeError(`a password has 1 to ${MAX_PASSWORD_BYTES} bytes`);
    const salt = randomBytes(SALT_BYTES);
    return this.#inTurn(async () => encode(COST, salt, await derive(secret, salt, COST, KEY_BYTES)));
  }

  /**
   * Whether the password is the hashed one; an absent hash takes the same time and is never right.
   * `mayTry` is asked when its turn has come: false ends it there, as wrong.
   * @throws Unavailable where too many wait.
   */
  verify(password: string, encoded: string | undefined, mayTry: () => boolean = () => true): Promise<boolean> {
    const secret = prepare(password) ?? Buffer.from([0]);
    const right = prepare(password) !== undefined && encoded !== undefined;
    return this.#inTurn(async () => {
      if (!mayTry()) return false;
      const { cost, salt, key } = decode(encoded ?? this.#nobody);
      const derived = await derive(secret, salt, cost, key.length);
      return timingSafeEqual(derived, key) && right;
    });
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#atOnce) this.#running += 1;
    else await this.#wait();
    try {
      return await work();
    } finally {
      // A turn is handed on, so that nobody comes in between.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }

  #wait(): Promise<void> {
    if (this.#waiting.length >= this.#maxWaiting) {
      const message = 'too many passwords are being checked at this moment; try again in a few seconds';
      return Promise.reject(new Unavailable('identity', 'ERR_IDENTITY_UNAVAILABLE', message));
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

/** One spelling of the characters that look the same; undefined where it cannot be a password. */
function prepare(password: string): Buffer | undefined {
  if (password.length > MAX_PASSWORD_BYTES) return undefined;
  const bytes = Buffer.from(password.normalize('NFKC'));
  return bytes.length === 0 || bytes.length > MAX_PASSWORD_BYTES ? undefined : bytes;
}

function derive(secret: Buffer, salt: Buffer, { ln, r, p }: Cost, lengthBytes: number): Promise<Buffer> {
  const N = 2 ** ln;
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  scrypt(secret, salt, lengthBytes, { N, r, p, maxmem: MAX_MEMORY_BYTES }, (error, key) =>
    error === null ? resolve(key) : reject(error),
  );
  return promise;
}

function encode({ ln, r, p }: Cost, salt: Buffer, key: Buffer): string {
  return `$scrypt$ln=${ln},r=${r},p=${p}$${salt.toString('base64url')}$${key.toString('base64url')}`;
}

/** @throws Error where the stored text is no hash of ours: never told to a client. */
function decode(encoded: string): { cost: Cost; salt: Buffer; key: Buffer } {
  const [, ln, r, p, salt, key] = shape.exec(encoded) ?? [];
  const cost = { ln: Number(ln), r: Number(r), p: Number(p) };
  const memoryBytes = 128 * 2 ** cost.ln * cost.r;
  if (salt === undefined || key === undefined || cost.ln < 1 || cost.p < 1 || !(memoryBytes < MAX_MEMORY_BYTES)) {
    throw new Error('a stored password hash cannot be read');
  }
  return { cost, salt: Buffer.from(salt, 'base64url'), key: Buffer.from(key, 'base64url') };
}
