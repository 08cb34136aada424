import type { Column, Row, TranscriptEvent } from '@sallyport/proto/api/v1/transcript_pb';

export type Outcome = 'running' | 'done' | 'failed' | 'refused' | 'note';

/** One statement of a session with what came of it. */
export interface Step {
  readonly index: number;
  /** Microseconds since the session began, as all times here. */
  readonly atUs: number;
  readonly text: string;
  readonly rule: string;
  readonly masks: readonly string[];
  readonly parameters: readonly (string | undefined)[];
  readonly outcome: Outcome;
  readonly endUs: number;
  readonly results: readonly Result[];
  /** Command tags, errors, notices, approvals: in order. */
  readonly notes: readonly Note[];
}

export interface Result {
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  /** Rows that came beyond those that are kept here. */
  readonly more: number;
}

export interface Note {
  readonly tone: 'good' | 'warn' | 'bad' | 'plain';
  readonly text: string;
}

/** Kept of one result and of one session, so that a page stays a page. */
const MAX_ROWS = 500;
const MAX_STEPS = 20_000;

interface OpenStep extends Omit<Step, 'results' | 'notes' | 'outcome' | 'endUs'> {
  outcome: Outcome;
  endUs: number;
  results: { columns: readonly Column[]; rows: Row[]; more: number }[];
  notes: Note[];
}

/** Makes a session's statements of its events, in order, as they come. */
export class Transcript {
  readonly #steps: OpenStep[] = [];
  /** Answers come in the order of the statements. */
  #answering = 0;
  endUs = 0;
  isCut = false;

  get steps(): readonly Step[] {
    return this.#steps;
  }

  take({ atUs, event }: TranscriptEvent): void {
    const at = Number(atUs);
    this.endUs = Math.max(this.endUs, at);
    switch (event.case) {
      case 'statement': {
        const { text, rule, masks, parameters } = event.value;
        this.#begin(at, { text, rule, masks, parameters: parameters.map((one) => one.text) }, 'running');
        return;
      }
      case 'refused': {
        const { text, rule, message, hint } = event.value;
        const step = this.#begin(at, { text, rule, masks: [], parameters: [] }, 'refused');
        step?.notes.push({ tone: 'bad', text: hint === '' ? message : `${message}. ${hint}` });
        return;
      }
      case 'columns':
        this.#current(at)?.results.push({ columns: event.value.columns, rows: [], more: 0 });
        return;
      case 'row':
        this.#row(event.value, at);
        return;
      case 'complete':
        this.#end(at, 'done', { tone: 'good', text: event.value.tag });
        return;
      case 'error': {
        const { severity, code, message, detail } = event.value;
        this.#end(at, 'failed', {
          tone: 'bad',
          text: `${severity} ${code} ${message}${detail === '' ? '' : ` – ${detail}`}`,
        });
        return;
      }
      case 'notice':
        this.#note(at, { tone: 'plain', text: `${event.value.severity} ${event.value.message}` });
        return;
      case 'copy': {
        const { inward, bytes } = event.value;
        this.#note(at, { tone: 'plain', text: `COPY ${inward ? 'in' : 'out'}: ${bytes} bytes` });
        return;
      }
      case 'approval':
        this.#note(at, {
          tone: 'warn',
          text: `approval ${event.value.id}, rule ${event.value.rule} ${event.value.message}`,
        });
        return;
      case 'gap':
        this.#note(at, { tone: 'warn', text: `something is missing here: ${event.value.reason}` });
        return;
      case 'end':
        this.#begin(at, { text: event.value.reason, rule: '', masks: [], parameters: [] }, 'note');
        return;
      case 'transfer': {
        const { name, inward, bytes, sha256 } = event.value;
        const hash = sha256 === '' ? '' : `, SHA-256 ${sha256}`;
        this.#note(at, { tone: 'plain', text: `${inward ? 'to' : 'from'} the target: ${name}, ${bytes} bytes${hash}` });
        return;
      }
      case 'exit': {
        const { code, signal } = event.value;
        const text = signal === '' ? `ended with ${code ?? '?'}` : `ended by the signal ${signal}`;
        this.#end(at, code === 0 ? 'done' : 'failed', { tone: code === 0 ? 'good' : 'bad', text });
        return;
      }
      default:
    }
  }

  #begin(
    atUs: number,
    what: Pick<Step, 'text' | 'rule' | 'masks' | 'parameters'>,
    outcome: Outcome,
  ): OpenStep | undefined {
    if (this.#steps.length >= MAX_STEPS) {
      this.isCut = true;
      return undefined;
    }
    const step: OpenStep = { ...what, index: this.#steps.length, atUs, endUs: atUs, outcome, results: [], notes: [] };
    this.#steps.push(step);
    return step;
  }

  #current(at: number): OpenStep | undefined {
    while (this.#steps[this.#answering] !== undefined && this.#steps[this.#answering]?.outcome !== 'running') {
      this.#answering += 1;
    }
    const step = this.#steps[this.#answering] ?? this.#steps.at(-1);
    if (step !== undefined) step.endUs = Math.max(step.endUs, at);
    return step;
  }

  #row(row: Row, at: number): void {
    const result = this.#current(at)?.results.at(-1);
    if (result === undefined) return;
    if (result.rows.length < MAX_ROWS) result.rows.push(row);
    else result.more += 1;
  }

  #note(at: number, note: Note): void {
    this.#current(at)?.notes.push(note);
  }

  #end(at: number, outcome: Outcome, note: Note): void {
    const step = this.#current(at);
    if (step === undefined) return;
    step.notes.push(note);
    if (step.outcome === 'running') step.outcome = outcome;
  }
}
