import type { Connection } from '@sallyport/shared/access/connection.ts';
import { globOf } from '@sallyport/shared/access/glob.ts';
import { type Principal, partyOf } from '@sallyport/shared/access/principal.ts';
import type { Denial } from '@sallyport/shared/access/verdict.ts';
import type { TunnelStream } from '@sallyport/shared/tunnel/stream.ts';
import type { AgentHub } from '../agents/hub.ts';
import type { TargetStream } from '../agents/tunnel.ts';
import type { Json } from '../audit/event.ts';
import { newEvent } from '../audit/events.ts';
import type { Journal } from '../audit/journal.ts';
import type { Backing, Exchange, Visitor } from '../protocols/protocol.ts';
import type { CurrentAccess } from './access.ts';
import { type Admission, regranted, requireAdmitted } from './admission.ts';
import type { SessionDesk } from './desk.ts';
import { type End, Relay } from './relay.ts';
import type { SessionRecord } from './store.ts';
import { wallOf } from './wall.ts';

export interface SessionParts {
  readonly admission: Admission;
  readonly visitor: Visitor;
  readonly desk: SessionDesk;
  readonly startedAt: number;
  readonly agents: Pick<AgentHub, 'open'>;
  readonly access: CurrentAccess;
  readonly journal: Pick<Journal, 'appendDurable'>;
}

/** One login to one connection: its exchanges, from the first to the last. */
export class Session {
  admission: Admission;
  readonly #parts: SessionParts;
  readonly #over = new AbortController();
  readonly #relays = new Set<Relay>();
  #denial: Denial | undefined;
  #endedAt: number | undefined;
  /** The masks that its veil was made of; undefined until it is made. */
  #terms: string | undefined;
  #reason: string | undefined;

  constructor(parts: SessionParts) {
    requireAdmitted(parts.admission);
    this.#parts = parts;
    this.admission = parts.admission;
  }

  get id(): string {
    return this.admission.sessionId;
  }

  /** As it is listed. */
  get record(): SessionRecord {
    const { admission, visitor, desk, startedAt } = this.#parts;
    const { connection, principal } = admission;
    return {
      id: this.id,
      connection: connection.name,
      protocol: connection.protocol,
      principal: partyOf(principal),
      sourceAddress: visitor.greeting.origin.address,
      application: visitor.greeting.application,
      agent: typeof connection.agent === 'string' ? connection.agent : undefined,
      startedAt,
      endedAt: this.#endedAt,
      end: this.#reason,
      statements: desk.statements,
      refused: desk.refusals,
    };
  }

  /** Goes on as the same person with the groups that they have now. */
  regroup(principal: Principal): void {
    this.admission = regranted(this.admission, principal);
    this.#parts.desk.regroup(this.admission);
  }

  /** Whether it runs under other masks than are in force for this connection now. */
  isVeiledOtherwise(connection: Connection): boolean {
    if (this.#terms === undefined) return false;
    return this.#parts.access.now.masks.terms(this.admission.principal, connection) !== this.#terms;
  }

  /** Serves the visitor until it, the target or the gateway ends it. Never rejects. */
  async run(): Promise<void> {
    const { visitor, journal } = this.#parts;
    try {
      await journal.appendDurable(this.#event('session.start', this.#introduction()));
      await this.#serveAll(visitor.welcome(this.#backing()));
      this.#reason ??= 'the client left';
    } catch (error) {
      await this.#turnAway(error);
    }
    this.#over.abort();
    this.#endedAt = Date.now();
  }

  /** Ends it now, telling the client why. */
  end(denial: Denial): void {
    this.#denial ??= denial;
    this.#reason ??= denial.message;
    for (const relay of this.#relays) relay.stop(denial);
    this.#over.abort();
  }

  /** Written when it is over. */
  async told(): Promise<void> {
    const { statements, refused, startedAt, endedAt = Date.now(), end } = this.record;
    const data = { reason: end ?? '', statements, refused, durationMs: endedAt - startedAt };
    await this.#parts.journal.appendDurable(this.#event('session.end', data));
  }

  /** As many at once as the client opens; over when the last is. @throws what the first that takes the session with it met */
  #serveAll(exchanges: AsyncIterable<Exchange>): Promise<void> {
    return new Promise((resolve, reject) => {
      let open = 1;
      const done = (): void => {
        open -= 1;
        if (open === 0) resolve();
      };
      const each = async (): Promise<void> => {
        for await (const exchange of exchanges) {
          open += 1;
          this.#serve(exchange)
            .then((end) => this.#note(end, exchange))
            .then(done, reject);
        }
      };
      each().then(done, reject);
    });
  }

  async #serve(exchange: Exchange): Promise<End> {
    let target: TargetStream;
    try {
      target = await this.#reach(exchange);
    } catch (error) {
      if (exchange.fail === undefined) throw error;
      const denial = this.#denial ?? { reason: 'unavailable', message: (error as Error).message };
      exchange.fail(denial);
      return { by: 'gateway', error: new Error(denial.message) };
    }
    return this.#join(exchange, target);
  }

  /** @throws Unavailable */
  async #reach(exchange: Exchange): Promise<TargetStream> {
    const gone = new AbortController();
    const signal = AbortSignal.any([this.#over.signal, gone.signal]);
    const watching = this.#parts.visitor.gone(signal).then(() => gone.abort(new Error('the client left')));
    return this.#open(exchange.settings, signal).finally(() => {
      gone.abort();
      return watching;
    });
  }

  async #join(exchange: Exchange, target: TargetStream): Promise<End> {
    const relay = new Relay(exchange, target, this.#parts.desk);
    const cancel = async (): Promise<void> => {
      if (!relay.cancelHeld()) await target.cancel(this.#over.signal);
    };
    this.#relays.add(relay);
    if (this.#denial !== undefined) relay.stop(this.#denial);
    const end = await relay.run(exchange.begin(target.greeting, cancel));
    this.#relays.delete(relay);
    return end;
  }

  /** @throws Unavailable */
  async #open(settings: Readonly<Record<string, string>>, signal: AbortSignal): Promise<TargetStream> {
    const { agents, access } = this.#parts;
    const { connection, principal } = this.admission;
    const wall = wallOf(access.now, connection, principal);
    const order = { connection, settings, session: this.id };
    return agents.open(wall === undefined ? order : { ...order, wall }, signal);
  }

  #backing(): Backing {
    const { access } = this.#parts;
    const { connection, principal } = this.admission;
    const { policy, masks } = access.now;
    const harmless = (connection.harmlessFunctions ?? []).map(globOf);
    this.#terms = masks.terms(principal, connection);
    return {
      place: JSON.stringify([connection.name, connection.agent, connection.target, connection.credential.username]),
      veil: masks.veil(principal, connection),
      connection,
      principal: () => this.admission.principal,
      estimates: policy.needsEstimate(connection, principal),
      readsBody: policy.needsBody(connection, principal),
      judgesEffects: policy.judgesEffects(connection, principal),
      isHarmlessFunction: (name): boolean => harmless.some((matches) => matches(name)),
      side: (settings, signal): Promise<TunnelStream> => this.#open(settings, signal),
      signal: this.#over.signal,
    };
  }

  #note({ by, error }: End, exchange: Exchange): void {
    // One that fails by itself also ends by itself: the session goes on.
    if (exchange.fail !== undefined) return;
    if (by === 'target') this.#reason ??= `the target ended it${error === undefined ? '' : `: ${error.message}`}`;
    else if (by === 'gateway') this.#reason ??= error?.message;
    else this.#reason ??= error === undefined ? 'the client left' : `the client's connection broke: ${error.message}`;
  }

  async #turnAway(error: unknown): Promise<void> {
    const message = error instanceof Error ? error.message : String(error);
    this.#reason ??= message;
    const denial = this.#denial ?? { reason: 'unavailable', message };
    for (const relay of this.#relays) relay.stop(denial);
    await this.#parts.visitor.turnAway(denial);
  }

  #introduction(): { [key: string]: Json } {
    const { sourceAddress, application, protocol, agent } = this.record;
    const { tokenId = null, expiresAt = null, grant } = this.admission;
    return {
      sourceAddress,
      application: application ?? null,
      groups: this.admission.principal.groups,
      protocol,
      agent: agent ?? null,
      tokenId,
      expiresAt,
      grantId: grant?.id ?? null,
    };
  }

  #event(type: string, data: { [key: string]: Json }) {
    const { connection, principal } = this.admission;
    return newEvent(type, { connection: connection.name, sessionId: this.id, principal: partyOf(principal), data });
  }
}
