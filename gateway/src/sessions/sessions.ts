import type { Duplex } from 'node:stream';
import { type Party, partyOf } from '@sallyport/shared/access/principal.ts';
import type { Denial } from '@sallyport/shared/access/verdict.ts';
import { Unavailable, WireError } from '@sallyport/shared/errors/errors.ts';
import type { AgentHub } from '../agents/hub.ts';
import type { ApprovalDesk } from '../approvals/approval-desk.ts';
import { askAgain, timeOver } from '../approvals/grants/grant.ts';
import type { AccessGrants } from '../approvals/grants/grants.ts';
import type { AccessRequests } from '../approvals/grants/requests.ts';
import type { Json } from '../audit/event.ts';
import { newEvent } from '../audit/events.ts';
import type { Journal } from '../audit/journal.ts';
import type { Identity } from '../identity/identity.ts';
import type { Origin, Protocol, Visitor } from '../protocols/protocol.ts';
import type { Recordings } from '../recording/recordings.ts';
import type { CurrentAccess } from './access.ts';
import type { Activity } from './activity.ts';
import type { Admission } from './admission.ts';
import { admit, type Rejection } from './admit.ts';
import { consentTo } from './consent.ts';
import { SessionDesk } from './desk.ts';
import { type BeginLink, byLink } from './link.ts';
import { type Rejected, Rejections } from './rejections.ts';
import { Session } from './session.ts';
import type { Stages } from './stages.ts';
import { regroup } from './standing.ts';
import type { SessionRecord, SessionStore } from './store.ts';

export interface SessionsParts {
  readonly identity: Pick<Identity, 'authenticate' | 'authenticateKey' | 'recheck' | 'current'>;
  readonly access: CurrentAccess;
  readonly agents: Pick<AgentHub, 'open'>;
  readonly approvals: Pick<ApprovalDesk, 'request'>;
  readonly grants: Pick<AccessGrants, 'find' | 'isActive' | 'onOver'>;
  readonly requests: Pick<AccessRequests, 'join'>;
  readonly journal: Journal;
  readonly recordings: Recordings;
  readonly store: SessionStore;
  readonly activity: Pick<Activity, 'count' | 'note'>;
  readonly stages: Pick<Stages, 'since'>;
  readonly approvalUrl: (id: string) => string;
  readonly beginLink: BeginLink;
  readonly log: (text: string, details?: Readonly<Record<string, unknown>>) => void;
}

/** Time to say hello, prove oneself and name a connection. */
const GREETING_MS = 30_000;

/** All living sessions: from a socket to its end. */
export class Sessions {
  readonly #parts: SessionsParts;
  readonly #living = new Map<string, Session>();
  readonly #ended = new Set<(record: SessionRecord) => void>();
  readonly #rejections: Rejections;

  constructor(parts: SessionsParts) {
    this.#parts = parts;
    this.#rejections = new Rejections(parts.journal);
    parts.grants.onOver((id, message) => this.endWhere(({ grant }) => grant?.id === id, message));
    parts.access.onChange(() => void this.#review());
  }

  /** Serves one accepted socket of a protocol's listener. Never rejects. */
  async serve(protocol: Protocol, socket: Duplex, origin: Origin): Promise<void> {
    let visitor: Visitor | undefined;
    try {
      visitor = await protocol.greet(socket, origin, AbortSignal.timeout(GREETING_MS));
    } catch (error) {
      await this.#fail({ protocol: protocol.name, origin }, undefined, error);
    }
    if (visitor !== undefined) await this.receive(visitor);
    socket.end();
  }

  /** Serves a visitor to its end: where a session is not a socket, the protocol's front brings it here. Never rejects. */
  async receive(visitor: Visitor): Promise<void> {
    try {
      await this.#receive(visitor);
    } catch (error) {
      await this.#fail(visitor.greeting, visitor, error);
    }
  }

  /** Living sessions, newest first. */
  list(): SessionRecord[] {
    return [...this.#living.values()].map((session) => session.record).reverse();
  }

  find(id: string): SessionRecord | undefined {
    return this.#living.get(id)?.record;
  }

  /** False where there is no such session. */
  end(id: string, message: string): boolean {
    const session = this.#living.get(id);
    session?.end({ reason: 'ended', message });
    return session !== undefined;
  }

  endWhere(concerns: (admission: Admission) => boolean, message: string): void {
    for (const session of this.#living.values()) {
      if (concerns(session.admission)) session.end({ reason: 'ended', message });
    }
  }

  /** Looks anew at who people are: whoever may not come in any more, or no longer here, is sent away. @throws Unavailable */
  async reviewPeople(concerns: (principal: Admission['principal']) => boolean): Promise<void> {
    for (const session of [...this.#living.values()]) {
      if (concerns(session.admission.principal)) await this.#reviewPerson(session);
    }
  }

  async #reviewPerson(session: Session): Promise<void> {
    const { identity, access } = this.#parts;
    const { principal, tokenId, expiresAt } = session.admission;
    const denial = await identity.recheck({ principal, tokenId, expiresAt }, session.record.sourceAddress);
    const current = denial ?? (await identity.current(principal));
    if ('message' in current) session.end({ reason: 'ended', message: current.message });
    else regroup(session, access.now, current);
  }

  /** Ends all of them and resolves when the last is written down. */
  async stop(message: string): Promise<void> {
    this.endWhere(() => true, message);
    while (this.#living.size > 0) {
      await new Promise<void>((resolve) => this.#ended.add(() => resolve()));
    }
  }

  onEnded(listener: (record: SessionRecord) => void): void {
    this.#ended.add(listener);
  }

  async #receive(visitor: Visitor): Promise<void> {
    const { identity, access } = this.#parts;
    // Whoever waits for people may wait longer than a greeting lasts, and stops waiting by leaving.
    const settled = new AbortController();
    const signal = settled.signal;
    const hello = AbortSignal.timeout(GREETING_MS);
    try {
      const link = byLink(this.#parts.beginLink, signal);
      let admitted = await admit(visitor, identity, access, consentTo(this.#parts, signal), link, hello);
      while (admitted !== undefined && 'denial' in admitted && (await this.#triesAgain(visitor, admitted))) {
        admitted = await admit(visitor, identity, access, consentTo(this.#parts, signal), link, hello);
      }
      if (admitted === undefined) return;
      if ('denial' in admitted) await this.#reject(visitor, admitted);
      else await this.#run(visitor, admitted);
    } finally {
      settled.abort();
    }
  }

  async #triesAgain(visitor: Visitor, { denial, principal }: Rejection): Promise<boolean> {
    if (denial.reason !== 'unauthenticated' || (await visitor.again?.(denial)) !== true) return false;
    this.#rejections.tell(visitor.greeting, principal, denial);
    return true;
  }

  async #run(visitor: Visitor, admission: Admission): Promise<void> {
    const { access, agents, journal, approvals, approvalUrl, recordings, store, activity, stages } = this.#parts;
    const { connection, principal, sessionId, grant } = admission;
    const startedAt = Date.now();
    const sourceAddress = visitor.greeting.origin.address;
    const { name, protocol } = connection;
    const header = { connection: name, protocol, principal: partyOf(principal), startedAt };
    const recording = recordings.create(sessionId, header);
    const desk = new SessionDesk({
      admission,
      startedAt,
      sourceAddress,
      access,
      journal,
      recording,
      approvals,
      approvalUrl,
      activity,
      stages,
    });
    const session = new Session({ admission, visitor, desk, startedAt, agents, access, journal });
    const expiry = this.#expireAt(session);
    this.#living.set(sessionId, session);
    activity.note('started', connection.protocol);
    // Whoever took the grant back a moment ago did not find this session.
    if (grant !== undefined && !this.#parts.grants.isActive(grant.id)) {
      session.end({ reason: 'ended', message: `your access to ${connection.name} has ended` });
    }
    try {
      await store.putSession(session.record);
      // Whoever was sent away between their sign-in and this moment was not among the living.
      await this.#reviewPerson(session);
      await session.run();
    } finally {
      clearTimeout(expiry);
      this.#living.delete(sessionId);
      await recording.close(session.record.end ?? '');
      await store.putSession(session.record);
      await session.told();
      for (const listener of this.#ended) listener(session.record);
    }
  }

  #expireAt(session: Session): NodeJS.Timeout | undefined {
    const { connection, grant, expiresAt } = session.admission;
    if (expiresAt === undefined) return undefined;
    // Timers hold 31 bits of milliseconds; a token that lives longer is looked at again then.
    const left = Math.max(0, Math.min(expiresAt - Date.now(), 2 ** 31 - 1));
    return setTimeout(() => {
      const message =
        grant?.endsAt !== expiresAt
          ? 'the token that this session was opened with has expired; get a new one with: sallyport token'
          : `${timeOver(connection.name)}; ${askAgain(connection.name)}`;
      session.end({ reason: 'ended', message });
    }, left).unref();
  }

  /** Rules have changed: whoever may no longer open the connection, or may now see other values, is sent away. */
  async #review(): Promise<void> {
    for (const session of [...this.#living.values()]) {
      // Groups may have changed with the rules: they are looked at first. Where nobody can be asked, those of before count.
      await this.#reviewPerson(session).catch((error) =>
        this.#parts.log('a session’s person could not be asked for', { error }),
      );
      const access = this.#parts.access.now;
      const { principal, connection, sessionId } = session.admission;
      const { sourceAddress, startedAt } = session.record;
      const current = access.connections.get(connection.name);
      const facts = { id: sessionId, sourceAddress, startedAt };
      const isDenied = current === undefined || access.policy.mayOpen(principal, current, facts).outcome === 'deny';
      // What was read and prepared under the old masks could still be shown by them: a new session starts clean.
      const message = isDenied
        ? `access to ${connection.name} has ended: the rules have changed`
        : `the masks on ${connection.name} that apply to you have changed; connect again`;
      if (isDenied || session.isVeiledOtherwise(current)) session.end({ reason: 'ended', message });
    }
  }

  async #reject(visitor: Visitor, { denial, principal }: Rejection): Promise<void> {
    await visitor.turnAway(denial);
    this.#parts.activity.note('rejected', denial.reason);
    this.#rejections.tell(visitor.greeting, principal, denial);
  }

  async #fail(greeting: Rejected, visitor: Visitor | undefined, error: unknown): Promise<void> {
    const message = error instanceof Error ? error.message : String(error);
    const known = error instanceof WireError || error instanceof Unavailable || isTimeout(error);
    if (!known) this.#parts.log('a session failed by an error of the gateway', { error });
    const denial: Denial = {
      reason: error instanceof WireError ? 'protocol' : 'unavailable',
      message: known
        ? isTimeout(error)
          ? 'nothing was said for too long'
          : message
        : 'the gateway met an error of its own',
    };
    try {
      this.#parts.activity.note('rejected', denial.reason);
      await visitor?.turnAway(denial);
      this.#rejections.tell(greeting, undefined, denial);
    } catch (failure) {
      this.#parts.log('a rejection could not be written down', { error: failure });
    }
  }
}

const isTimeout = (error: unknown): boolean =>
  error instanceof Error && ['TimeoutError', 'AbortError'].includes(error.name);

/** Events of an administrator's doing. */
export function adminEvent(type: string, principal: Party, data: { [key: string]: Json }) {
  return newEvent(type, { principal: partyOf(principal), data });
}
