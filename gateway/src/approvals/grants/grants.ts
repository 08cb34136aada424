import type { Principal } from '@sallyport/shared/access/principal.ts';
import type { Denial } from '@sallyport/shared/access/verdict.ts';
import { mayDecide } from '../approver.ts';
import { frozenCopy, newId } from '../pending.ts';
import {
  type AccessEvent,
  askAgain,
  type Grant,
  type GrantFilter,
  type GrantStore,
  needsReview,
  type Party,
  partyOf,
  timeOver,
  toldOf,
} from './grant.ts';

export interface GrantsParts {
  readonly store: GrantStore;
  /** Resolves when the event is durable. */
  readonly journal: (event: AccessEvent) => Promise<void>;
  /** The terms that the grant's rule and connection have for this person now; undefined where they have none. */
  readonly termsNow: (grant: Pick<Grant, 'principal' | 'connection' | 'rule'>) => Promise<string | undefined>;
  readonly onError?: (error: unknown) => void;
  /** Milliseconds since the epoch. */
  readonly clock?: () => number;
  /** Milliseconds that never go back; they stand still while the machine sleeps. */
  readonly ticks?: () => number;
  /** Of one person; 20 when absent. */
  readonly maxPerPerson?: number;
}

/** What a new grant is to be. */
export type GrantOrder = Pick<
  Grant,
  | 'principal'
  | 'connection'
  | 'rule'
  | 'terms'
  | 'reason'
  | 'isBreakGlass'
  | 'approvalId'
  | 'decidedBy'
  | 'approvers'
  | 'startsAt'
> & { readonly durationMs: number };

interface Active {
  readonly grant: Grant;
  /** By the clock that never goes back. */
  readonly deadline: number;
}

/** The wall clock may jump, and a sleeping machine's timers are late: it is looked at this often. Milliseconds. */
const LOOK_MS = 10_000;
const MAX_ACTIVE = 10_000;

/** Grants in force: found by whoever opens a session, ended on time. */
export class AccessGrants {
  readonly #parts: GrantsParts;
  readonly #onError: (error: unknown) => void;
  readonly #clock: () => number;
  readonly #ticks: () => number;
  readonly #active = new Map<string, Active>();
  /** Over, and not yet written down as such. */
  readonly #unwritten = new Map<string, { readonly grant: Grant; readonly type: AccessEvent['type'] }>();
  readonly #listeners = new Set<(grantId: string, message: string) => void>();
  /** Of those, what is being written at this moment. */
  readonly #writing = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #reviewFailed = false;
  #closed = false;

  private constructor(parts: GrantsParts) {
    this.#parts = parts;
    this.#onError = parts.onError ?? (() => undefined);
    this.#clock = parts.clock ?? Date.now;
    this.#ticks = parts.ticks ?? (() => performance.now());
  }

  /** Takes up what was in force when the gateway stopped, and ends what should have ended since. @throws Unavailable */
  static async open(parts: GrantsParts): Promise<AccessGrants> {
    const grants = new AccessGrants(parts);
    for (const grant of await parts.store.grants({ active: true, limit: MAX_ACTIVE })) grants.#keep(grant);
    await grants.review();
    await grants.sweep();
    return grants;
  }

  /** The one that lasts longest. By the clock of now, whatever timers have done. */
  find(principalId: string, connection: string, rule: string, terms: string): Grant | undefined {
    let best: Grant | undefined;
    for (const { grant } of this.#active.values()) {
      const fits = grant.principal.id === principalId && grant.connection === connection && grant.rule === rule;
      if (fits && grant.terms === terms && this.isActive(grant.id) && grant.endsAt > (best?.endsAt ?? 0)) best = grant;
    }
    return best;
  }

  /** Told of each grant that is over, for the sessions that rest on it. Must not throw. */
  onOver(listener: (grantId: string, message: string) => void): void {
    this.#listeners.add(listener);
  }

  isActive(id: string): boolean {
    const active = this.#active.get(id);
    return active !== undefined && !this.#isDue(active);
  }

  /**
   * In force when it is journalled and stored. A denial where the person has too many, or is no longer one whom the
   * terms let in.
   * @throws what the journal or the store threw: there is no grant then
   */
  create({ durationMs, ...order }: GrantOrder): Promise<Grant | Denial> {
    return this.#inTurn(async () => {
      const own = [...this.#active.values()].filter(({ grant }) => grant.principal.id === order.principal.id).length;
      const { maxPerPerson = 20, store, journal } = this.#parts;
      if (this.#closed || own >= maxPerPerson || this.#active.size >= MAX_ACTIVE) return tooMany(order.principal, own);
      if (!(await this.#stands(order))) return changed(order);
      const { startsAt } = order;
      const id = newId('grt');
      const grant = frozenCopy<Grant>({ ...order, id, endsAt: startsAt + durationMs, state: 'active' });
      await journal(eventOf(order.isBreakGlass ? 'access.break-glass' : 'access.granted', grant));
      try {
        await store.putGrant(grant);
      } catch (error) {
        await journal(eventOf('access.ended', over(grant, 'ended', this.#clock(), 'it could not be kept'))).catch(
          this.#onError,
        );
        throw error;
      }
      this.#keep(grant);
      // The rules may have changed while it was written.
      if (await this.#stands(order)) return grant;
      await this.#end(grant.id, 'ended', changed(order).message);
      return changed(order);
    });
  }

  /** Takes it back at once. Undefined where it is not in force. @throws where that cannot be written down */
  async revoke(id: string, by: Party, why: string): Promise<Grant | undefined> {
    if (!this.#active.has(id)) return undefined;
    return this.#end(id, 'revoked', `${by.name} took the access back${why === '' ? '' : `: ${why}`}`, partyOf(by));
  }

  /** Ends all that this person has. */
  async endOf(principalId: string, why: string): Promise<void> {
    const own = [...this.#active.values()].filter(({ grant }) => grant.principal.id === principalId);
    for (const { grant } of own) await this.#end(grant.id, 'ended', why).catch(this.#onError);
  }

  /** Somebody else looked at a break-glass grant. @throws where that cannot be written down */
  reviewed(id: string, by: Principal, note: string): Promise<Grant | Denial | undefined> {
    return this.#inTurn(async () => {
      const grant = await this.get(id);
      if (grant === undefined) return undefined;
      const barred = barredFromReview(grant, by);
      if (barred !== undefined) return barred;
      const review = { at: this.#clock(), by: partyOf(by), note };
      await this.#parts.journal(eventOf('access.reviewed', { ...grant, review }));
      // It may have ended meanwhile: what is written must not bring it back.
      const stored = await this.#parts.store.grant(id);
      const [active, unwritten] = [this.#active.get(id), this.#unwritten.get(id)];
      const next = frozenCopy<Grant>({ ...(active?.grant ?? unwritten?.grant ?? stored ?? grant), review });
      if (active !== undefined) this.#active.set(id, { ...active, grant: next });
      if (unwritten !== undefined) this.#unwritten.set(id, { ...unwritten, grant: next });
      await this.#parts.store.putGrant(next);
      return next;
    });
  }

  async get(id: string): Promise<Grant | undefined> {
    return this.#active.get(id)?.grant ?? this.#unwritten.get(id)?.grant ?? this.#parts.store.grant(id);
  }

  list(filter: GrantFilter): Promise<readonly Grant[]> {
    return this.#parts.store.grants(filter);
  }

  /** Rules, connections or people have changed: what nobody would have consented to any more ends. */
  review(): Promise<void> {
    return this.#inTurn(async () => {
      this.#reviewFailed = false;
      for (const { grant } of [...this.#active.values()]) {
        try {
          if (!(await this.#stands(grant))) await this.#end(grant.id, 'ended', changed(grant).message);
        } catch (error) {
          this.#reviewFailed = true;
          this.#parts.onError?.(error);
        }
      }
    });
  }

  /** Ends what is due and writes down what could not be written before. Never rejects. */
  async sweep(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    for (const active of [...this.#active.values()]) {
      if (!this.#isDue(active)) continue;
      const { id, connection } = active.grant;
      await this.#end(id, 'ended', timeOver(connection)).catch(this.#onError);
    }
    for (const id of [...this.#unwritten.keys()]) await this.#write(id).catch(this.#onError);
    if (this.#reviewFailed) await this.review();
    this.#wind();
  }

  /** Ends nothing: grants go on when the gateway is back. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#turn.catch(() => undefined);
  }

  #keep(grant: Grant): void {
    // A clock that was put back makes no grant longer than it was given.
    const leftMs = Math.min(grant.endsAt - this.#clock(), grant.endsAt - grant.startsAt);
    this.#active.set(grant.id, { grant, deadline: this.#ticks() + leftMs });
    this.#wind();
  }

  #isDue({ grant, deadline }: Active): boolean {
    return this.#clock() >= grant.endsAt || this.#ticks() >= deadline;
  }

  #wind(): void {
    clearTimeout(this.#timer);
    if (this.#closed || (this.#active.size === 0 && this.#unwritten.size === 0)) return;
    let leftMs = LOOK_MS;
    for (const { grant, deadline } of this.#active.values()) {
      leftMs = Math.min(leftMs, grant.endsAt - this.#clock(), deadline - this.#ticks());
    }
    this.#timer = setTimeout(() => this.sweep(), Math.max(1, Math.ceil(leftMs))).unref();
  }

  async #stands(grant: Pick<Grant, 'principal' | 'connection' | 'rule' | 'terms'>): Promise<boolean> {
    return (await this.#parts.termsNow(grant)) === grant.terms;
  }

  /** In effect before it is written: to end access, nothing is waited for. */
  async #end(id: string, state: 'ended' | 'revoked', why: string, by?: Party): Promise<Grant | undefined> {
    const active = this.#active.get(id);
    if (active === undefined) return undefined;
    this.#active.delete(id);
    const next = over(active.grant, state, this.#clock(), why, by);
    this.#unwritten.set(id, { grant: next, type: `access.${state}` });
    const message = `${why}; ${askAgain(active.grant.connection)}`;
    for (const listener of this.#listeners) listener(id, message);
    await this.#write(id);
    return next;
  }

  async #write(id: string): Promise<void> {
    const entry = this.#unwritten.get(id);
    if (entry === undefined || this.#writing.has(id)) return;
    this.#writing.add(id);
    try {
      await this.#parts.store.putGrant(entry.grant);
      await this.#parts.journal(eventOf(entry.type, entry.grant));
      this.#unwritten.delete(id);
    } finally {
      this.#writing.delete(id);
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

function over(grant: Grant, state: 'ended' | 'revoked', at: number, why: string, by?: Party): Grant {
  return frozenCopy<Grant>({ ...grant, state, over: { at, why, ...(by === undefined ? {} : { by }) } });
}

function eventOf(type: AccessEvent['type'], grant: Grant): AccessEvent {
  const loud = grant.isBreakGlass ? { severity: 'high' } : {};
  return {
    type,
    connection: grant.connection,
    principal: partyOf(grant.principal),
    data: { ...toldOf(grant), ...loud },
  };
}

function barredFromReview(grant: Grant, by: Principal): Denial | undefined {
  const { id } = grant;
  if (!grant.isBreakGlass)
    return { reason: 'forbidden', message: `${id} was approved by people: there is nothing to review` };
  if (by.id === grant.principal.id)
    return { reason: 'forbidden', message: 'nobody reviews their own break-glass access' };
  if (!mayReview(grant, by)) return { reason: 'forbidden', message: `you may not review ${id}` };
  if (needsReview(grant)) return undefined;
  return { reason: 'forbidden', message: `${id} has been reviewed already by ${grant.review?.by.name ?? ''}` };
}

/** Those who could have been asked, and administrators. */
export const mayReview = ({ approvers, principal }: Grant, by: Principal): boolean =>
  by.id !== principal.id &&
  by.actor === undefined &&
  !by.id.startsWith('service:') &&
  (mayDecide(approvers, by) || by.groups.includes('admins'));

const changed = ({ connection, rule }: Pick<Grant, 'connection' | 'rule'>): Denial => ({
  reason: 'cancelled',
  rule,
  message: `the rule "${rule}", the connection ${connection} or the person's groups have changed, so the consent is void`,
  hint: `Ask again with: sallyport request ${connection}`,
});

const tooMany = ({ name }: Principal, own: number): Denial => ({
  reason: 'limited',
  message: `${name} has ${own} grants in force: no more can be given`,
  hint: 'Give one back with: sallyport grants revoke ID',
});
