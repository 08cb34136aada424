import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import type { AgentService } from '@sallyport/proto/api/v1/agents_pb';
import { callerOf } from '../caller.ts';
import type { AgentStatus, AgentsPort } from '../ports.ts';
import { invalid, notFound } from '../problems.ts';
import { required } from './fields.ts';
import { durationMs } from './times.ts';

const shape = /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/;

export function agentService(port: AgentsPort): ServiceImpl<typeof AgentService> {
  return {
    async listAgents() {
      return { agents: (await port.list()).map(listed) };
    },
    async createJoinToken(request, context) {
      const name = required('the name', request.name);
      if (!shape.test(name)) throw invalid('an agent name has 1 to 63 small letters, digits, dots and dashes in it');
      const made = await port.createJoinToken(name, durationMs(request.ttl), callerOf(context).principal);
      return { token: made.token, expiresAt: timestampFromMs(made.expiresAt), command: made.command ?? '' };
    },
    async removeAgent(request, context) {
      const name = required('the name', request.name);
      if (!(await port.remove(name, callerOf(context).principal))) throw notFound('agent', name);
      return {};
    },
  };
}

function listed({ name, online, labels, version = '', since, address = '', exchanges }: AgentStatus) {
  const when = since === undefined ? {} : { since: timestampFromMs(since) };
  return { name, online, labels: { ...labels }, version, address, exchanges, ...when };
}
