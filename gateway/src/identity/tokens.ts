import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { wrongRange } from '@sallyport/shared/access/address-range.ts';
import type { Principal } from '@sallyport/shared/access/principal.ts';
import type { Sources } from './source.ts';
import type { IdentityStore, StoredToken } from './store.ts';

export const tokenPrefix = 'spt_';
const shape = /^spt_[A-Za-z0-9_-]{49}$/;
const SECRET_BYTES = 32;
const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;
/** Ended tokens are kept for a while, so that people are told what happened to theirs. */
const KEPT_MS = 7 * DAY_MS;

export interface TokenOptions {
  /** How long a token lives where nothing is asked; 1 hour. Milliseconds, as `maxTtlMs`. */
  readonly ttlMs?: number;
  /** How long one may be asked to live; 30 days. */
  readonly maxTtlMs?: number;
}

/** What a new token is to be. */
export interface TokenOrder {
  readonly principal: Principal;
  /** The only connection that it opens; any where absent. */
  readonly connection?: string | undefined;
  /** Milliseconds. */
  readonly ttlMs?: number | undefined;
  readonly label?: string | undefined;
  /** Ids of the tokens that it is made of. */
  readonly parents?: readonly string[];
  readonly sources?: Sources;
}

/** The token itself is shown this once. */
export interface Minted {
  readonly token: string;
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** `unknown` is also said of a revoked token: who holds one that is not theirs learns nothing. */
export type Found =
  | { readonly state: 'valid' | 'expired'; readonly token: StoredToken }
  | { readonly state: 'mistyped' | 'unknown' };

/** Short-lived secrets that stand for a principal. Only their hashes are remembered, and nothing is cached. */
export class Tokens {
  readonly #store: IdentityStore;
  readonly #clock: () => number;
  readonly #listeners = new Set<(id: string) => void>();
  readonly #isSecretLiving: (id: string) => Promise<boolean>;
  readonly ttlMs: number;
  readonly maxTtlMs: number;

  constructor(
    store: IdentityStore,
    options: TokenOptions = {},
    clock: () => number = Date.now,
    isSecretLiving: (id: string) => Promise<boolean> = async () => false,
  ) {
    this.#isSecretLiving = isSecretLiving;
    this.#store = store;
    this.#clock = clock;
    this.maxTtlMs = options.maxTtlMs ?? 30 * DAY_MS;
    this.ttlMs = Math.min(options.ttlMs ?? HOUR_MS, this.maxTtlMs);
  }

  /** @throws RangeError where the time asked for is none, or longer than tokens may live, or a range is none. */
  async mint({
    principal,
    connection,
    ttlMs = this.ttlMs,
    label,
    parents = [],
    sources = [],
  }: TokenOrder): Promise<Minted> {
    if (!(ttlMs > 0 && ttlMs <= this.maxTtlMs)) {
      throw new RangeError(`a token may live for ${duration(this.maxTtlMs)} at most`);
    }
    const wrong = sources
      .flat()
      .map(wrongRange)
      .find((why) => why !== undefined);
    if (wrong !== undefined) throw new RangeError(wrong);
    const token = newToken();
    const id = `tok_${randomBytes(9).toString('base64url')}`;
    const issuedAt = this.#clock();
    const expiresAt = issuedAt + ttlMs;
    const record = { id, hash: hashOf(token), principal, connection, label, issuedAt, expiresAt, revokedAt: undefined };
    const bound = sources.length === 0 ? {} : { sources };
    await this.#store.addToken({ ...record, ...bound, ...(parents.length === 0 ? {} : { parents }) });
    // One of those that it is made of may have been revoked while it was written.
    for (const parent of parents) if (!(await this.#isLivingParent(parent))) await this.revoke(id);
    return { token, id, expiresAt };
  }

  async find(token: string): Promise<Found> {
    if (!isWhole(token)) return { state: 'mistyped' };
    const found = await this.#store.tokenByHash(hashOf(token));
    if (found === undefined || found.revokedAt !== undefined) return { state: 'unknown' };
    return { state: found.expiresAt <= this.#clock() ? 'expired' : 'valid', token: found };
  }

  /** Of one principal: neither revoked nor expired. */
  async livingOf(principalId: string): Promise<readonly StoredToken[]> {
    const living = await this.#store.livingTokens(principalId, this.#clock());
    return living.filter(({ principal }) => principal.id === principalId);
  }

  /** A token that was valid and is so still, by its id. */
  async living(id: string): Promise<StoredToken | undefined> {
    const found = await this.#store.token(id);
    const isLiving = found !== undefined && found.revokedAt === undefined && found.expiresAt > this.#clock();
    return isLiving ? found : undefined;
  }

  async isLive(id: string): Promise<boolean> {
    return (await this.living(id)) !== undefined;
  }

  async #isLivingParent(id: string): Promise<boolean> {
    return (await this.isLive(id)) || (await this.#isSecretLiving(id));
  }

  /** By its id, whatever has become of it. */
  byId(id: string): Promise<StoredToken | undefined> {
    return this.#store.token(id);
  }

  /** Newest first; of one principal where given. */
  list(principalId?: string): Promise<readonly StoredToken[]> {
    return this.#store.tokens(principalId);
  }

  /** Ends a token from this moment on. False where it is unknown or had been revoked before. */
  async revoke(id: string): Promise<boolean> {
    const revoked = await this.#store.revokeToken(id, this.#clock());
    // Told in either case: whoever revoked it before may have been another gateway.
    for (const listener of this.#listeners) listener(id);
    await this.revokeMadeOf(id);
    return revoked;
  }

  /** Ends all that were made of this token or secret. */
  async revokeMadeOf(id: string): Promise<void> {
    for (const made of await this.#store.tokensMadeOf(id)) if (made.revokedAt === undefined) await this.revoke(made.id);
  }

  async revokeAllOf(principalId: string): Promise<void> {
    for (const token of await this.#store.tokens(principalId)) {
      if (token.revokedAt === undefined) await this.revoke(token.id);
    }
  }

  /** Revokes living tokens of principals whose ids begin so and of whom it is said that they are `gone`. */
  async revokeWhere(principalPrefix: string, gone: (principal: Principal) => Promise<boolean>): Promise<void> {
    for (const { id, principal } of await this.#store.livingTokens(principalPrefix, this.#clock())) {
      if (await gone(principal)) await this.revoke(id);
    }
  }

  /** Told of each revoked token's id, for the sessions made with it. Must not throw. */
  onRevoked(listener: (id: string) => void): void {
    this.#listeners.add(listener);
  }

  /** Forgets tokens that ended a week ago or earlier. */
  sweep(): Promise<void> {
    return this.#store.sweepTokens(this.#clock() - KEPT_MS);
  }
}

/** The prefix and the checksum let a scanner find a leaked token, and us a mistyped one. */
function newToken(): string {
  const head = tokenPrefix + randomBytes(SECRET_BYTES).toString('base64url');
  return head + checksum(head);
}

function isWhole(token: string): boolean {
  return shape.test(token) && checksum(token.slice(0, -6)) === token.slice(-6);
}

function checksum(head: string): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(head));
  return bytes.toString('base64url');
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

function duration(ms: number): string {
  if (ms >= 2 * DAY_MS) return `${Math.floor(ms / DAY_MS)} days`;
  return ms >= HOUR_MS ? `${+(ms / HOUR_MS).toFixed(1)} h` : `${Math.floor(ms / 1000)} s`;
}
