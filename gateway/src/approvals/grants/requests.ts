import { actorsOf, type Principal } from '@sallyport/shared/access/principal.ts';
import type { AccessTerms, Approvers, Denial } from '@sallyport/shared/access/verdict.ts';
import type { ApprovalDesk, Asked } from '../approval-desk.ts';
import { forbidden } from '../approver.ts';
import type { Approval } from '../store.ts';
import { type AccessEvent, type Grant, partyOf, spoken } from './grant.ts';
import type { AccessGrants } from './grants.ts';
import { Quota } from './quota.ts';
import { isTooThin, printable } from './reason.ts';

export interface AccessRequestsParts {
  readonly desk: Pick<ApprovalDesk, 'request' | 'resume' | 'lasts'>;
  /** Where requests wait over a restart; they do not where absent. */
  readonly store?: RequestStore;
  readonly grants: Pick<AccessGrants, 'create' | 'find'>;
  readonly journal: (event: AccessEvent) => Promise<void>;
  readonly termsNow: (request: Pick<Grant, 'principal' | 'connection' | 'rule'>) => Promise<string | undefined>;
  readonly onError?: (error: unknown) => void;
  readonly clock?: () => number;
  /** Requests of one person that wait; 5 when absent. */
  readonly maxPending?: number;
  /** Requests, and uses of break-glass, of one person in an hour; 60 when absent. */
  readonly maxPerHour?: number;
}

/** Who wants to reach what, and on which terms the rules would let them. */
export interface AccessCase {
  readonly principal: Principal;
  readonly connection: string;
  /** The role on the target. */
  readonly role: string;
  readonly rule: string;
  readonly approvers: Approvers;
  readonly access: AccessTerms;
  /** Digest of the rule's terms and of where the connection leads. */
  readonly terms: string;
}

/** What a request needs to go on after a restart. */
export interface KeptRequest {
  readonly of: AccessCase;
  readonly durationMs: number;
  readonly reason: string;
}

export interface RequestStore {
  putRequest(approvalId: string, kept: KeptRequest): Promise<void>;
  removeRequest(approvalId: string): Promise<void>;
  requests(): Promise<readonly { readonly id: string; readonly kept: KeptRequest }[]>;
}

interface Pending {
  readonly of: AccessCase;
  readonly durationMs: number;
  readonly reason: string;
  readonly taken: AbortController;
  readonly asked: Promise<Asked>;
  readonly outcome: Promise<Grant | Denial>;
  /** Asked by itself, so that it waits also when nobody does. */
  lasting: boolean;
  waiting: number;
}

const MAX_REASON = 500;

/** Where people ask for access for a time. */
export class AccessRequests {
  readonly #parts: AccessRequestsParts;
  readonly #clock: () => number;
  readonly #quota: Quota;
  /** One for each person and connection. */
  readonly #pending = new Map<string, Pending>();
  #closed = false;

  constructor(parts: AccessRequestsParts) {
    this.#parts = parts;
    this.#clock = parts.clock ?? Date.now;
    this.#quota = new Quota(parts.maxPerHour ?? 60, this.#clock);
  }

  /** Asks people; asking once more for the same gives the request that waits. `durationMs` absent: the rule's default. */
  async request(
    of: AccessCase,
    asked: { durationMs?: number | undefined; reason: string },
  ): Promise<Approval | Denial> {
    const durationMs = timeOf(of, asked.durationMs);
    if (typeof durationMs !== 'number') return durationMs;
    const reason = printable(asked.reason, MAX_REASON);
    if (of.access.grant?.needsReason === true && isTooThin(reason)) return needsReason(of);
    const known = this.#pending.get(keyOf(of));
    if (known !== undefined && known.of.terms === of.terms) {
      const { id, approval } = await known.asked;
      if (known.durationMs !== durationMs || known.reason !== reason) return waitsAlready(of, id);
      await this.#last(known);
      return approval;
    }
    const pending = this.#ask(of, durationMs, reason, '');
    if ('message' in pending) return pending;
    await this.#last(pending);
    return (await pending.asked).approval;
  }

  /** Goes on with what waited when the gateway stopped. What nobody would be asked about any more is taken back. */
  async resume(): Promise<void> {
    for (const { id, kept } of (await this.#parts.store?.requests()) ?? []) {
      const taken = new AbortController();
      const given = Promise.withResolvers<Grant>();
      const { of, durationMs, reason } = kept;
      const effect = this.#effectOf(of, durationMs, reason, given.resolve);
      const asked = await this.#parts.desk.resume(id, { effect }, taken.signal);
      if (asked === undefined) await this.#parts.store?.removeRequest(id);
      else this.#follow(kept, Promise.resolve(asked), given.promise, taken).lasting = true;
    }
    await this.review();
  }

  /** What waits for this one, where anything does. */
  waiting(of: AccessCase): Promise<string> | undefined {
    const known = this.#pending.get(keyOf(of));
    return known !== undefined && known.of.terms === of.terms ? known.asked.then(({ id }) => id) : undefined;
  }

  /** Requests that last wait on: nothing of their end is told or forgotten from now on. */
  close(): void {
    this.#closed = true;
  }

  /**
   * For whoever connects: a request that waits already, or a new one for the rule's usual time. It is taken back when the
   * last who waits leaves.
   */
  async join(of: AccessCase, sessionId: string, signal: AbortSignal) {
    const known = this.#pending.get(keyOf(of));
    const usual = timeOf(of, undefined);
    if (typeof usual !== 'number') return usual;
    const fits = known !== undefined && known.of.terms === of.terms;
    // Whoever connects cannot say why.
    if (!fits && of.access.grant?.needsReason === true) return needsReason(of);
    const pending = fits ? known : this.#ask(of, usual, '', sessionId);
    if ('message' in pending) return pending;
    pending.waiting += 1;
    const leave = (): void => {
      pending.waiting -= 1;
      if (pending.waiting === 0 && !pending.lasting) pending.taken.abort();
    };
    signal.addEventListener('abort', leave, { once: true });
    if (signal.aborted) leave();
    const { approval } = await pending.asked;
    return { approval, durationMs: pending.durationMs, outcome: pending.outcome };
  }

  /** Lets somebody in by their own word: at once, for a time, with a reason, and loudly. */
  async breakGlass(
    of: AccessCase,
    asked: { durationMs?: number | undefined; reason: string },
  ): Promise<Grant | Denial> {
    const { access, principal, connection, rule, terms, approvers } = of;
    const { breakGlass } = access;
    const isPerson = !principal.id.startsWith('service:') && principal.actor === undefined;
    if (!isPerson || !(breakGlass?.groups.some((group) => principal.groups.includes(group)) ?? false)) {
      return forbidden(`you may not break the glass for ${connection}`, `Ask with: sallyport request ${connection}`);
    }
    const reason = printable(asked.reason, MAX_REASON);
    if (isTooThin(reason)) {
      return forbidden(
        'breaking the glass needs a reason: what has happened, in 10 letters or more',
        'Say it with --reason.',
      );
    }
    const maxMs = breakGlass?.maxMs ?? 0;
    const durationMs = asked.durationMs ?? maxMs;
    if (!isTime(durationMs, maxMs)) return tooLong(of, maxMs);
    const known = this.#parts.grants.find(principal.id, connection, rule, terms);
    if (known !== undefined) return hasAlready(known);
    if (!this.#quota.take(principal.id)) return tooOften();
    const order = { principal, connection, rule, terms, approvers, reason, durationMs };
    return this.#parts.grants.create({
      ...order,
      isBreakGlass: true,
      decidedBy: [partyOf(principal)],
      startsAt: this.#clock(),
    });
  }

  /** Rules, connections or people have changed: what was asked on other terms is void. */
  async review(): Promise<void> {
    for (const { of, taken } of [...this.#pending.values()]) {
      try {
        if ((await this.#parts.termsNow(of)) !== of.terms) taken.abort();
      } catch (error) {
        // The terms are asked for once more before there is a grant.
        this.#parts.onError?.(error);
      }
    }
  }

  #ask(of: AccessCase, durationMs: number, reason: string, sessionId: string): Pending | Denial {
    const { maxPending = 5 } = this.#parts;
    const own = [...this.#pending.values()].filter((one) => one.of.principal.id === of.principal.id);
    if (own.length >= maxPending) return tooMany(own.length);
    if (!this.#quota.take(of.principal.id)) return tooOften();
    const taken = new AbortController();
    const effect = Promise.withResolvers<Grant>();
    const asked = this.#told(of, durationMs, reason, sessionId, taken.signal, effect.resolve);
    return this.#follow({ of, durationMs, reason }, asked, effect.promise, taken);
  }

  #follow(kept: KeptRequest, asked: Promise<Asked>, given: Promise<Grant>, taken: AbortController): Pending {
    const { of } = kept;
    const outcome = asked.then(async (one) => (await one.outcome) ?? given);
    const pending: Pending = { ...kept, taken, asked, outcome, lasting: false, waiting: 0 };
    this.#replace(keyOf(of), pending);
    const gone = (): void => {
      if (this.#pending.get(keyOf(of)) === pending) this.#pending.delete(keyOf(of));
    };
    outcome.then((end) => this.#ended(pending, end).then(gone, gone), gone);
    return pending;
  }

  /** It waits also when nobody does, and over a restart. */
  async #last(pending: Pending): Promise<void> {
    const { of, durationMs, reason } = pending;
    const { id } = await pending.asked;
    if (!pending.lasting) await this.#parts.store?.putRequest(id, { of, durationMs, reason });
    pending.lasting = true;
    if (this.#parts.store !== undefined) this.#parts.desk.lasts(id);
  }

  /** A request on terms that are no longer in force goes when one on new terms comes. */
  #replace(key: string, pending: Pending): void {
    this.#pending.get(key)?.taken.abort();
    this.#pending.set(key, pending);
  }

  async #told(
    of: AccessCase,
    durationMs: number,
    reason: string,
    sessionId: string,
    signal: AbortSignal,
    given: (grant: Grant) => void,
  ): Promise<Asked> {
    const { principal, connection, rule, approvers, role } = of;
    const asked = await this.#parts.desk.request(
      {
        rule,
        approvers,
        sessionId,
        connection,
        requester: partyOf(principal),
        role,
        action: { kind: 'access.request', verb: 'open', effects: ['open'] },
        access: { durationMs, reason },
        effect: this.#effectOf(of, durationMs, reason, given),
      },
      signal,
    );
    await this.#tell('access.requested', of, {
      approval: asked.id,
      rule,
      durationMs,
      reason,
      expiresAt: asked.approval.expiresAt,
    });
    return asked;
  }

  #effectOf(of: AccessCase, durationMs: number, reason: string, given: (grant: Grant) => void) {
    return async (approved: Approval): Promise<Denial | undefined> => {
      const grant = await this.#grant(of, approved, durationMs, reason);
      if ('message' in grant) return grant;
      given(grant);
      return undefined;
    };
  }

  #grant(of: AccessCase, approved: Approval, durationMs: number, reason: string): Promise<Grant | Denial> {
    const { principal, connection, rule, terms, approvers } = of;
    const decidedBy = approved.decisions.map(({ by, name }) => ({ id: by, name }));
    const startsAt = approved.decisions.at(-1)?.at ?? this.#clock();
    const order = { principal, connection, rule, terms, approvers, reason, durationMs, decidedBy, startsAt };
    return this.#parts.grants.create({ ...order, isBreakGlass: false, approvalId: approved.id });
  }

  async #ended({ of, asked, lasting }: Pending, end: Grant | Denial): Promise<void> {
    if (this.#closed && lasting) return;
    if (lasting) await this.#parts.store?.removeRequest((await asked).id).catch(this.#parts.onError);
    if (!('message' in end)) return;
    await this.#tell('access.rejected', of, { rule: of.rule, why: end.reason, message: end.message });
  }

  /** The approval's own events are durable before their effects; these say it once more in the words of access. */
  async #tell(type: AccessEvent['type'], { connection, principal }: AccessCase, data: object): Promise<void> {
    try {
      await this.#parts.journal({ type, connection, principal: partyOf(principal), data });
    } catch (error) {
      this.#parts.onError?.(error);
    }
  }
}

const keyOf = ({ principal, connection }: AccessCase): string =>
  JSON.stringify([principal.id, connection, ...actorsOf(principal).map(({ id }) => id)]);

const isTime = (ms: number, maxMs: number): boolean => Number.isSafeInteger(ms) && ms >= 1_000 && ms <= maxMs;

function timeOf(of: AccessCase, asked: number | undefined): number | Denial {
  const { grant } = of.access;
  if (grant === undefined) {
    const message = `the rule "${of.rule}" asks people at each session: there is no access for a time to ask for`;
    return forbidden(message, `Connect, and they are asked: sallyport connect ${of.connection}`);
  }
  const durationMs = asked ?? grant.defaultMs;
  return isTime(durationMs, grant.maxMs) ? durationMs : tooLong(of, grant.maxMs);
}

const needsReason = ({ rule, connection }: AccessCase): Denial => ({
  reason: 'protocol',
  rule,
  message: `access to ${connection} needs a reason: what it is for, in 10 letters or more`,
  hint: `Say it with: sallyport request ${connection} --reason "…"`,
});

const tooLong = ({ rule, connection }: AccessCase, maxMs: number): Denial => ({
  reason: 'protocol',
  rule,
  message: `access to ${connection} is given for a time between 1 s and ${spoken(maxMs)}`,
  hint: 'Say how long with --for, such as --for 30m.',
});

const waitsAlready = ({ connection }: AccessCase, id: string): Denial =>
  forbidden(
    `you have asked for ${connection} already: ${id} waits for people`,
    `See it with: sallyport approvals show ${id}`,
  );

const hasAlready = ({ id, connection, endsAt }: Grant): Denial =>
  forbidden(`you may reach ${connection} already, until ${new Date(endsAt).toISOString()} (${id})`, 'Connect.');

const tooMany = (count: number): Denial => ({
  reason: 'limited',
  message: `${count} requests of yours wait for people: no more can be asked`,
  hint: 'Wait until they are decided.',
});

const tooOften = (): Denial => ({ reason: 'limited', message: 'you have asked for access too often within an hour' });
