import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import { SecretConcern as Concern, type ServiceAccountService } from '@sallyport/proto/api/v1/service_accounts_pb';
import { callerOf } from '../caller.ts';
import type { ListedSecret, ServiceAccountsPort } from '../ports/service-accounts.ts';
import { granted, invalid, notFound } from '../problems.ts';
import { optional, required } from './fields.ts';
import { durationMs } from './times.ts';

export function serviceAccountService(port: ServiceAccountsPort): ServiceImpl<typeof ServiceAccountService> {
  return {
    async createServiceSecret(request, context) {
      const service = required('the service account', request.serviceAccount);
      const order = { service, ttlMs: durationMs(request.ttl), label: optional('the label', request.label) };
      const made = await port.createSecret({ ...order, by: callerOf(context).principal }).catch((error: unknown) => {
        throw error instanceof RangeError ? invalid(error.message) : error;
      });
      if (made === undefined) throw notFound('service account', service);
      const { secret, id, expiresAt } = granted(made);
      return { secret, id, expiresAt: timestampFromMs(expiresAt) };
    },
    async listServiceSecrets({ serviceAccount }) {
      return { secrets: (await port.secrets(optional('the service account', serviceAccount))).map(listed) };
    },
    async revokeServiceSecret(request, context) {
      const id = required('the id', request.id);
      if (!(await port.revokeSecret(id, callerOf(context).principal))) throw notFound('living secret', id);
      return {};
    },
  };
}

const concerns = { expiring: Concern.EXPIRING, expired: Concern.EXPIRED, unused: Concern.UNUSED } as const;

function listed({
  id,
  service,
  label = '',
  issuedAt,
  expiresAt,
  revokedAt,
  usedAt,
  usedFrom = '',
  concern,
}: ListedSecret) {
  return {
    id,
    serviceAccount: service,
    label,
    issuedAt: timestampFromMs(issuedAt),
    expiresAt: timestampFromMs(expiresAt),
    usedFrom,
    concern: concern === undefined ? Concern.UNSPECIFIED : concerns[concern],
    ...(revokedAt === undefined ? {} : { revokedAt: timestampFromMs(revokedAt) }),
    ...(usedAt === undefined ? {} : { usedAt: timestampFromMs(usedAt) }),
  };
}
