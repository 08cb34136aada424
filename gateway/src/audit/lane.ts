import type { JournalRecord } from './chain.ts';
import type { Message } from './cloud-event.ts';
import type { Cursor } from './cursor.ts';
import type { Journal } from './journal.ts';
import type { Head } from './segment.ts';

export type StreamName = 'SALLYPORT_AUDIT' | 'SALLYPORT_APPROVALS';

/** Records of ours beyond a gap that are remembered; more than one flight can leave behind. */
const MAX_STRAYS = 10_000;

/** What one attempt knows of one stream: what it has already, and what the next message follows. */
export class Lane {
  readonly stream: StreamName;
  readonly subjects: string;
  readonly subjectOf: (message: Message) => string | undefined;
  readonly #gapless: boolean;
  readonly #cursor: Cursor;
  #base = 0;
  /** The last of ours in the stream with none missing before it. */
  #run: Head | undefined;
  #strays = new Map<number, string>();
  #lastStray = 0;
  #shared = false;
  #lastId: string | undefined;

  /** `gapless`: every record goes to this stream. */
  constructor(stream: StreamName, subjects: string, gapless: boolean, cursor: Cursor, subjectOf: Lane['subjectOf']) {
    this.stream = stream;
    this.subjects = subjects;
    this.subjectOf = subjectOf;
    this.#gapless = gapless;
    this.#cursor = cursor;
  }

  /** Whatever of ours lies behind the cursor, lies behind this message of the stream. */
  get base(): number {
    return this.#base;
  }

  /** A stream that is shorter than the cursor remembers was made anew. */
  begin(lastSequence: number): void {
    const noted = this.#cursor.streams[this.stream] ?? 0;
    this.#base = noted <= lastSequence ? noted : 0;
  }

  /** Called for each message behind `base`, in the stream's order. */
  saw(ours: boolean, sequence: number, hash: string, id: string): void {
    if (!ours) {
      this.#shared = true;
      return;
    }
    if (sequence <= this.#cursor.sequence) return;
    if (this.#gapless) this.#extend(sequence, hash, id);
    else if (this.#strays.size < MAX_STRAYS) this.#strays.set(sequence, id);
    this.#lastStray = Math.max(this.#lastStray, sequence);
  }

  /** The run counts only if this journal has the same record there: it may have been restored from a backup. */
  async confirm(journal: Pick<Journal, 'head' | 'read'>): Promise<void> {
    const run = this.#run;
    this.#run = undefined;
    if (run === undefined || run.sequence > journal.head.sequence) return;
    for await (const { hash } of journal.read({ after: run.sequence - 1 })) {
      if (hash === run.hash) this.#run = run;
      return;
    }
  }

  /** The stream has this record. */
  has({ sequence, event }: JournalRecord): boolean {
    return sequence <= (this.#run?.sequence ?? 0) || this.#strays.get(sequence) === event.id;
  }

  /**
   * The id that the stream must end with for this message to be taken, so that none is stored behind a lost one.
   * Undefined for the first, and where other gateways write to the stream too.
   */
  follow(id: string): string | undefined {
    const before = this.#lastId;
    this.#lastId = id;
    return this.#shared ? undefined : before;
  }

  /** What the cursor may note once `record` and all before it are acknowledged. */
  behind({ sequence }: JournalRecord, place: number | undefined): number {
    if (sequence >= this.#lastStray && place !== undefined) this.#base = Math.max(this.#base, place);
    return this.#base;
  }

  #extend(sequence: number, hash: string, id: string): void {
    // With no cursor the first that is found continues what the stream's own limits have removed.
    const last = this.#run?.sequence ?? (this.#cursor.sequence > 0 ? this.#cursor.sequence : sequence - 1);
    if (sequence === last + 1) this.#run = { sequence, hash };
    else if (sequence > last && this.#strays.size < MAX_STRAYS) this.#strays.set(sequence, id);
  }
}

export function lanesOf(cursor: Cursor): readonly Lane[] {
  return [
    new Lane('SALLYPORT_AUDIT', 'sallyport.audit.>', true, cursor, ({ subject }) => subject),
    new Lane('SALLYPORT_APPROVALS', 'sallyport.approvals.*', false, cursor, ({ approvalSubject }) => approvalSubject),
  ];
}
