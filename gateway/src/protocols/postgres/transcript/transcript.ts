import { WireError } from '@sallyport/shared/errors/errors.ts';
import { noteOf, statementOf } from './annotations.ts';
import { AskedStatements } from './asked.ts';
import {
  defaultLimits,
  type Occurrence,
  type RecordedEntry,
  type TranscriptEvent,
  type TranscriptLimits,
} from './events.ts';
import { ReplyReader } from './replies.ts';

export type { RecordedEntry, TranscriptEvent, TranscriptLimits } from './events.ts';

/** Replies are read in slices, so that the events of one are never many. Bytes. */
const SLICE_BYTES = 64 * 1024;

/** Refusals whose error is still to come; the oldest is forgotten beyond it. */
const MAX_REFUSALS = 100;

/** What happened in a recorded PostgreSQL session, as it is read; in bounded memory, whatever was recorded. */
export async function* postgresTranscript(
  entries: AsyncIterable<RecordedEntry>,
  limits: Partial<TranscriptLimits> = {},
): AsyncGenerator<TranscriptEvent, void, undefined> {
  const transcript = new Transcript({ ...defaultLimits, ...limits });
  for await (const { kind, timeUs, payload } of entries) {
    if (kind !== 'reply') {
      yield* transcript.annotation(kind, payload, timeUs);
      continue;
    }
    for (let at = 0; at < payload.length; at += SLICE_BYTES) {
      yield* transcript.reply(payload.subarray(at, at + SLICE_BYTES), timeUs);
    }
  }
  yield* transcript.end();
}

class Transcript {
  readonly #asked = new AskedStatements();
  readonly #replies: ReplyReader;
  readonly #refusals: string[] = [];
  #statements = 0;
  #readable = true;
  #atUs = 0;
  #events: TranscriptEvent[] = [];

  constructor(limits: TranscriptLimits) {
    const isRefusal = (message: string) => this.#takeRefusal(message);
    this.#replies = new ReplyReader(limits, this.#asked, isRefusal, (occurrence) => this.#tellResult(occurrence));
  }

  annotation(kind: 'request' | 'note', payload: Buffer, atUs: number): readonly TranscriptEvent[] {
    this.#atUs = atUs;
    if (kind === 'request') {
      const { shown, asked } = statementOf(payload, ++this.#statements);
      this.#asked.add(asked);
      this.#tell(shown);
    } else {
      const note = noteOf(payload);
      if (note?.type === 'refused') this.#expectRefusal(note.message);
      if (note?.type === 'truncated') this.#replies.end();
      if (note !== undefined) this.#tell(note);
    }
    return this.#take();
  }

  reply(bytes: Buffer, atUs: number): readonly TranscriptEvent[] {
    this.#atUs = atUs;
    if (!this.#readable) return [];
    try {
      this.#replies.read(bytes);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#readable = false;
      this.#tell({ type: 'unreadable', message: error.message });
    }
    return this.#take();
  }

  end(): readonly TranscriptEvent[] {
    this.#replies.end();
    return this.#take();
  }

  #take(): readonly TranscriptEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  #tell(occurrence: Occurrence): void {
    this.#events.push({ atUs: this.#atUs, ...occurrence });
  }

  /** Of the replies: belongs to a statement where it is known to which. */
  #tellResult(occurrence: Occurrence): void {
    const current = this.#asked.current;
    const isAside = occurrence.type === 'setting' || occurrence.type === 'notification';
    if (current === undefined || isAside) this.#tell(occurrence);
    else this.#events.push({ atUs: this.#atUs, of: current.number, ...occurrence });
  }

  #expectRefusal(message: string): void {
    this.#refusals.push(message);
    if (this.#refusals.length > MAX_REFUSALS) this.#refusals.shift();
  }

  /** The client is told a refusal's message, followed by its rule. */
  #takeRefusal(message: string): boolean {
    const found = this.#refusals.findIndex((expected) => expected !== '' && message.startsWith(expected));
    if (found >= 0) this.#refusals.splice(0, found + 1);
    return found >= 0;
  }
}
