import { create, toJsonString } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import { ExportFormat, type SessionService } from '@sallyport/proto/api/v1/sessions_pb';
import { TranscriptEventSchema } from '@sallyport/proto/api/v1/transcript_pb';
import type { SessionRecord } from '../../sessions/store.ts';
import { type Caller, callerOf, isAny } from '../caller.ts';
import type { SessionsPort, TranscriptEvent } from '../ports.ts';
import { invalid, notFound } from '../problems.ts';
import type { Streams } from '../streams.ts';
import { limitOf, optional, required } from './fields.ts';
import { shownParty } from './parties.ts';
import { milliseconds } from './times.ts';

export function sessionService(port: SessionsPort, streams: Streams): ServiceImpl<typeof SessionService> {
  const visible = async (asked: string, caller: Caller): Promise<SessionRecord> => {
    const id = required('the id', asked);
    const record = await port.get(id);
    // Whose session it is is not told to others: to them it is not there.
    if (record === undefined || !(seesAll(caller) || isOwn(record, caller))) throw notFound('session', id);
    return record;
  };
  const transcript = async function* (asked: string, fromUs: number, follow: boolean, context: HandlerContext) {
    const caller = callerOf(context);
    const { id } = await visible(asked, caller);
    yield* streams.serve(context, async (signal) => {
      const events = await port.replay(id, { fromUs, follow, viewer: caller.principal }, signal);
      if (events === undefined) throw notFound('recording of session', id);
      return events;
    });
  };
  return {
    async listSessions(request, context) {
      const caller = callerOf(context);
      const limit = limitOf(request.limit);
      const connection = optional('the connection', request.connection);
      const principal = optional('the principal', request.principal);
      const before = milliseconds(request.before);
      const found = await port.list({
        live: request.live,
        limit: limit + 1,
        ...(connection === undefined ? {} : { connection }),
        ...(principal === undefined ? {} : { principal }),
        ...(before === undefined ? {} : { before }),
        ...(seesAll(caller) ? {} : { owner: caller.principal.id }),
      });
      return { sessions: found.slice(0, limit).map(listed), more: found.length > limit };
    },
    async getSession({ id }, context) {
      return { session: listed(await visible(id, callerOf(context))) };
    },
    async *replaySession({ id, fromUs }, context) {
      if (fromUs < 0n) throw invalid('a session has nothing before its beginning');
      for await (const events of transcript(id, Number(fromUs), false, context)) yield { events: [...events] };
    },
    async *watchSession({ id }, context) {
      for await (const events of transcript(id, 0, true, context)) yield { events: [...events] };
    },
    async killSession({ id, reason }, context) {
      const caller = callerOf(context);
      const record = await visible(id, caller);
      // Auditors look on; they end nothing but their own.
      if (!isAny(caller, 'admin') && !isOwn(record, caller)) throw notFound('session of yours', id);
      const told = optional('the reason', reason, 500) ?? `ended by ${caller.principal.name}`;
      if (!(await port.kill(record.id, caller.principal, told))) throw notFound('living session', id);
      return {};
    },
    async *exportSession({ id, format }, context) {
      if (format === ExportFormat.RAW) yield* raw(id, 'raw', context);
      else if (format === ExportFormat.ASCIICAST) yield* raw(id, 'asciicast', context);
      else for await (const events of transcript(id, 0, false, context)) yield { chunk: lines(events) };
    },
  };

  async function* raw(asked: string, form: 'raw' | 'asciicast', context: HandlerContext) {
    const caller = callerOf(context);
    const { id } = await visible(asked, caller);
    const source = async (signal: AbortSignal) => {
      const bytes = await port.raw(id, caller.principal, signal, form);
      if (bytes === undefined) throw notFound('recording of session', id);
      return bytes;
    };
    for await (const chunk of streams.serve(context, source)) yield { chunk: Uint8Array.from(chunk) };
  }
}

const encoder = new TextEncoder();

function lines(events: readonly TranscriptEvent[]): Uint8Array<ArrayBuffer> {
  const each = events.map((event) => toJsonString(TranscriptEventSchema, create(TranscriptEventSchema, event)));
  return encoder.encode(each.map((line) => `${line}\n`).join(''));
}

const seesAll = (caller: Caller): boolean => isAny(caller, 'admin', 'auditor');

const isOwn = ({ principal }: SessionRecord, caller: Caller): boolean => principal.id === caller.principal.id;

function listed(record: SessionRecord) {
  const { id, connection, protocol, principal, sourceAddress, application = '', agent = '' } = record;
  const { startedAt, endedAt, end = '', statements, refused } = record;
  return {
    id,
    connection,
    protocol,
    principal: shownParty(principal),
    sourceAddress,
    application,
    agent,
    startedAt: timestampFromMs(startedAt),
    ...(endedAt === undefined ? {} : { endedAt: timestampFromMs(endedAt) }),
    endReason: end,
    statements: BigInt(statements),
    refused: BigInt(refused),
  };
}
