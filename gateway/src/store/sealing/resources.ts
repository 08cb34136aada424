import type { PutResource, ResourceChange, ResourceStore, StoredResource } from '../resources.ts';
import { keysOf, openedSpec, type SecretFields, sealedSpec } from './fields.ts';
import type { Keyring } from './keyring.ts';

/** Resources whose secrets are sealed before they are stored, and opened when they are put in force. */
export class SealedResources {
  readonly #store: ResourceStore;
  readonly #keyring: Keyring;
  readonly #fields: SecretFields;

  constructor(store: ResourceStore, keyring: Keyring, fields: SecretFields) {
    this.#store = store;
    this.#keyring = keyring;
    this.#fields = fields;
  }

  /** All or none. */
  put(resources: readonly PutResource[]): Promise<void> {
    return this.change({ put: resources, remove: [], users: [] });
  }

  /** All or none. */
  change({ put, ...rest }: ResourceChange): Promise<void> {
    const sealed = put.map((one) => ({ ...one, spec: sealedSpec(this.#keyring, one, this.#fields) }));
    return this.#store.change({ ...rest, put: sealed });
  }

  remove(kind: string, name: string): Promise<boolean> {
    return this.#store.remove(kind, name);
  }

  /** Opened, by kind, then name. @throws Unavailable ERR_SECRETS_UNAVAILABLE */
  async list(kind?: string): Promise<readonly StoredResource[]> {
    const stored = await this.#store.list(kind);
    return stored.map((one) => ({ ...one, spec: openedSpec(this.#keyring, one, this.#fields) }));
  }

  /** As they lie there: for whoever only looks. */
  listSealed(kind?: string): Promise<readonly StoredResource[]> {
    return this.#store.list(kind);
  }

  getSealed(kind: string, name: string): Promise<StoredResource | undefined> {
    return this.#store.get(kind, name);
  }

  revision(): Promise<number> {
    return this.#store.revision();
  }

  /**
   * Seals with the current key whatever is not, one resource at a time: what was done before a crash stays done, and the
   * next start goes on. Resolves to how many it were.
   * @throws Unavailable ERR_SECRETS_UNAVAILABLE for the first that no key opens; nothing of it is changed then
   */
  async reseal(): Promise<number> {
    const stored = await this.#store.list();
    // All are opened before the first is changed: with a wrong key nothing happens at all.
    const opened = stored.map((one) => ({ ...one, spec: openedSpec(this.#keyring, one, this.#fields) }));
    let count = 0;
    for (const [at, one] of stored.entries()) {
      if (keysOf(one, this.#fields).every((id) => id === this.#keyring.currentId)) continue;
      await this.#store.respec(
        one.kind,
        one.name,
        one.spec,
        sealedSpec(this.#keyring, opened[at] ?? one, this.#fields),
      );
      count += 1;
    }
    return count;
  }
}

/** The ids of the keys that are in use in a store. */
export async function keysInUse(store: ResourceStore, fields: SecretFields): Promise<readonly string[]> {
  const ids = (await store.list()).flatMap((one) => keysOf(one, fields));
  return [...new Set(ids.filter((id) => id !== undefined))];
}
