import { createReadStream } from 'node:fs';
import { ApprovalState } from '@sallyport/proto/api/v1/approvals_pb';
import type { Party, Principal } from '@sallyport/shared/access/principal.ts';
import type { SessionsPort, TranscriptEvent } from '../api/ports.ts';
import type { Json } from '../audit/event.ts';
import { postgresTranscript, type TranscriptEvent as Told } from '../protocols/postgres/transcript/transcript.ts';
import { typeName } from '../protocols/postgres/transcript/type-names.ts';
import { asciicast } from '../recording/asciicast.ts';
import type { Recordings } from '../recording/recordings.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { SessionStore } from '../sessions/store.ts';
import { terminalTranscript } from './terminal-transcript.ts';

export interface SessionsPortParts {
  readonly living: Sessions;
  readonly store: SessionStore;
  readonly recordings: Recordings;
  readonly journal: (type: string, by: Party, data: { [key: string]: Json }) => Promise<void>;
}

/** Events that travel together. */
const BATCH = 100;

/** The API's view of sessions: the living from memory, the others from the store, what they saw from recordings. */
export function sessionsPort({ living, store, recordings, journal }: SessionsPortParts): SessionsPort {
  const view = (by: Principal, sessionId: string, how: string): Promise<void> =>
    journal('recording.viewed', by, { sessionId, how });

  return {
    async list({ connection, principal, owner, live, before, limit }) {
      const asked = (record: {
        connection: string;
        principal: { id: string; name: string };
        startedAt: number;
      }): boolean =>
        (connection === undefined || record.connection === connection) &&
        (principal === undefined || [record.principal.id, record.principal.name].includes(principal)) &&
        (owner === undefined || record.principal.id === owner) &&
        (before === undefined || record.startedAt < before);
      const now = living.list().filter(asked);
      if (live) return now.slice(0, limit);
      const filter = {
        ...(connection === undefined ? {} : { connection }),
        ...(before === undefined ? {} : { before }),
        ...(owner === undefined ? (principal === undefined ? {} : { principal }) : { principal: owner }),
        limit,
      };
      const current = new Map(now.map((record) => [record.id, record]));
      const stored = (await store.sessions(filter)).filter(asked);
      return stored.map((record) => current.get(record.id) ?? record);
    },
    async get(id) {
      return living.find(id) ?? (await store.session(id));
    },
    async replay(id, { fromUs, follow, viewer }, signal) {
      const startedAt = (await store.session(id))?.startedAt;
      const recording = follow ? await recordings.watch(id, signal, startedAt) : await recordings.open(id, startedAt);
      if (recording === undefined) return undefined;
      await view(viewer, id, follow ? 'watch' : 'replay');
      return batches(transcript(recording, fromUs, signal), follow ? 1 : BATCH);
    },
    async raw(id, viewer, signal, form = 'raw') {
      const startedAt = (await store.session(id))?.startedAt;
      if (form === 'asciicast') {
        const recording = await recordings.open(id, startedAt);
        if (recording === undefined) return undefined;
        await view(viewer, id, 'export');
        return encoded(asciicast(recording));
      }
      const path = await recordings.find(id, startedAt);
      if (path === undefined) return undefined;
      await view(viewer, id, 'export');
      return createReadStream(path, { signal });
    },
    async kill(id, by, reason) {
      if (living.find(id) === undefined) return false;
      await journal('admin.session-killed', by, { sessionId: id, reason });
      return living.end(id, `${by.name} ended the session${reason === '' ? '' : `: ${reason}`}`);
    },
  };
}

type Readable = Awaited<ReturnType<Recordings['open']>> & {};

async function* transcript(recording: Readable, fromUs: number, signal: AbortSignal): AsyncGenerator<TranscriptEvent> {
  let lastUs = 0;
  if (recording.header.protocol !== 'postgres') {
    for await (const told of terminalTranscript(recording, eventOf)) {
      if (signal.aborted) return;
      lastUs = Number(told.atUs);
      if (lastUs >= fromUs) yield told;
    }
  } else
    for await (const told of postgresTranscript(recording)) {
      if (signal.aborted) return;
      lastUs = told.atUs;
      if (told.atUs < fromUs) continue;
      const event = eventOf(told);
      if (event !== undefined) yield { atUs: BigInt(told.atUs), event };
    }
  const { end, truncated } = recording.ending;
  if (end === undefined) {
    const reason = truncated
      ? 'the recording was cut off within an entry'
      : 'the recording has no end: the session lives, or its gateway was killed';
    yield { atUs: BigInt(lastUs), event: { case: 'gap', value: { reason } } };
  } else yield { atUs: BigInt(lastUs), event: { case: 'end', value: { reason: end.why } } };
}

async function* encoded(lines: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  for await (const line of lines) yield Buffer.from(line);
}

async function* batches<T>(events: AsyncIterable<T>, size: number): AsyncGenerator<readonly T[]> {
  let batch: T[] = [];
  for await (const event of events) {
    batch.push(event);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

const cell = (text: string | null) => (text === null ? {} : { text });

/** In the API's words; undefined for what nobody asked to see. */
function eventOf(told: Told): NonNullable<TranscriptEvent['event']> | undefined {
  switch (told.type) {
    case 'statement': {
      const { text = '', parameters = [], verb = '', rule = '', masks = [] } = told;
      return {
        case: 'statement',
        value: { kind: verb, text, parameters: parameters.map(cell), rule, verdict: 'allow', masks: [...masks] },
      };
    }
    case 'columns':
      return {
        case: 'columns',
        value: { columns: told.names.map((name, i) => ({ name, type: typeName(told.typeOids[i] ?? 0) })) },
      };
    case 'row':
      return { case: 'row', value: { cells: told.cells.map(cell) } };
    case 'omitted':
      return { case: 'gap', value: { reason: `${told.rows} more rows` } };
    case 'complete':
      return { case: 'complete', value: { tag: told.tag } };
    case 'error':
    case 'notice': {
      const { severity, code, message, detail = '', hint = '' } = told;
      return { case: told.type, value: { severity, code, message, detail, hint } };
    }
    case 'copy':
      return {
        case: 'copy',
        value: { inward: told.direction === 'in', bytes: BigInt(told.bytes), data: told.sample.join('\n') },
      };
    case 'refused':
      return { case: 'refused', value: { text: told.text ?? '', rule: told.rule ?? '', message: told.message } };
    case 'approval':
      return {
        case: 'approval',
        value: { id: told.id, state: states[told.state] ?? 0, rule: told.rule ?? '', message: told.message ?? '' },
      };
    case 'truncated':
      return { case: 'gap', value: { reason: 'results from here on were not kept: the recording is full' } };
    case 'unreadable':
      return { case: 'gap', value: { reason: told.message } };
    case 'notification':
      return {
        case: 'notice',
        value: { severity: 'NOTIFY', code: '', message: `${told.channel}: ${told.payload}`, detail: '', hint: '' },
      };
    case 'suspended':
    case 'setting':
      return undefined;
  }
}

const states: Readonly<Record<string, ApprovalState>> = {
  pending: ApprovalState.PENDING,
  approved: ApprovalState.APPROVED,
  rejected: ApprovalState.REJECTED,
  expired: ApprovalState.EXPIRED,
  cancelled: ApprovalState.CANCELLED,
};
