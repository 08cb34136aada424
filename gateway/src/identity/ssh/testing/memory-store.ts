import type { KeyStore, StoredKey } from '../store.ts';

/** Registered keys, for as long as a test runs. */
export class MemoryKeyStore implements KeyStore {
  readonly held = new Map<string, StoredKey>();

  async addKey(key: StoredKey): Promise<boolean> {
    if ((await this.keyByFingerprint(key.fingerprint)) !== undefined) return false;
    this.held.set(key.id, key);
    return true;
  }

  async key(id: string): Promise<StoredKey | undefined> {
    return this.held.get(id);
  }

  async keyByFingerprint(fingerprint: string): Promise<StoredKey | undefined> {
    return [...this.held.values()].find((key) => key.fingerprint === fingerprint);
  }

  async keys(principalId?: string): Promise<readonly StoredKey[]> {
    const all = [...this.held.values()].reverse();
    return principalId === undefined ? all : all.filter(({ principal }) => principal.id === principalId);
  }

  async removeKey(id: string): Promise<boolean> {
    return this.held.delete(id);
  }

  async usedKey(id: string, lastUsedAt: number, lastUsedFrom: string): Promise<void> {
    const key = this.held.get(id);
    if (key !== undefined) this.held.set(id, { ...key, lastUsedAt, lastUsedFrom });
  }
}
