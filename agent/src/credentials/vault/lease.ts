import { type Issued, LeaseGone } from '../login.ts';
import { SecretMissing } from '../source.ts';
import type { VaultAnswer } from './client.ts';
import type { VaultSession } from './session.ts';

/** What an answer says of the lease that came with it; undefined where the login lasts by itself (static roles). */
export function issuedLease(session: VaultSession, body: VaultAnswer['body']): Issued | undefined {
  const { lease_id: id, lease_duration: seconds, renewable } = body;
  if (typeof id !== 'string' || id === '') return undefined;
  return {
    id,
    source: 'vault',
    expiresAt: endOf(seconds),
    isRenewable: renewable === true,
    renew: async () => endOf(await renewLease(session, id)),
    revoke: () => revokeLease(session, id),
  };
}

/** @see https://developer.hashicorp.com/vault/api-docs/system/leases */
async function renewLease(session: VaultSession, id: string): Promise<unknown> {
  const answer = await session.call({ method: 'PUT', path: 'sys/leases/renew', body: { lease_id: id } });
  if (answer.status === 200) return answer.body['lease_duration'];
  if (answer.status === 403) {
    throw new LeaseGone('the agent’s policies do not allow it; they need update on sys/leases/renew');
  }
  if (isUnknown(answer)) throw new LeaseGone('Vault knows the lease no more: it has ended or was revoked there');
  if (answer.status === 400) throw new LeaseGone('Vault refuses to renew it');
  throw new SecretMissing(`Vault answered with status ${answer.status}`);
}

/** A lease that Vault knows no more counts as revoked. */
export async function revokeLease(session: VaultSession, id: string): Promise<void> {
  const answer = await session.call({ method: 'PUT', path: 'sys/leases/revoke', body: { lease_id: id } });
  if (answer.status === 200 || answer.status === 204 || isUnknown(answer)) return;
  throw new SecretMissing(
    answer.status === 403
      ? 'the agent’s policies do not allow it; they need update on sys/leases/revoke'
      : `Vault answered with status ${answer.status}`,
  );
}

const isUnknown = ({ status, errors }: VaultAnswer): boolean =>
  status === 404 || (status === 400 && /(lease not found|invalid lease)/i.test(errors));

const endOf = (seconds: unknown): number => Date.now() + (typeof seconds === 'number' ? seconds : 0) * 1000;
