import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import type { LeaseService } from '@sallyport/proto/api/v1/leases_pb';
import type { LeasesPort, OpenLease } from '../ports.ts';
import { optional } from './fields.ts';

export function leaseService(port: LeasesPort): ServiceImpl<typeof LeaseService> {
  return {
    listLeases(request) {
      const connection = optional('the connection', request.connection);
      const leases = port.list().filter((one) => connection === undefined || one.connection === connection);
      return { leases: leases.map(listed) };
    },
  };
}

function listed({ session, issuedAt, expiresAt, problem = '', ...lease }: OpenLease) {
  return {
    ...lease,
    sessionId: session,
    problem,
    issuedAt: timestampFromMs(issuedAt),
    ...(expiresAt === undefined ? {} : { expiresAt: timestampFromMs(expiresAt) }),
  };
}
