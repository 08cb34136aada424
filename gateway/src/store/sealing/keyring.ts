import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { KEY_BYTES, unavailable } from './key-source.ts';

/** Where a secret stands: kind, name and field. A sealed text is good at its place only. */
export type Place = readonly string[];

interface Key {
  /** Says which key it is, and nothing of it. */
  readonly id: string;
  readonly bytes: Buffer;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const shape = /^sealed:v1:([0-9a-f]{12}):([A-Za-z0-9_-]+)$/;

export const isSealed = (text: string): boolean => shape.test(text);

/** The id of the key that a text was sealed with; undefined where it is not sealed. */
export const keyIdOf = (text: string): string | undefined => shape.exec(text)?.[1];

/**
 * Seals secrets with the current key and opens them with any: AES-256-GCM, a fresh nonce for each, bound to its place.
 * The form is `sealed:v1:<key id>:<base64url of nonce, ciphertext, tag>`.
 * @see NIST SP 800-38D, 8.2.2: random nonces are good for 2^32 texts of one key
 */
export class Keyring {
  readonly #current: Key;
  readonly #keys: ReadonlyMap<string, Key>;

  /** @throws Error where a key has not 32 bytes */
  constructor(current: Uint8Array, older: readonly Uint8Array[] = []) {
    this.#current = keyFrom(current);
    this.#keys = new Map([...older.map(keyFrom), this.#current].map((key) => [key.id, key]));
  }

  get currentId(): string {
    return this.#current.id;
  }

  /** All of them, the current one first. */
  get ids(): readonly string[] {
    return [...new Set([this.#current.id, ...this.#keys.keys()])];
  }

  seal(secret: string, place: Place): string {
    const { id, bytes } = this.#current;
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', bytes, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(boundTo(id, place));
    const sealed = Buffer.concat([nonce, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return `sealed:v1:${id}:${sealed.toString('base64url')}`;
  }

  /** @throws Unavailable ERR_SECRETS_UNAVAILABLE: the key is not known, or the text was changed or comes from another place */
  open(text: string, place: Place): string {
    const [, id = '', body = ''] = shape.exec(text) ?? [];
    const key = this.#keys.get(id);
    if (key === undefined) {
      const known = this.ids.join(', ');
      throw unavailable(
        `${place.join(' ')} is sealed with the key ${id}, and only ${known} is known; give that key as secrets.key or among secrets.older`,
      );
    }
    const bytes = Buffer.from(body, 'base64url');
    const damaged = `${place.join(' ')} does not open with the key ${id}: it was changed, or copied from another place; apply it anew`;
    if (bytes.length < NONCE_BYTES + TAG_BYTES) throw unavailable(damaged);
    const options = { authTagLength: TAG_BYTES };
    const decipher = createDecipheriv('aes-256-gcm', key.bytes, bytes.subarray(0, NONCE_BYTES), options);
    decipher.setAAD(boundTo(id, place));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    try {
      const secret = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
      return Buffer.concat([secret, decipher.final()]).toString('utf8');
    } catch {
      throw unavailable(damaged);
    }
  }
}

function keyFrom(given: Uint8Array): Key {
  if (given.length !== KEY_BYTES) throw new Error('a key has 32 bytes');
  const id = createHash('sha256').update('sallyport key id\0').update(given).digest('hex').slice(0, 12);
  const bytes = Buffer.from(hkdfSync('sha256', given, '', 'sallyport sealing v1', KEY_BYTES));
  return { id, bytes };
}

/** As JSON, so that no two places are written alike. */
const boundTo = (id: string, place: Place): Buffer => Buffer.from(JSON.stringify(['sallyport', 1, id, ...place]));
