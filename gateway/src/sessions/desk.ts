import type { Action } from '@sallyport/shared/access/action.ts';
import type { Approvers, Denial, Verdict } from '@sallyport/shared/access/verdict.ts';
import type { ApprovalDesk } from '../approvals/approval-desk.ts';
import type { Json } from '../audit/event.ts';
import { newEvent } from '../audit/events.ts';
import type { Journal } from '../audit/journal.ts';
import type { Decider } from '../policy/decider.ts';
import type { Matter } from '../protocols/protocol.ts';
import type { RecordingWriter } from '../recording/writer.ts';
import type { CurrentAccess } from './access.ts';
import type { Admission } from './admission.ts';
import type { Desk, Tell } from './relay.ts';

/** Where a session's statements are judged and written down. */
export interface DeskParts {
  readonly admission: Admission;
  readonly startedAt: number;
  readonly sourceAddress: string;
  readonly access: CurrentAccess;
  readonly journal: Pick<Journal, 'append'>;
  readonly recording: Pick<RecordingWriter, 'entry'>;
  readonly approvals: Pick<ApprovalDesk, 'request'>;
  /** Where the approval's page is, for the person who waits. */
  readonly approvalUrl: (id: string) => string;
}

/** One session's desk: the rules in force, the journal before the effect, the recording before the client. */
export class SessionDesk implements Desk {
  readonly #parts: DeskParts;
  #decider: Decider;
  #revision: number;
  statements = 0;
  refusals = 0;

  constructor(parts: DeskParts) {
    this.#parts = parts;
    this.#revision = parts.access.now.revision;
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

  perform({ action, exposure }: Matter, rule: string): void {
    this.statements += 1;
    const masks = exposure === undefined || exposure.masks.length === 0 ? undefined : exposure.masks;
    this.#journal(action.kind, { ...told(action), rule, ...(masks === undefined ? {} : { masks }) });
    const { kind, verb, text, parameters } = action;
    this.#parts.recording.entry(
      'request',
      JSON.stringify({ kind, verb, text, parameters: parameters?.map(nullable), rule, masks }),
    );
  }

  refused(action: Action, denial: Denial): void {
    this.refusals += 1;
    const { rule = null, reason, message } = denial;
    this.#journal('policy.decision', { ...told(action), verdict: 'deny', rule, reason, message });
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
        requester: { id: principal.id, name: principal.name },
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
    recording.entry(
      'note',
      JSON.stringify({ type: 'approval', id: request.id, state, rule, message: denial?.message }),
    );
    return denial;
  }

  record(reply: Buffer): void {
    this.#parts.recording.entry('reply', reply);
  }

  #journal(type: string, data: { [key: string]: Json }): void {
    const { principal, connection, sessionId } = this.#parts.admission;
    const { id, name } = principal;
    this.#parts.journal.append(
      newEvent(type, { connection: connection.name, sessionId, principal: { id, name }, data }),
    );
  }

  #newDecider(): Decider {
    const { admission, startedAt, sourceAddress, access } = this.#parts;
    const { principal, connection, sessionId } = admission;
    return access.now.policy.decider(principal, connection, { id: sessionId, sourceAddress, startedAt });
  }
}

const nullable = (parameter: string | undefined): string | null => parameter ?? null;

/** What the audit stream is told of an action. */
export function told(action: Action): { [key: string]: Json } {
  const { text, verb, effects, tables, parameters, estimatedRows } = action;
  return {
    ...(text === undefined ? {} : { text }),
    ...(parameters === undefined ? {} : { parameters: parameters.map(nullable) }),
    verb,
    effects,
    tables: (tables ?? []).map(({ schema, name }) => (schema === undefined ? name : `${schema}.${name}`)),
    ...(estimatedRows === undefined ? {} : { estimatedRows }),
  };
}

/** `2 of dba, alice`. */
function whoDecides({ groups, users, count }: Approvers): string {
  return `${count === 1 ? 'one' : String(count)} of ${[...groups, ...users].join(', ')}`;
}
