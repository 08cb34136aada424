import type { IdentityStore, StoredToken, StoredUser } from '../store.ts';

/** What identity remembers, for as long as a test runs. */
export class MemoryIdentityStore implements IdentityStore {
  readonly people = new Map<string, StoredUser>();
  readonly minted = new Map<string, StoredToken>();

  async user(name: string): Promise<StoredUser | undefined> {
    return this.people.get(name);
  }

  async users(): Promise<readonly StoredUser[]> {
    return [...this.people.values()].sort((a, b) => a.name.localeCompare(b.name));
  }

  async putUser(user: StoredUser): Promise<void> {
    this.people.set(user.name, user);
  }

  async removeUser(name: string): Promise<boolean> {
    return this.people.delete(name);
  }

  async addToken(token: StoredToken): Promise<void> {
    this.minted.set(token.id, token);
  }

  async tokenByHash(hash: string): Promise<StoredToken | undefined> {
    return [...this.minted.values()].find((token) => token.hash === hash);
  }

  async token(id: string): Promise<StoredToken | undefined> {
    return this.minted.get(id);
  }

  async tokens(principalId?: string): Promise<readonly StoredToken[]> {
    const all = [...this.minted.values()].reverse();
    return principalId === undefined ? all : all.filter(({ principal }) => principal.id === principalId);
  }

  async livingTokens(principalPrefix: string, at: number): Promise<readonly StoredToken[]> {
    return [...this.minted.values()].filter(
      ({ principal, revokedAt, expiresAt }) =>
        principal.id.startsWith(principalPrefix) && revokedAt === undefined && expiresAt > at,
    );
  }

  async tokensMadeOf(id: string): Promise<readonly StoredToken[]> {
    return [...this.minted.values()].filter(({ parents = [] }) => parents.includes(id));
  }

  async revokeToken(id: string, at: number): Promise<boolean> {
    const token = this.minted.get(id);
    if (token === undefined || token.revokedAt !== undefined) return false;
    this.minted.set(id, { ...token, revokedAt: at });
    return true;
  }

  async sweepTokens(before: number): Promise<void> {
    for (const { id, expiresAt, revokedAt } of this.minted.values()) {
      if (Math.min(expiresAt, revokedAt ?? expiresAt) < before) this.minted.delete(id);
    }
  }
}
