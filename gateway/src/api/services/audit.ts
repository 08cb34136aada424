import type { JsonObject } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import type { AuditService, TailEventsRequest } from '@sallyport/proto/api/v1/audit_pb';
import type { AuditPort, JournalEntry, TailFilter } from '../ports.ts';
import { invalid } from '../problems.ts';
import type { Streams } from '../streams.ts';
import { optional } from './fields.ts';
import { shownParty } from './parties.ts';

const MAX_LAST = 10_000;
const MAX_TYPES = 50;

export function auditService(port: AuditPort, streams: Streams): ServiceImpl<typeof AuditService> {
  return {
    async *tailEvents(request, context) {
      const filter = filterOf(request);
      for await (const entries of streams.serve(context, (signal) => port.tail(filter, signal))) {
        yield { events: entries.map(shown) };
      }
    },
    async verifyJournal(_, { signal }) {
      const { intact, events, head, problem = '', brokenAt = 0 } = await port.verify(signal);
      return { intact, events: BigInt(events), head, problem, brokenAt: BigInt(brokenAt) };
    },
  };
}

function filterOf({ from, follow, types, ...rest }: TailEventsRequest): TailFilter {
  const connection = optional('the connection', rest.connection);
  const sessionId = optional('the session', rest.sessionId);
  if (types.length > MAX_TYPES) throw invalid(`more than ${MAX_TYPES} types`);
  if (from.case === 'last' && from.value > MAX_LAST) throw invalid(`the last ${MAX_LAST} at most`);
  return {
    follow,
    types: types.map((type) => (type.endsWith('.*') ? type.slice(0, -1) : type)),
    ...(from.case === 'after' ? { after: Number(from.value) } : {}),
    ...(from.case === 'last' ? { last: from.value } : {}),
    ...(connection === undefined ? {} : { connection }),
    ...(sessionId === undefined ? {} : { sessionId }),
  };
}

function shown({ sequence, hash, event }: JournalEntry) {
  const { id, time, type, connection = '', sessionId = '', principal, data } = event;
  return {
    sequence: BigInt(sequence),
    hash,
    id,
    time: timestampFromMs(Date.parse(time)),
    type,
    connection,
    sessionId,
    ...(principal === undefined ? {} : { principal: shownParty(principal) }),
    data: data as JsonObject,
  };
}
