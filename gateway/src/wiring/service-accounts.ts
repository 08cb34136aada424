import type { Party } from '@sallyport/shared/access/principal.ts';
import type { ServiceAccountsPort } from '../api/ports/service-accounts.ts';
import type { Json } from '../audit/event.ts';
import type { Identity } from '../identity/identity.ts';
import { servicePrincipal } from '../identity/principals.ts';

export interface ServiceAccountsParts {
  readonly identity: Identity;
  readonly exists: (service: string) => boolean;
  readonly journal: (type: string, by: Party, data: { [key: string]: Json }) => Promise<void>;
}

/** The API's view of service accounts' secrets. */
export function serviceAccountsPort({ identity, exists, journal }: ServiceAccountsParts): ServiceAccountsPort {
  const { secrets } = identity;
  return {
    async createSecret({ by, service, ttlMs, label }) {
      if (!exists(service)) return undefined;
      const facts = { serviceAccount: service, ttlMs: ttlMs ?? null, label: label ?? null };
      await journal('admin.service-secret-created', by, facts);
      return secrets.create({ service, ttlMs, label });
    },
    secrets: async (service) => (await secrets.list(service)).map((one) => ({ ...one, concern: secrets.concern(one) })),
    async revokeSecret(id, by) {
      const found = await secrets.living(id);
      if (found === undefined) return false;
      await journal('admin.service-secret-revoked', by, { secret: id, serviceAccount: found.service });
      return secrets.revoke(id);
    },
  };
}

/** Tells once of each secret that will end, has ended, or is used by nobody. */
export async function warnOfSecrets({ identity, journal }: Omit<ServiceAccountsParts, 'exists'>): Promise<void> {
  await identity.secrets.sweep(async ({ id, service, expiresAt, usedAt = null }, concern) => {
    const { name, id: owner } = servicePrincipal(service, []);
    await journal(`service-secret.${concern}`, { id: owner, name }, { secret: id, expiresAt, usedAt });
  });
}

/** What was made and opened with a secret ends with it; what belongs to an account that is gone is nobody's. */
export function endWithSecrets(identity: Identity, endSessions: (secretId: string) => void): void {
  identity.secrets.onRevoked(async (id) => {
    endSessions(id);
    await identity.tokens.revokeMadeOf(id);
  });
}

export async function forgetService(identity: Identity, service: string): Promise<void> {
  await identity.secrets.revokeAllOf(service);
  await identity.tokens.revokeAllOf(servicePrincipal(service, []).id);
}
