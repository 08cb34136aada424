import type { Action } from '@sallyport/shared/access/action.ts';
import type { Connection } from '@sallyport/shared/access/connection.ts';
import type { Actor, Party, Principal } from '@sallyport/shared/access/principal.ts';
import type { ExplainOrder, PolicyPort, SimulateOrder, SimulationNews } from '../api/ports/policy.ts';
import type { AuditEvent } from '../audit/event.ts';
import type { Journal } from '../audit/journal.ts';
import type { Resource } from '../config/resources.ts';
import type { Identity } from '../identity/identity.ts';
import { type Linted, lint } from '../policy/lint.ts';
import { opening } from '../policy/policy-set.ts';
import { pastAction, Simulation } from '../policy/simulation.ts';
import type { SqlReader } from '../protocols/postgres/sql/reader.ts';
import type { CurrentAccess } from '../sessions/access.ts';
import type { AppliedResources, Preview } from './resources.ts';

export interface PolicyParts {
  readonly resources: Pick<AppliedResources, 'preview'>;
  readonly access: CurrentAccess;
  readonly identity: Pick<Identity, 'current'>;
  readonly journal: Pick<Journal, 'read' | 'head'>;
  /** What a text would do on a connection; undefined where texts of its protocol are not read. */
  readonly read: (connection: Connection, text: string) => Promise<Action | undefined>;
}

/** Reads texts as the protocols do. */
export const readText =
  (sql: SqlReader): PolicyParts['read'] =>
  async ({ protocol }, text) => {
    if (protocol !== 'postgres') return undefined;
    const { action } = await sql.read(text);
    return { kind: 'postgres.query', text, ...action };
  };

const nobody: Principal = { id: 'gateway', name: 'gateway', groups: [], claims: {} };
const WEEK_MS = 7 * 24 * 60 * 60 * 1000;
/** Events between two words of how far it came, and between two breaths for everybody else. */
const PROGRESS_EVENTS = 5_000;
/** Sessions whose beginnings are remembered. */
const MAX_SESSIONS = 20_000;

/** The API's view of what rules would mean. */
export function policyPort(parts: PolicyParts): PolicyPort {
  const preview = (documents: SimulateOrder['documents'], deletions?: readonly string[]): Promise<Preview> =>
    parts.resources.preview({ by: nobody, documents }, deletions);
  return {
    async check(documents) {
      const { outcomes, resources, access } = await preview(documents);
      return { outcomes, findings: lint(lintedOf(resources, [...access.connections.values()])) };
    },
    async *simulate(order, signal) {
      const { access } = await preview(order.documents, order.deletions);
      yield* replay(parts, new Simulation(parts.access.now, access), order, signal);
    },
    explain: async (order) => explain(parts, (await preview(order.documents)).access, order),
  };
}

async function* replay(
  { journal, identity }: PolicyParts,
  simulation: Simulation,
  { since = Date.now() - WEEK_MS, connection, principal }: SimulateOrder,
  signal: AbortSignal,
): AsyncGenerator<SimulationNews> {
  const people = new People(identity);
  const total = journal.head.sequence;
  const reader = journal.read({ after: 0, follow: false, signal });
  for await (const { sequence, event } of reader) {
    if (sequence % PROGRESS_EVENTS === 0) {
      yield { read: sequence, total };
      await new Promise((resolve) => setImmediate(resolve));
    }
    people.hear(event);
    if (Date.parse(event.time) < since || !concerns(event, connection, principal)) continue;
    const action = pastAction(event.type, event.data);
    if (action === undefined || event.connection === undefined || event.principal === undefined) continue;
    const known = await people.of(event);
    if (known === undefined) continue;
    const at = Date.parse(event.time);
    simulation.judge({ ...known, connection: event.connection, action, at });
  }
  yield { report: simulation.report(), guessed: people.guessed };
}

const concerns = (
  { connection, principal }: AuditEvent,
  wanted: string | undefined,
  who: string | undefined,
): boolean =>
  (wanted === undefined || connection === wanted) &&
  (who === undefined || principal?.name === who || principal?.id === who);

type Beginning = {
  readonly groups: readonly string[] | undefined;
  readonly sourceAddress: string;
  readonly startedAt: number;
};

/** Who did what: with the groups that they had when their session began, where the journal has them. */
class People {
  readonly #identity: PolicyParts['identity'];
  readonly #sessions = new Map<string, Beginning>();
  readonly #today = new Map<string, Promise<readonly string[]>>();
  guessed = 0;

  constructor(identity: PolicyParts['identity']) {
    this.#identity = identity;
  }

  hear({ type, sessionId, time, data }: AuditEvent): void {
    if (sessionId === undefined) return;
    if (type === 'session.end') return void this.#sessions.delete(sessionId);
    if (type !== 'session.start') return;
    const { groups, sourceAddress } = data;
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size >= MAX_SESSIONS && oldest !== undefined) this.#sessions.delete(oldest);
    this.#sessions.set(sessionId, {
      groups: Array.isArray(groups) ? groups.map(String) : undefined,
      sourceAddress: String(sourceAddress ?? ''),
      startedAt: Date.parse(time),
    });
  }

  async of({ principal, sessionId = '', time }: AuditEvent) {
    if (principal === undefined) return undefined;
    const begun = this.#sessions.get(sessionId);
    const groups = begun?.groups ?? (await this.#groupsToday(principal));
    const actor = await this.#actorToday(principal);
    if (begun?.groups === undefined) this.guessed += 1;
    const { sourceAddress = '', startedAt = Date.parse(time) } = begun ?? {};
    return {
      principal: { id: principal.id, name: principal.name, groups, claims: {}, ...(actor && { actor }) },
      session: { id: sessionId, sourceAddress, startedAt },
    };
  }

  /** Who acted on their behalf, with the groups of today; without any where they may not act any more. */
  async #actorToday({ actor }: Party): Promise<Actor | undefined> {
    if (actor === undefined) return undefined;
    const before = await this.#actorToday(actor);
    const { id, name } = actor;
    return { id, name, kind: 'service', groups: await this.#groupsToday(actor), ...(before && { actor: before }) };
  }

  #groupsToday({ id, name }: Party): Promise<readonly string[]> {
    const known = this.#today.get(id);
    if (known !== undefined) return known;
    const asked = this.#identity
      .current({ id, name, groups: [], claims: {} })
      .then((found) => ('message' in found ? [] : found.groups));
    this.#today.set(id, asked);
    return asked;
  }
}

async function explain(parts: PolicyParts, access: Preview['access'], order: ExplainOrder) {
  const connection = access.connections.get(order.connection);
  if (connection === undefined) return undefined;
  const principal = await personOf(parts.identity, order);
  const action = order.text === '' ? opening : await parts.read(connection, order.text);
  if (action === undefined) return undefined;
  const session = { id: '', sourceAddress: '127.0.0.1', startedAt: Date.now() };
  const question = { principal, connection, session, action };
  return {
    verdict: access.policy.decide(question),
    verb: action.verb,
    effects: action.effects,
    tables: (action.tables ?? []).map(({ schema, name }) => (schema === undefined ? name : `${schema}.${name}`)),
    groups: principal.groups,
    opinions: access.policy.opinions(question),
  };
}

/** A name is a user's of the gateway's own; an id says what it is. */
async function personOf(
  identity: PolicyParts['identity'],
  { principal: given, groups }: ExplainOrder,
): Promise<Principal> {
  const id = given.includes(':') ? given : `user:${given}`;
  const name = given.replace(/^(?:user|service):/, '');
  const stranger: Principal = { id, name, groups: groups ?? [], claims: {} };
  if (groups !== undefined) return stranger;
  const current = await identity.current(stranger);
  return 'message' in current ? stranger : current;
}

function lintedOf(resources: readonly Resource[], connections: readonly Connection[]): Linted {
  const of = <T>(kind: string) => resources.filter((one) => one.kind === kind) as unknown as readonly T[];
  const names = (kind: string) => resources.filter((one) => one.kind === kind).map(({ name }) => name);
  return {
    connections,
    rules: of<Linted['rules'][number]>('Rule'),
    masks: of<Linted['masks'][number]>('Mask'),
    users: names('User'),
    serviceAccounts: names('ServiceAccount'),
    hasProviders: names('IdentityProvider').length > 0,
  };
}
