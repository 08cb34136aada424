import type { MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import type { ConnectionSchema, ConnectionService } from '@sallyport/proto/api/v1/connections_pb';
import { callerOf } from '../caller.ts';
import type { ConnectionsPort, ReachableConnection } from '../ports.ts';
import { notFound } from '../problems.ts';
import { required } from './fields.ts';

export function connectionService(port: ConnectionsPort): ServiceImpl<typeof ConnectionService> {
  return {
    async listConnections(_, context) {
      return { connections: (await port.list(callerOf(context).principal)).map(shown) };
    },
    async getConnection(request, context) {
      const name = required('the name', request.name);
      const found = await port.get(name, callerOf(context).principal);
      if (found === undefined) throw notFound('connection for you named', name);
      return { connection: shown(found) };
    },
  };
}

function shown({ access, ...found }: ReachableConnection): MessageInitShape<typeof ConnectionSchema> {
  const plain = { ...found, labels: { ...found.labels } };
  if (access === undefined) return plain;
  const { maxMs, defaultMs, needsReason, mayBreakGlass, grantedUntil, requestId = '' } = access;
  return {
    ...plain,
    access: {
      max: durationFromMs(maxMs),
      usual: durationFromMs(defaultMs),
      needsReason,
      mayBreakGlass,
      requestId,
      ...(grantedUntil === undefined ? {} : { grantedUntil: timestampFromMs(grantedUntil) }),
    },
  };
}
