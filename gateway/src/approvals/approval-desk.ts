import { type Principal, spokenName } from '@sallyport/shared/access/principal.ts';
import type { Denial } from '@sallyport/shared/access/verdict.ts';
import { Unavailable } from '@sallyport/shared/errors/errors.ts';
import { barred, forbidden, missing, superfluous } from './approver.ts';
import { Feed } from './feed.ts';
import { eligibleFor } from './panel.ts';
import { frozenCopy, newId, Pending } from './pending.ts';
import type { Approval, ApprovalState, ApprovalStore, Decision } from './store.ts';

export interface ApprovalEvent {
  readonly type: 'approval.requested' | 'approval.decided' | 'approval.expired' | 'approval.cancelled';
  readonly approval: Approval;
}

export interface ApprovalDeskParts {
  readonly store: ApprovalStore;
  /** Resolves when the event is durable. What it tells of has no effect before. */
  readonly journal: (event: ApprovalEvent) => Promise<void>;
  /** Told what could not be written down where nobody waits for it. */
  readonly onError?: (error: unknown) => void;
  readonly clock?: () => number;
  /** Ids of requests that were left waiting and will be resumed: no session of theirs is gone. */
  readonly resumable?: ReadonlySet<string>;
  /** 10,000 when absent. */
  readonly maxPending?: number;
  /** 16 when absent. */
  readonly maxPendingPerSession?: number;
}

/** What people are asked to consent to. `action` is copied: later changes to it have no effect. */
export interface ApprovalWish
  extends Pick<
    Approval,
    'rule' | 'approvers' | 'sessionId' | 'connection' | 'requester' | 'role' | 'action' | 'access'
  > {
  /** A further condition on who decides, beside the approvers. */
  readonly mayDecide?: (principal: Principal) => boolean;
  /**
   * What consent brings about; done before anybody is told of it. A denial, or an error, and the request is over without
   * any effect.
   */
  readonly effect?: (approved: Approval) => Promise<Denial | undefined>;
}

/** A request that people have been asked about. */
export interface Asked {
  readonly id: string;
  readonly approval: Approval;
  /** Resolves to a denial, or to undefined when they approved: this once, for this action. Never rejects. */
  readonly outcome: Promise<Denial | undefined>;
}

const FEED_MAX = 1_000;
const MAX_REASON = 1_000;

/** Where requests wait for people. */
export class ApprovalDesk {
  readonly #parts: ApprovalDeskParts;
  readonly #clock: () => number;
  readonly #pending = new Map<string, Pending>();
  readonly #mayDecide = new WeakMap<Pending, (principal: Principal) => boolean>();
  readonly #effects = new WeakMap<Pending, NonNullable<ApprovalWish['effect']>>();
  /** Requests that are resumed after the gateway's own stop. */
  readonly #lasting = new WeakSet<Pending>();
  /** Also counts what is about to be asked, so that many at once do not pass the cap. */
  readonly #perSession = new Map<string, number>();
  readonly #feeds = new Set<Feed<Approval>>();
  #count = 0;
  #closed = false;

  private constructor(parts: ApprovalDeskParts) {
    this.#parts = parts;
    this.#clock = parts.clock ?? Date.now;
  }

  /** Cancels what was pending when the gateway last stopped, but for what will be resumed. @throws Unavailable where that cannot be written down. */
  static async create(parts: ApprovalDeskParts): Promise<ApprovalDesk> {
    const desk = new ApprovalDesk(parts);
    const left = await parts.store.approvals({ state: 'pending', limit: parts.maxPending ?? 10_000 });
    for (const approval of left) {
      if (parts.resumable?.has(approval.id) === true) continue;
      const over: Approval = { ...approval, state: 'cancelled' };
      await parts.journal({ type: 'approval.cancelled', approval: over });
      await parts.store.putApproval(over);
    }
    return desk;
  }

  /**
   * Asks; resolves when the question is durable and people can see it. Aborting `signal` takes it back.
   * @throws Unavailable (ERR_APPROVALS_UNAVAILABLE) where too many wait, or what the journal or the store threw.
   */
  async request(wish: ApprovalWish, signal: AbortSignal): Promise<Asked> {
    // Who asks without a session is counted as one of their own.
    const leave = this.#enter(wish.sessionId === '' ? wish.requester.id : wish.sessionId);
    let pending: Pending | undefined;
    try {
      const approval = this.#newApproval(wish, await this.#freeId());
      pending = new Pending(approval);
      if (wish.mayDecide !== undefined) this.#mayDecide.set(pending, wish.mayDecide);
      if (wish.effect !== undefined) this.#effects.set(pending, wish.effect);
      await this.#parts.journal({ type: 'approval.requested', approval });
      await this.#show(approval);
    } catch (error) {
      leave();
      throw error;
    }
    this.#await(pending, signal, leave);
    return { id: pending.approval.id, approval: pending.approval, outcome: pending.outcome };
  }

  /**
   * Goes on with a request that waited when the gateway stopped, with the decisions that it has. Undefined where it does not
   * wait any more. @throws as `request`
   */
  async resume(
    id: string,
    { effect, mayDecide }: Pick<ApprovalWish, 'effect' | 'mayDecide'>,
    signal: AbortSignal,
  ): Promise<Asked | undefined> {
    const approval = await this.#parts.store.approval(id);
    if (approval?.state !== 'pending' || this.#pending.has(id)) return undefined;
    const leave = this.#enter(approval.sessionId === '' ? approval.requester.id : approval.sessionId);
    const pending = new Pending(frozenCopy<Approval>(approval));
    if (mayDecide !== undefined) this.#mayDecide.set(pending, mayDecide);
    if (effect !== undefined) this.#effects.set(pending, effect);
    this.#lasting.add(pending);
    this.#await(pending, signal, leave);
    return { id, approval: pending.approval, outcome: pending.outcome };
  }

  /** From now on it waits over the gateway's own stop: whoever asked will resume it. */
  lasts(id: string): void {
    const pending = this.#pending.get(id);
    if (pending !== undefined) this.#lasting.add(pending);
  }

  /** Whoever asked does not want it any more. A denial where it is not theirs, or decided already. */
  async withdraw(id: string, principal: Principal): Promise<Approval | Denial> {
    const pending = this.#pending.get(id);
    if (pending === undefined) return this.#tooLate(id);
    const { requester, rule } = pending.approval;
    // A program takes back what it asked itself; a person also what is asked on their behalf.
    const isOwn = requester.id === principal.id && [undefined, requester.actor?.id].includes(principal.actor?.id);
    if (!isOwn) return forbidden(`${id} is not yours to take back`);
    const message = `${spokenName(principal)} took the request ${id} back`;
    await this.#cancel(pending, { reason: 'cancelled', rule, message });
    return pending.approval.state === 'cancelled' ? pending.approval : settled(pending.approval);
  }

  /**
   * One person's decision; it is durable before anything is released.
   * @throws Unavailable where it cannot be journalled: it was not made then.
   */
  async decide(id: string, principal: Principal, approved: boolean, reason = ''): Promise<Approval | Denial> {
    const pending = this.#pending.get(id);
    if (pending === undefined) return this.#tooLate(id);
    return pending.inTurn(async () => {
      if (pending.approval.state !== 'pending') return settled(pending.approval);
      if (pending.released) return settled({ ...pending.approval, state: 'cancelled' });
      if (this.#clock() >= pending.approval.expiresAt) return settled({ ...pending.approval, state: 'expired' });
      const denial =
        barred(pending.approval, principal) ??
        (approved ? superfluous(pending.approval, principal) : undefined) ??
        this.#barredFurther(pending, principal);
      if (denial !== undefined) return denial;
      const { id: by, name } = principal;
      const { approvers } = pending.approval;
      const seats = approvers.eachOf === undefined ? {} : { seats: eligibleFor(approvers, principal) };
      return this.#decided(pending, { by, name, approved, reason: printable(reason), at: this.#clock(), ...seats });
    });
  }

  /** How many wait for people now. */
  get waiting(): number {
    return this.#pending.size;
  }

  async get(id: string): Promise<Approval | undefined> {
    return this.#pending.get(id)?.approval ?? this.#parts.store.approval(id);
  }

  /** Newest first; 100 where no limit is given. */
  list({ state, limit = 100 }: { readonly state?: ApprovalState; readonly limit?: number } = {}) {
    return this.#parts.store.approvals({ ...(state === undefined ? {} : { state }), limit });
  }

  /** Every change from now on, until `signal` aborts or the desk closes. Throws to a reader who falls far behind. */
  watch(signal: AbortSignal): AsyncIterableIterator<Approval> {
    const stop = () => feed.end();
    const feed = new Feed<Approval>(FEED_MAX, (ended) => {
      this.#feeds.delete(ended);
      signal.removeEventListener('abort', stop);
    });
    this.#feeds.add(feed);
    signal.addEventListener('abort', stop);
    if (signal.aborted || this.#closed) feed.end();
    return feed;
  }

  /** Takes back all that waits, but for what lasts, and accepts nothing more; resolves when that is written down. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(
      [...this.#pending.values()].map(async (one) => {
        if (!this.#lasting.has(one)) return this.#cancel(one, stopping(one.approval));
        // Nothing is written: it waits on. What is being decided at this moment is decided first.
        await one.inTurn(async () => one.release(waitsOn(one.approval)));
      }),
    );
    for (const feed of this.#feeds) feed.end();
  }

  #enter(sessionId: string): () => void {
    const { maxPending = 10_000, maxPendingPerSession = 16 } = this.#parts;
    const inSession = this.#perSession.get(sessionId) ?? 0;
    if (this.#closed) throw unavailable('the gateway is stopping: nobody can be asked for approval');
    if (inSession >= maxPendingPerSession) throw unavailable(`${inSession} requests of this session wait for approval`);
    if (this.#count >= maxPending) throw unavailable(`${this.#count} requests wait for approval: no more can be asked`);
    this.#perSession.set(sessionId, inSession + 1);
    this.#count += 1;
    return () => {
      const left = (this.#perSession.get(sessionId) ?? 1) - 1;
      if (left === 0) this.#perSession.delete(sessionId);
      else this.#perSession.set(sessionId, left);
      this.#count -= 1;
    };
  }

  async #freeId(): Promise<string> {
    for (;;) {
      const id = newId('apr');
      if ((await this.get(id)) === undefined) return id;
    }
  }

  #newApproval(wish: ApprovalWish, id: string): Approval {
    const requestedAt = this.#clock();
    const { rule, approvers, sessionId, connection, requester, role, action, access } = wish;
    const asked = { rule, approvers, sessionId, connection, requester, role, action };
    const shown = { ...asked, ...(access === undefined ? {} : { access }) };
    const expiresAt = requestedAt + approvers.timeoutMs;
    return frozenCopy<Approval>({ ...shown, id, state: 'pending', requestedAt, expiresAt, decisions: [] });
  }

  /** What was journalled and cannot be shown is journalled as over. */
  async #show(approval: Approval): Promise<void> {
    try {
      await this.#parts.store.putApproval(approval);
    } catch (error) {
      const over: Approval = { ...approval, state: 'cancelled' };
      await this.#parts.journal({ type: 'approval.cancelled', approval: over }).catch(this.#parts.onError);
      throw error;
    }
  }

  #await(pending: Pending, signal: AbortSignal, leave: () => void): void {
    const { id, rule, expiresAt } = pending.approval;
    this.#pending.set(id, pending);
    this.#tell(pending.approval);
    const takeBack = () => {
      this.#cancel(pending, { reason: 'cancelled', rule, message: `the request ${id} was taken back` });
    };
    const timer = setTimeout(() => this.#expire(pending), Math.max(0, expiresAt - this.#clock()));
    timer.unref();
    pending.outcome.then(() => {
      clearTimeout(timer);
      signal.removeEventListener('abort', takeBack);
      leave();
    });
    signal.addEventListener('abort', takeBack);
    if (this.#closed) this.#cancel(pending, stopping(pending.approval));
    else if (signal.aborted) takeBack();
  }

  /** Runs in its turn. */
  async #decided(pending: Pending, decision: Decision): Promise<Approval | Denial> {
    const { approval } = pending;
    const decisions = [...approval.decisions, decision];
    const enough = missing({ approvers: approval.approvers, decisions }).length === 0;
    const state = decision.approved ? (enough ? 'approved' : 'pending') : 'rejected';
    const next = frozenCopy<Approval>({ ...approval, state, decisions });
    await this.#journal({ type: 'approval.decided', approval: next });
    const denial = state === 'approved' ? await this.#take(pending, next) : undefined;
    if (denial !== undefined) return denial;
    this.#change(pending, next);
    if (state === 'approved') pending.release(undefined);
    if (state === 'rejected') pending.release(rejection(next, decision));
    await this.#keep(next);
    return next;
  }

  /** Brings about what was consented to. Runs in its turn; where it fails, the request is over. */
  async #take(pending: Pending, approved: Approval): Promise<Denial | undefined> {
    const effect = this.#effects.get(pending);
    if (effect === undefined) return undefined;
    const { id } = approved;
    if (pending.released) return settled({ ...approved, state: 'cancelled' });
    try {
      const denial = await effect(approved);
      if (denial !== undefined) await this.#over(pending, 'cancelled', denial);
      return denial;
    } catch (error) {
      this.#parts.onError?.(error);
      const message = `${id} was approved, but that could not be brought about: something of the gateway is down`;
      await this.#over(pending, 'cancelled', { reason: 'unavailable', message, hint: 'Ask again.' });
      throw error;
    }
  }

  /** A decision that is being written down comes before the end of the time. */
  #expire(pending: Pending): Promise<void> {
    const { id, rule, approvers } = pending.approval;
    const message = `nobody decided the request ${id} within ${spoken(approvers.timeoutMs)}`;
    return this.#end(pending, 'expired', {
      reason: 'expired',
      rule,
      message,
      hint: 'Ask again when an approver is there.',
    });
  }

  /** Whoever asked is released at once: that needs nobody's consent. */
  #cancel(pending: Pending, denial: Denial): Promise<void> {
    pending.release(denial);
    return this.#end(pending, 'cancelled', denial);
  }

  /** Never rejects: whatever fails, nothing runs. */
  #end(pending: Pending, state: 'expired' | 'cancelled', denial: Denial): Promise<void> {
    return pending.inTurn(() => this.#over(pending, state, denial));
  }

  /** Runs in its turn. */
  async #over(pending: Pending, state: 'expired' | 'cancelled', denial: Denial): Promise<void> {
    if (pending.approval.state !== 'pending') return;
    const next = frozenCopy<Approval>({ ...pending.approval, state });
    try {
      await this.#parts.journal({ type: `approval.${state}`, approval: next });
    } catch (error) {
      this.#parts.onError?.(error);
    }
    this.#change(pending, next);
    pending.release(denial);
    await this.#keep(next);
  }

  #change(pending: Pending, next: Approval): void {
    pending.approval = next;
    if (next.state !== 'pending') this.#pending.delete(next.id);
    this.#tell(next);
  }

  #tell(approval: Approval): void {
    for (const feed of this.#feeds) feed.push(approval);
  }

  async #journal(event: ApprovalEvent): Promise<void> {
    try {
      await this.#parts.journal(event);
    } catch (error) {
      if (error instanceof Unavailable) throw error;
      const message = 'the decision cannot be written to the journal, so it was not made';
      throw new Unavailable('journal', 'ERR_JOURNAL_UNAVAILABLE', message, { cause: error });
    }
  }

  /** The journal has it by now: what the store lacks changes nothing of what happened. */
  async #keep(approval: Approval): Promise<void> {
    try {
      await this.#parts.store.putApproval(approval);
    } catch (error) {
      this.#parts.onError?.(error);
    }
  }

  #barredFurther(pending: Pending, principal: Principal): Denial | undefined {
    const mayDecide = this.#mayDecide.get(pending);
    if (mayDecide === undefined || mayDecide(principal)) return undefined;
    return forbidden(`you may not decide ${pending.approval.id}`);
  }

  async #tooLate(id: string): Promise<Denial> {
    const approval = await this.#parts.store.approval(id);
    if (approval === undefined) return forbidden(`no approval ${id.slice(0, 40)} is known`);
    return settled(approval);
  }
}

/** It is shown in terminals. */
function printable(reason: string): string {
  return reason
    .slice(0, MAX_REASON)
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')
    .trim();
}

/** Why a decision comes too late. */
function settled({ id, state, decisions }: Approval): Denial {
  const last = decisions.at(-1);
  if (state === 'expired') return { reason: 'expired', message: `the request ${id} has expired` };
  if (state === 'cancelled') return { reason: 'cancelled', message: `the request ${id} was taken back` };
  if (state === 'pending') {
    return { reason: 'unavailable', message: `the request ${id} waits at another gateway: decide it there` };
  }
  return forbidden(`the request ${id} has been ${state} already${last === undefined ? '' : ` by ${last.name}`}`);
}

function rejection({ id, rule }: Approval, { name, reason }: Decision): Denial {
  return {
    reason: 'rejected',
    rule,
    message: `${name} rejected the request ${id}${reason === '' ? '' : `: ${reason}`}`,
  };
}

const waitsOn = ({ id, rule }: Approval): Denial => ({
  reason: 'unavailable',
  rule,
  message: `the gateway is stopping; the request ${id} waits on and can be decided when it is back`,
  hint: `See it with: sallyport approvals show ${id}`,
});

const stopping = ({ rule }: Approval): Denial => ({
  reason: 'cancelled',
  rule,
  message: 'the gateway is stopping, so nobody can approve the request any more',
  hint: 'Ask again when it is back.',
});

function spoken(ms: number): string {
  if (ms >= 60_000) return `${Math.round(ms / 60_000)} min`;
  return `${Math.max(1, Math.round(ms / 1_000))} s`;
}

const unavailable = (message: string): Unavailable =>
  new Unavailable('approvals', 'ERR_APPROVALS_UNAVAILABLE', message);
