import { createHash, randomBytes } from 'node:crypto';
import type { DirectoryStore, DirectoryToken } from './model.ts';

export const directoryTokenPrefix = 'sps_';
const shape = /^sps_[A-Za-z0-9_-]{43}$/;
const DAY_MS = 24 * 60 * 60_000;
/** Identity providers keep it for long; who wants to change it more often asks for less. */
const TTL_MS = 365 * DAY_MS;
const MAX_TTL_MS = 3 * TTL_MS;

export interface MintedDirectoryToken {
  readonly token: string;
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** Tokens with which identity providers provision their directories. They are of a kind of their own: nothing else takes them. */
export class DirectoryTokens {
  readonly #store: DirectoryStore;
  readonly #clock: () => number;

  constructor(store: DirectoryStore, clock: () => number = Date.now) {
    this.#store = store;
    this.#clock = clock;
  }

  /** @throws RangeError where the time asked for is none, or longer than three years. */
  async mint(order: {
    readonly provider: string;
    readonly ttlMs?: number | undefined;
    readonly label?: string | undefined;
  }): Promise<MintedDirectoryToken> {
    const { provider, ttlMs = TTL_MS, label } = order;
    if (!(ttlMs > 0 && ttlMs <= MAX_TTL_MS)) throw new RangeError('a SCIM token may live for three years at most');
    const token = directoryTokenPrefix + randomBytes(32).toString('base64url');
    const id = `dir_${randomBytes(9).toString('base64url')}`;
    const issuedAt = this.#clock();
    const expiresAt = issuedAt + ttlMs;
    await this.#store.addToken({ id, hash: hashOf(token), provider, label, issuedAt, expiresAt, revokedAt: undefined });
    return { token, id, expiresAt };
  }

  /** Undefined: unknown, revoked or expired. */
  async find(token: string): Promise<DirectoryToken | undefined> {
    if (!shape.test(token)) return undefined;
    const found = await this.#store.tokenByHash(hashOf(token));
    return found !== undefined && found.revokedAt === undefined && found.expiresAt > this.#clock() ? found : undefined;
  }

  list(): Promise<readonly DirectoryToken[]> {
    return this.#store.tokens();
  }

  /** False where it is unknown or had been revoked before. */
  revoke(id: string): Promise<boolean> {
    return this.#store.revokeToken(id, this.#clock());
  }
}

const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');
