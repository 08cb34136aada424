import type { SecretConcern, ServiceSecret, ServiceSecretStore } from '../service-secrets.ts';

/** Secrets of service accounts, for as long as a test runs. */
export class MemorySecretStore implements ServiceSecretStore {
  readonly kept = new Map<string, ServiceSecret>();

  async add(secret: ServiceSecret): Promise<void> {
    this.kept.set(secret.id, secret);
  }

  async byHash(hash: string): Promise<ServiceSecret | undefined> {
    return [...this.kept.values()].find((one) => one.hash === hash);
  }

  async byId(id: string): Promise<ServiceSecret | undefined> {
    return this.kept.get(id);
  }

  async list(service?: string): Promise<readonly ServiceSecret[]> {
    return [...this.kept.values()].reverse().filter((one) => service === undefined || one.service === service);
  }

  async revoke(id: string, at: number): Promise<boolean> {
    const found = this.kept.get(id);
    if (found === undefined || found.revokedAt !== undefined) return false;
    this.kept.set(id, { ...found, revokedAt: at });
    return true;
  }

  async noteUse(id: string, at: number, from: string): Promise<void> {
    this.#change(id, { usedAt: at, usedFrom: from, warned: undefined });
  }

  async noteWarning(id: string, of: SecretConcern): Promise<void> {
    this.#change(id, { warned: of });
  }

  async sweep(before: number): Promise<void> {
    for (const { id, expiresAt, revokedAt = expiresAt } of this.kept.values()) {
      if (Math.min(expiresAt, revokedAt) < before) this.kept.delete(id);
    }
  }

  #change(id: string, values: Partial<ServiceSecret>): void {
    const found = this.kept.get(id);
    if (found !== undefined) this.kept.set(id, { ...found, ...values });
  }
}
