import { createHash, randomBytes } from 'node:crypto';
import type { Denial } from '@sallyport/shared/access/verdict.ts';

export const serviceSecretPrefix = 'spa_';
const shape = /^spa_[A-Za-z0-9_-]{43}$/;
const DAY_MS = 24 * 60 * 60_000;
const TTL_MS = 90 * DAY_MS;
const MAX_TTL_MS = 366 * DAY_MS;
/** The new one is brought out while the old one still works. */
const MAX_LIVING = 2;
/** Uses are written down this often at most. */
const NOTE_MS = 60_000;
const EXPIRING_MS = 14 * DAY_MS;
const UNUSED_MS = 45 * DAY_MS;
const KEPT_MS = 30 * DAY_MS;

/** A long-lived secret of a service account, kept by hash. Times are milliseconds since the epoch. */
export interface ServiceSecret {
  /** Public: shown in listings and events. */
  readonly id: string;
  /** SHA-256, hex. */
  readonly hash: string;
  readonly service: string;
  readonly label: string | undefined;
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly revokedAt: number | undefined;
  readonly usedAt: number | undefined;
  /** IP address. */
  readonly usedFrom: string | undefined;
  /** What was warned of last. */
  readonly warned: SecretConcern | undefined;
}

/** What its owner should look at. */
export type SecretConcern = 'expiring' | 'expired' | 'unused';

export interface ServiceSecretStore {
  add(secret: ServiceSecret): Promise<void>;
  byHash(hash: string): Promise<ServiceSecret | undefined>;
  byId(id: string): Promise<ServiceSecret | undefined>;
  /** Newest first; of one service account where given. */
  list(service?: string): Promise<readonly ServiceSecret[]>;
  /** False where it is unknown or already revoked. */
  revoke(id: string, at: number): Promise<boolean>;
  noteUse(id: string, at: number, from: string): Promise<void>;
  noteWarning(id: string, of: SecretConcern): Promise<void>;
  /** Forgets what ended before `before`. */
  sweep(before: number): Promise<void>;
}

/** The secret is shown this once. */
export interface MadeSecret {
  readonly secret: string;
  readonly id: string;
  readonly expiresAt: number;
}

/** Secrets of service accounts, for pipelines that can do no better than a password. Two may overlap, to rotate them. */
export class ServiceSecrets {
  readonly #store: ServiceSecretStore;
  readonly #clock: () => number;
  readonly #noted = new Map<string, number>();
  readonly #listeners = new Set<(id: string) => Promise<void> | void>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(store: ServiceSecretStore, clock: () => number = Date.now) {
    this.#store = store;
    this.#clock = clock;
  }

  /** A denial where two live already. @throws RangeError where the time asked for is none, or longer than a year */
  create(order: {
    readonly service: string;
    readonly ttlMs?: number | undefined;
    readonly label?: string | undefined;
  }): Promise<MadeSecret | Denial> {
    const { service, ttlMs = TTL_MS, label } = order;
    if (!(ttlMs > 0 && ttlMs <= MAX_TTL_MS)) throw new RangeError('a secret may live for 366 days at most');
    const made = this.#turn.then(async () => {
      const living = (await this.#store.list(service)).filter((one) => this.#isLiving(one));
      if (living.length >= MAX_LIVING) return tooMany(service, living);
      const secret = serviceSecretPrefix + randomBytes(32).toString('base64url');
      const id = `sec_${randomBytes(9).toString('base64url')}`;
      const issuedAt = this.#clock();
      const unused = { revokedAt: undefined, usedAt: undefined, usedFrom: undefined, warned: undefined };
      const expiresAt = issuedAt + ttlMs;
      await this.#store.add({ id, hash: hashOf(secret), service, label, issuedAt, expiresAt, ...unused });
      return { secret, id, expiresAt };
    });
    this.#turn = made.catch(() => undefined);
    return made;
  }

  /** Undefined: unknown or revoked, which are told apart to nobody. */
  async find(secret: string): Promise<{ readonly state: 'valid' | 'expired'; readonly of: ServiceSecret } | undefined> {
    if (!shape.test(secret)) return undefined;
    const of = await this.#store.byHash(hashOf(secret));
    if (of === undefined || of.revokedAt !== undefined) return undefined;
    return { state: of.expiresAt <= this.#clock() ? 'expired' : 'valid', of };
  }

  async living(id: string): Promise<ServiceSecret | undefined> {
    const found = await this.#store.byId(id);
    return found !== undefined && this.#isLiving(found) ? found : undefined;
  }

  byId(id: string): Promise<ServiceSecret | undefined> {
    return this.#store.byId(id);
  }

  /** Newest first. */
  list(service?: string): Promise<readonly ServiceSecret[]> {
    return this.#store.list(service);
  }

  async noteUse({ id }: ServiceSecret, from: string): Promise<void> {
    const now = this.#clock();
    if (now - (this.#noted.get(id) ?? Number.NEGATIVE_INFINITY) < NOTE_MS) return;
    this.#noted.set(id, now);
    await this.#store.noteUse(id, now, from);
  }

  /** From this moment on. False where it is unknown or had been revoked before. */
  async revoke(id: string): Promise<boolean> {
    const revoked = await this.#store.revoke(id, this.#clock());
    this.#noted.delete(id);
    for (const listener of this.#listeners) await listener(id);
    return revoked;
  }

  /** A later account of the same name must not inherit them. */
  async revokeAllOf(service: string): Promise<void> {
    for (const { id, revokedAt } of await this.#store.list(service)) {
      if (revokedAt === undefined) await this.revoke(id);
    }
  }

  /** Told of each revoked secret's id, for what was made and opened with it. */
  onRevoked(listener: (id: string) => Promise<void> | void): void {
    this.#listeners.add(listener);
  }

  /** What its owner should look at now. */
  concern({ revokedAt, expiresAt, usedAt, issuedAt }: ServiceSecret): SecretConcern | undefined {
    const now = this.#clock();
    if (revokedAt !== undefined) return undefined;
    if (expiresAt <= now) return 'expired';
    if (expiresAt - now < EXPIRING_MS && expiresAt - issuedAt > EXPIRING_MS) return 'expiring';
    return now - (usedAt ?? issuedAt) > UNUSED_MS ? 'unused' : undefined;
  }

  /** Tells once of each concern, and forgets what ended a month ago. */
  async sweep(warn: (secret: ServiceSecret, of: SecretConcern) => Promise<void>): Promise<void> {
    for (const secret of await this.#store.list()) {
      const of = this.concern(secret);
      if (of === undefined || of === secret.warned) continue;
      await warn(secret, of);
      await this.#store.noteWarning(secret.id, of);
    }
    await this.#store.sweep(this.#clock() - KEPT_MS);
  }

  #isLiving({ revokedAt, expiresAt }: ServiceSecret): boolean {
    return revokedAt === undefined && expiresAt > this.#clock();
  }
}

const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');

const tooMany = (service: string, living: readonly ServiceSecret[]): Denial => ({
  reason: 'limited',
  message: `${service} has ${living.length} living secrets: ${living.map(({ id }) => id).join(', ')}`,
  hint: 'Revoke the old one first: sallyport service-account secret revoke ID',
});
