import type { Action } from '@sallyport/shared/access/action.ts';
import { partyOf } from '@sallyport/shared/access/principal.ts';
import type { Approvers, Denial, Verdict } from '@sallyport/shared/access/verdict.ts';
import type { ApprovalDesk } from '../approvals/approval-desk.ts';
import type { Json } from '../audit/event.ts';
import { eventWriter, newEvent } from '../audit/events.ts';
import type { Journal } from '../audit/journal.ts';
import type { Decider } from '../policy/decider.ts';
import type { Matter, Scribe } from '../protocols/protocol.ts';
import { terminalRecorder } from '../recording/terminal-recorder.ts';
import type { RecordingWriter } from '../recording/writer.ts';
import type { CurrentAccess } from './access.ts';
import type { Activity } from './activity.ts';
import type { Admission } from './admission.ts';
import type { Desk, Tell } from './relay.ts';
import type { Stages } from './stages.ts';

/** Where a session's statements are judged and written down. */
export interface DeskParts {
  readonly admission: Admission;
  readonly startedAt: number;
  readonly sourceAddress: string;
  readonly access: CurrentAccess;
  readonly journal: Pick<Journal, 'append' | 'appendJson'>;
  readonly recording: Pick<RecordingWriter, 'entry' | 'entrySoon'>;
  readonly approvals: Pick<ApprovalDesk, 'request'>;
  /** Where the approval's page is, for the person who waits. */
  readonly approvalUrl: (id: string) => string;
  readonly activity: Pick<Activity, 'count'>;
  readonly stages: Pick<Stages, 'since'>;
}

/** One session's desk: the rules in force, the journal before the effect, the recording before the client. */
export class SessionDesk implements Desk {
  #parts: DeskParts;
  #decider: Decider;
  #revision: number;
  readonly #writers = new Map<string, (data: string) => string>();
  /** Approved and not yet performed. */
  #approved = 0;
  #scribes = 0;
  readonly stages: Pick<Stages, 'since'>;
  statements = 0;
  refusals = 0;

  constructor(parts: DeskParts) {
    this.#parts = parts;
    this.stages = parts.stages;
    this.#revision = parts.access.now.revision;
    this.#decider = this.#newDecider();
  }

  /** Judges by the groups that the person has now. */
  regroup(admission: Admission): void {
    this.#parts = { ...this.#parts, admission };
    this.#decider = this.#newDecider();
  }

  decide(matter: Matter): Verdict {
    const reveals = matter.exposure?.reveals;
    if (reveals !== undefined) {
      return { outcome: 'deny', rule: reveals.mask, reason: reveals.message, hint: reveals.hint };
    }
    if (this.#parts.access.now.revision !== this.#revision) {
      this.#revision = this.#parts.access.now.revision;
      this.#decider = this.#newDecider();
    }
    return this.#decider.decide(matter.action, matter.basis);
  }

  perform({ action, basis, exposure }: Matter, rule: string): void {
    this.statements += 1;
    this.#parts.activity.count(this.#approved > 0 ? 'approved' : 'allowed');
    if (this.#approved > 0) this.#approved -= 1;
    const masks = exposure === undefined || exposure.masks.length === 0 ? undefined : exposure.masks;
    const written = masks === undefined ? writtenOf(action, basis, rule) : undefined;
    const parameters = written === undefined ? undefined : parametersOf(action);
    if (written === undefined || parameters === undefined) {
      this.#journal(action.kind, { ...told(action), rule, ...(masks === undefined ? {} : { masks }) });
    } else this.#parts.journal.appendJson(this.#writer(action.kind)(`{${parameters}${written.journal}}`));
    const { kind, verb, text } = action;
    const request =
      written === undefined || parameters === undefined
        ? JSON.stringify({ kind, verb, text, parameters: action.parameters?.map(nullable), rule, masks })
        : `{"kind":"${kind}",${parameters}${written.recording}}`;
    this.#parts.recording.entrySoon('request', request);
  }

  refused(action: Action, denial: Denial): void {
    this.refusals += 1;
    this.#parts.activity.count('denied');
    const { rule = null, reason, message } = denial;
    this.#journal('policy.decision', { kind: action.kind, ...told(action), verdict: 'deny', rule, reason, message });
    this.#parts.recording.entry('note', JSON.stringify({ type: 'refused', text: action.text, rule, reason, message }));
  }

  async approve(
    action: Action,
    rule: string,
    approvers: Approvers,
    tell: Tell,
    signal: AbortSignal,
  ): Promise<Denial | undefined> {
    const { admission, approvals, recording, approvalUrl } = this.#parts;
    const { principal, connection, sessionId } = admission;
    const request = await approvals.request(
      {
        rule,
        approvers,
        sessionId,
        connection: connection.name,
        requester: partyOf(principal),
        role: connection.credential.username,
        action,
      },
      signal,
    );
    recording.entry(
      'note',
      JSON.stringify({ type: 'approval', id: request.id, state: 'pending', rule, text: action.text }),
    );
    tell(
      `approval ${request.id} is needed (rule "${rule}"): waiting for ${whoDecides(approvers)}`,
      `${approvalUrl(request.id)} or: sallyport approvals approve ${request.id}. Ctrl-C takes the request back.`,
    );
    const denial = await request.outcome;
    const state = denial === undefined ? 'approved' : denial.reason;
    if (denial === undefined) this.#approved += 1;
    recording.entry(
      'note',
      JSON.stringify({ type: 'approval', id: request.id, state, rule, message: denial?.message }),
    );
    return denial;
  }

  scribe(): Scribe {
    const { recording } = this.#parts;
    this.#scribes += 1;
    return {
      terminal: terminalRecorder(recording, { channel: this.#scribes - 1 }),
      note: (type, facts) => recording.entry('note', JSON.stringify({ ...facts, type })),
    };
  }

  record(reply: Buffer): void {
    this.#parts.recording.entry('reply', reply);
  }

  #journal(type: string, data: { [key: string]: Json }): void {
    const { principal, connection, sessionId } = this.#parts.admission;
    const origin = { connection: connection.name, sessionId, principal: partyOf(principal) };
    this.#parts.journal.append(newEvent(type, { ...origin, data }));
  }

  #writer(kind: string): (data: string) => string {
    const known = this.#writers.get(kind);
    if (known !== undefined) return known;
    const { principal, connection, sessionId } = this.#parts.admission;
    const made = eventWriter(kind, { connection: connection.name, sessionId, principal: partyOf(principal) });
    this.#writers.set(kind, made);
    return made;
  }

  #newDecider(): Decider {
    const { admission, startedAt, sourceAddress, access } = this.#parts;
    const { principal, connection, sessionId } = admission;
    return access.now.policy.decider(principal, connection, { id: sessionId, sourceAddress, startedAt });
  }
}

/** Longer statements are written anew each time, within the bounds of an event. UTF-16 units. */
const MAX_KEPT_TEXT = 8 * 1024;
const MAX_KEPT_PARAMETERS = 8 * 1024;

/** The end of a statement's JSON objects: all but its kind and parameters. */
interface Written {
  readonly rule: string;
  readonly journal: string;
  readonly recording: string;
}

/** By the statement, for as long as its analysis is cached. */
const kept = new WeakMap<object, Written>();

function writtenOf(action: Action, basis: object, rule: string): Written | undefined {
  const known = kept.get(basis);
  // An estimate may differ from one asking to the next.
  if (action.estimatedRows !== undefined || (action.text?.length ?? 0) > MAX_KEPT_TEXT) return undefined;
  if (known !== undefined && known.rule === rule) return known;
  const { parameters: _, ...statement } = told(action);
  const journal = JSON.stringify({ ...statement, rule }).slice(1, -1);
  const recording = JSON.stringify({ verb: action.verb, text: action.text, rule }).slice(1, -1);
  const made = { rule, journal, recording };
  if (journal.length <= 2 * MAX_KEPT_TEXT) kept.set(basis, made);
  return made;
}

/** As a member of a JSON object with the comma behind it; undefined where they are too long for that. */
function parametersOf({ parameters }: Action): string | undefined {
  if (parameters === undefined) return '';
  let length = 0;
  for (const parameter of parameters) length += 8 + (parameter?.length ?? 0);
  return length > MAX_KEPT_PARAMETERS ? undefined : `"parameters":${JSON.stringify(parameters.map(nullable))},`;
}

const nullable = (parameter: string | undefined): string | null => parameter ?? null;

/** What the audit stream is told of an action. */
export function told(action: Action): { [key: string]: Json } {
  const { text, verb, effects, tables, parameters, estimatedRows, hasWhere, hasLimit, pty, paths } = action;
  return {
    ...(text === undefined ? {} : { text }),
    ...(parameters === undefined ? {} : { parameters: parameters.map(nullable) }),
    verb,
    effects,
    tables: (tables ?? []).map(({ schema, name }) => (schema === undefined ? name : `${schema}.${name}`)),
    ...(estimatedRows === undefined ? {} : { estimatedRows }),
    ...(hasWhere === undefined ? {} : { hasWhere }),
    ...(hasLimit === undefined ? {} : { hasLimit }),
    ...(pty === undefined ? {} : { pty }),
    ...(paths === undefined ? {} : { paths }),
  };
}

/** `2 of dba, alice, and one of each of security, legal`. */
function whoDecides({ groups, users, count, eachOf = [] }: Approvers): string {
  const named = [...groups, ...users].join(', ');
  const open = named === '' ? [] : [`${count === 1 ? 'one' : String(count)} of ${named}`];
  return [...open, ...(eachOf.length === 0 ? [] : [`one of each of ${eachOf.join(', ')}`])].join(', and ');
}
