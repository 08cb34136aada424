import type { ServiceImpl } from '@connectrpc/connect';
import type { ConnectionService } from '@sallyport/proto/api/v1/connections_pb';
import { callerOf } from '../caller.ts';
import type { ConnectionsPort } from '../ports.ts';
import { notFound } from '../problems.ts';
import { required } from './fields.ts';

export function connectionService(port: ConnectionsPort): ServiceImpl<typeof ConnectionService> {
  return {
    async listConnections(_, context) {
      const found = await port.list(callerOf(context).principal);
      return { connections: found.map((each) => ({ ...each, labels: { ...each.labels } })) };
    },
    async getConnection(request, context) {
      const name = required('the name', request.name);
      const found = await port.get(name, callerOf(context).principal);
      if (found === undefined) throw notFound('connection for you named', name);
      return { connection: { ...found, labels: { ...found.labels } } };
    },
  };
}
