import type { AccessTerms } from '@sallyport/shared/access/verdict.ts';
import { person, Room } from '../../testing/requests.ts';
import type { AccessEvent, Grant, GrantFilter, GrantStore } from '../grant.ts';
import { AccessGrants, type GrantOrder } from '../grants.ts';
import { type AccessCase, AccessRequests, type KeptRequest, type RequestStore } from '../requests.ts';

/** Grants, for as long as a test runs. */
export class MemoryGrantStore implements GrantStore {
  readonly kept = new Map<string, Grant>();
  fails = false;

  async putGrant(grant: Grant): Promise<void> {
    if (this.fails) throw new Error('store down');
    this.kept.set(grant.id, grant);
  }

  async grant(id: string): Promise<Grant | undefined> {
    return this.kept.get(id);
  }

  async grants({ active, principal, limit }: GrantFilter): Promise<readonly Grant[]> {
    const fits = (one: Grant): boolean =>
      (active !== true || one.state === 'active') && (principal ?? one.principal.id) === one.principal.id;
    return [...this.kept.values()].filter(fits).slice(0, limit);
  }
}

/** Requests that wait over a restart. */
export class MemoryRequestStore implements RequestStore {
  readonly kept = new Map<string, string>();

  async putRequest(id: string, kept: KeptRequest): Promise<void> {
    this.kept.set(id, JSON.stringify(kept));
  }

  async removeRequest(id: string): Promise<void> {
    this.kept.delete(id);
  }

  async requests(): Promise<readonly { readonly id: string; readonly kept: KeptRequest }[]> {
    return [...this.kept].map(([id, kept]) => ({ id, kept: JSON.parse(kept) as KeptRequest }));
  }
}

export const terms: AccessTerms = {
  grant: { maxMs: 8 * 3_600_000, defaultMs: 3_600_000 },
  breakGlass: { groups: ['oncall'], maxMs: 3_600_000 },
  digest: 'rule-1',
};
export const alice = person('alice', 'eng', 'oncall');
export const bob = person('bob', 'dba');

/** Grants and requests with clocks that tests turn, and all that was told. */
export class Office {
  readonly store: MemoryGrantStore;
  readonly waiting: MemoryRequestStore;
  readonly #before: Room | undefined;
  readonly events: AccessEvent[] = [];
  readonly cut: [string, string][] = [];
  readonly errors: unknown[] = [];
  now: number;
  ticks = 0;
  journalFails = false;
  /** What the rules say now; undefined: nothing. */
  law: string | undefined = 'terms-1';
  room!: Room;
  grants!: AccessGrants;
  requests!: AccessRequests;

  private constructor(store: MemoryGrantStore, now: number, waiting = new MemoryRequestStore(), before?: Room) {
    this.store = store;
    this.waiting = waiting;
    this.#before = before;
    this.now = now;
  }

  static open(): Promise<Office> {
    return new Office(new MemoryGrantStore(), Date.UTC(2026, 0, 1)).#start();
  }

  /** The same store, after a restart at that time. */
  static restarted({ store, waiting, room }: Office, now: number): Promise<Office> {
    return new Office(store, now, waiting, room).#start();
  }

  async #start(): Promise<this> {
    const clock = (): number => this.now;
    const ticks = (): number => this.ticks;
    const onError = (error: unknown): void => void this.errors.push(error);
    const termsNow = async (): Promise<string | undefined> => this.law;
    const journal = async (event: AccessEvent): Promise<void> => {
      if (this.journalFails) throw new Error('disk full');
      this.events.push(event);
    };
    const resumable = new Set(this.waiting.kept.keys());
    const before = this.#before === undefined ? {} : { store: this.#before.shelf };
    this.room = await Room.open({ clock, resumable, ...before });
    this.grants = await AccessGrants.open({ store: this.store, journal, termsNow, onError, clock, ticks });
    this.grants.onOver((id, message) => void this.cut.push([id, message]));
    const { desk } = this.room;
    this.requests = new AccessRequests({
      desk,
      grants: this.grants,
      journal,
      termsNow,
      onError,
      clock,
      store: this.waiting,
    });
    await this.requests.resume();
    return this;
  }

  /** Both clocks go on, as they do. */
  pass(ms: number): Promise<void> {
    this.now += ms;
    this.ticks += ms;
    return this.grants.sweep();
  }

  get types(): string[] {
    return this.events.map(({ type }) => type);
  }
}

export const caseOf = (rest: Partial<AccessCase> = {}): AccessCase => ({
  principal: alice,
  connection: 'prod-db',
  role: 'app_ro',
  rule: 'ask-first',
  approvers: { groups: ['dba'], users: [], count: 1, timeoutMs: 900_000 },
  access: terms,
  terms: 'terms-1',
  ...rest,
});

export const orderOf = (office: Office, rest: Partial<GrantOrder> = {}): GrantOrder => {
  const { principal, connection, rule, approvers, terms: consented } = caseOf();
  const base = { principal, connection, rule, approvers, terms: consented, reason: 'a reason' };
  return { ...base, isBreakGlass: false, decidedBy: [bob], startsAt: office.now, durationMs: 60_000, ...rest };
};
