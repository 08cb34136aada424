import { randomBytes } from 'node:crypto';
import type { Principal } from '@sallyport/shared/access/principal.ts';
import type { Denial } from '@sallyport/shared/access/verdict.ts';
import { fingerprint, type PublicKey } from '@sallyport/shared/wire/ssh/key.ts';
import { refusal } from '../denial.ts';
import type { Tokens } from '../tokens.ts';
import type { KeyStore, StoredKey } from './store.ts';

export const keyPrefix = 'key_';
const MAX_KEYS = 50;

export interface KeysParts {
  readonly store: KeyStore;
  readonly tokens: Pick<Tokens, 'livingOf'>;
  /** Somebody as they are now, or why they may not come in any more. */
  readonly current: (principal: Principal) => Promise<Principal | Denial>;
  /** Whether it is known here when they leave; else only their own sign-ins tell that they are still there. */
  readonly isKnownHere: (principal: Principal) => Promise<boolean>;
  readonly clock: () => number;
}

export interface NewKey {
  readonly principal: Principal;
  readonly name: string;
  readonly key: PublicKey;
  /** IP address. */
  readonly address: string;
}

/** Somebody who is still somebody. */
export interface Standing {
  readonly principal: Principal;
  /** Milliseconds since the epoch; undefined: for as long as they are known here. */
  readonly until: number | undefined;
}

/** Public keys that people registered for themselves. A key is one person's only. */
export class RegisteredKeys {
  readonly #parts: KeysParts;
  readonly #listeners = new Set<(id: string) => void>();

  constructor(parts: KeysParts) {
    this.#parts = parts;
  }

  /** @throws RangeError where it is registered already, or there are too many */
  async add({ principal, name, key, address }: NewKey): Promise<StoredKey> {
    const { store, clock } = this.#parts;
    if ((await store.keys(principal.id)).length >= MAX_KEYS) {
      throw new RangeError(`you have ${MAX_KEYS} keys already: remove one first`);
    }
    const added: StoredKey = {
      id: `${keyPrefix}${randomBytes(9).toString('base64url')}`,
      principal,
      name,
      type: key.type,
      blob: key.blob.toString('base64'),
      fingerprint: fingerprint(key.blob),
      addedAt: clock(),
      addedFrom: address,
      lastUsedAt: undefined,
      lastUsedFrom: undefined,
    };
    if (await store.addKey(added)) return added;
    throw new RangeError('this key is registered already: a key is one person’s only');
  }

  /** Newest first; of one principal where given. */
  list(principalId?: string): Promise<readonly StoredKey[]> {
    return this.#parts.store.keys(principalId);
  }

  key(id: string): Promise<StoredKey | undefined> {
    return this.#parts.store.key(id);
  }

  async find({ blob }: Pick<PublicKey, 'blob'>): Promise<StoredKey | undefined> {
    const found = await this.#parts.store.keyByFingerprint(fingerprint(blob));
    return found?.blob === blob.toString('base64') ? found : undefined;
  }

  /** From this moment on; sessions that were opened with it end. False where there is none. */
  async remove(id: string): Promise<boolean> {
    const removed = await this.#parts.store.removeKey(id);
    for (const listener of this.#listeners) listener(id);
    return removed;
  }

  /** Somebody later of the same name must not inherit them. */
  async removeAllOf(principalId: string): Promise<void> {
    for (const { id } of await this.#parts.store.keys(principalId)) await this.remove(id);
  }

  /** Told of each removed key's id. Must not throw. */
  onRemoved(listener: (id: string) => void): void {
    this.#listeners.add(listener);
  }

  used(id: string, address: string): Promise<void> {
    const { store, clock } = this.#parts;
    return store.usedKey(id, clock(), address);
  }

  /** Whether a key that let somebody in would do so still. */
  async isLive(id: string): Promise<boolean> {
    const key = await this.#parts.store.key(id);
    return key !== undefined && 'principal' in (await this.standing(key));
  }

  /**
   * Who the key's owner is now. Of somebody whom only an identity provider knows nobody here is told that they have left:
   * their key is good for as long as they are signed in.
   */
  async standing({ principal }: StoredKey): Promise<Standing | Denial> {
    const { current, isKnownHere, tokens } = this.#parts;
    if (await isKnownHere(principal)) return asStanding(await current(principal), undefined);
    const living = (await tokens.livingOf(principal.id)).filter(({ connection }) => connection === undefined);
    const latest = living.toSorted((a, b) => b.issuedAt - a.issuedAt)[0];
    if (latest === undefined) {
      return refusal('your key is registered, but your sign-in has ended', 'Sign in again with "sallyport login".');
    }
    return asStanding(await current(latest.principal), Math.max(...living.map(({ expiresAt }) => expiresAt)));
  }
}

const asStanding = (found: Principal | Denial, until: number | undefined): Standing | Denial =>
  'message' in found ? found : { principal: found, until };
