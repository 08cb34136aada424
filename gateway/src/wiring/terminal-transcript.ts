import type { TranscriptEvent } from '../api/ports.ts';
import { noteOf, statementOf } from '../protocols/postgres/transcript/annotations.ts';
import type { TranscriptEvent as Told } from '../protocols/postgres/transcript/transcript.ts';
import type { Entry } from '../recording/format.ts';
import { type TerminalEvent, terminalEvent } from '../recording/terminal.ts';

type Event = NonNullable<TranscriptEvent['event']>;

/** A terminal session's recording in the API's words; `eventOf` says those that every protocol's recording has. */
export async function* terminalTranscript(
  entries: AsyncIterable<Entry>,
  eventOf: (told: Told) => Event | undefined,
): AsyncGenerator<TranscriptEvent & { readonly atUs: bigint }, void, undefined> {
  let asked = 0;
  for await (const { kind, timeUs, payload } of entries) {
    const atUs = BigInt(timeUs);
    const found = terminalEvent(kind, payload);
    if (found !== undefined) {
      yield { atUs, event: shown(found.event, found.channel) };
      continue;
    }
    const told = kind === 'request' ? statementOf(payload, ++asked).shown : noteOf(payload);
    const event = told === undefined ? undefined : eventOf({ ...told, atUs: timeUs });
    if (event !== undefined) yield { atUs, event };
  }
}

function shown(event: TerminalEvent, channel: number): Event {
  switch (event.type) {
    case 'output':
    case 'error':
      return {
        case: 'output',
        value: { data: Uint8Array.from(event.bytes), error: event.type === 'error', channel },
      };
    case 'input':
      return { case: 'input', value: { text: event.text, channel } };
    case 'resize':
      return { case: 'resize', value: { columns: event.columns, rows: event.rows, channel } };
    case 'exit': {
      const { code, signal = '' } = event;
      return { case: 'exit', value: { ...(code === undefined ? {} : { code }), signal, channel } };
    }
    case 'transfer': {
      const { name, direction, bytes, sha256, copy = '' } = event;
      return { case: 'transfer', value: { name, inward: direction === 'in', bytes: BigInt(bytes), sha256, copy } };
    }
    case 'unreadable':
      return { case: 'gap', value: { reason: event.reason } };
  }
}
