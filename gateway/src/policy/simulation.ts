import type { Action, Relation } from '@sallyport/shared/access/action.ts';
import type { Connection } from '@sallyport/shared/access/connection.ts';
import type { Principal } from '@sallyport/shared/access/principal.ts';
import type { Verdict } from '@sallyport/shared/access/verdict.ts';
import type { Decider } from './decider.ts';
import { opening, type PolicySet } from './policy-set.ts';

/** What was asked once, as the journal has it. */
export interface PastAction {
  readonly principal: Principal;
  readonly connection: string;
  readonly session: { readonly id: string; readonly sourceAddress: string; readonly startedAt: number };
  readonly action: Action;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface Policies {
  readonly policy: PolicySet;
  readonly connections: ReadonlyMap<string, Connection>;
}

export type Outcome = Verdict['outcome'];

/** An outcome and the rule that gave it; `rule` is undefined where none did. */
export interface Judged {
  readonly outcome: Outcome;
  readonly rule: string | undefined;
}

/** The same person asking the same text in the same place, judged otherwise than now. */
export interface Change {
  readonly principal: string;
  readonly connection: string;
  readonly kind: string;
  readonly text: string;
  readonly before: Judged;
  readonly after: Judged;
  count: number;
  /** The first and the last time that it was asked. Milliseconds since the epoch. */
  readonly firstAt: number;
  lastAt: number;
  /** A session in which it was. */
  readonly sessionId: string;
}

export interface SimulationReport {
  readonly judged: number;
  readonly changed: number;
  /** How many went from one outcome to another: `allow → deny`. */
  readonly transitions: readonly { readonly before: Outcome; readonly after: Outcome; readonly count: number }[];
  /** The most frequent first. */
  readonly changes: readonly Change[];
  /** More changes were found than are kept; those beyond are counted only. */
  readonly isCut: boolean;
}

/** Distinct changes that are kept. */
const MAX_CHANGES = 2_000;
/** Sessions whose rules are kept ready. */
const MAX_SESSIONS = 1_000;
/** Of a text, to tell two apart. UTF-16 units. */
const MAX_TEXT = 4_096;

interface Pair {
  readonly before: Decider | undefined;
  readonly after: Decider | undefined;
}

/** Judges what was asked once by the rules that are and by those that might be, as of the time when it was asked. */
export class Simulation {
  readonly #before: Policies;
  readonly #after: Policies;
  readonly #pairs = new Map<string, Pair>();
  readonly #changes = new Map<string, Change>();
  readonly #transitions = new Map<string, { before: Outcome; after: Outcome; count: number }>();
  #now = 0;
  #judged = 0;
  #changed = 0;
  #isCut = false;

  constructor(before: Policies, after: Policies) {
    const clock = () => this.#now;
    this.#before = { ...before, policy: before.policy.at(clock) };
    this.#after = { ...after, policy: after.policy.at(clock) };
  }

  judge(past: PastAction): void {
    this.#now = past.at;
    const pair = this.#pair(past);
    const [before, after] = [verdictOf(pair.before, past.action), verdictOf(pair.after, past.action)];
    this.#judged += 1;
    this.#count(before.outcome, after.outcome);
    if (before.outcome === after.outcome && before.rule === after.rule) return;
    if (before.outcome !== after.outcome) this.#changed += 1;
    this.#keep(past, before, after);
  }

  report(): SimulationReport {
    return {
      judged: this.#judged,
      changed: this.#changed,
      transitions: [...this.#transitions.values()],
      changes: [...this.#changes.values()].sort((a, b) => b.count - a.count || a.firstAt - b.firstAt),
      isCut: this.#isCut,
    };
  }

  #pair({ principal, connection, session }: PastAction): Pair {
    const known = this.#pairs.get(session.id);
    if (known !== undefined) return known;
    const of = ({ policy, connections }: Policies): Decider | undefined => {
      const place = connections.get(connection);
      return place && policy.decider(principal, place, session);
    };
    const pair = { before: of(this.#before), after: of(this.#after) };
    const [oldest] = this.#pairs.keys();
    if (this.#pairs.size >= MAX_SESSIONS && oldest !== undefined) this.#pairs.delete(oldest);
    this.#pairs.set(session.id, pair);
    return pair;
  }

  #count(before: Outcome, after: Outcome): void {
    const key = `${before} ${after}`;
    const known = this.#transitions.get(key);
    if (known === undefined) this.#transitions.set(key, { before, after, count: 1 });
    else known.count += 1;
  }

  #keep({ principal, connection, action, at, session }: PastAction, before: Judged, after: Judged): void {
    const text = (action.text ?? action.verb).slice(0, MAX_TEXT);
    const key = JSON.stringify([principal.id, connection, action.kind, text, before, after]);
    const known = this.#changes.get(key);
    if (known !== undefined) {
      known.count += 1;
      known.lastAt = Math.max(known.lastAt, at);
    } else if (this.#changes.size >= MAX_CHANGES) this.#isCut = true;
    else {
      const { kind } = action;
      this.#changes.set(key, {
        principal: principal.name,
        connection,
        kind,
        text,
        before,
        after,
        count: 1,
        firstAt: at,
        lastAt: at,
        sessionId: session.id,
      });
    }
  }
}

/** A connection that is not there lets nobody in. */
function verdictOf(decider: Decider | undefined, action: Action): Judged {
  if (decider === undefined) return { outcome: 'deny', rule: undefined };
  const { outcome, rule } = decider.decide(action);
  return { outcome, rule };
}

/** The action that an event tells of; undefined where it tells of none. */
export function pastAction(type: string, data: Readonly<Record<string, unknown>>): Action | undefined {
  if (type === 'session.start') return opening;
  const { kind: told, verb, effects, tables = [], parameters, rule: _, masks: __, ...rest } = data;
  const kind = type === 'policy.decision' ? told : type;
  if (typeof kind !== 'string' || typeof verb !== 'string' || !Array.isArray(effects)) return undefined;
  return {
    ...(rest as Partial<Action>),
    kind,
    verb,
    effects: effects.map(String),
    tables: Array.isArray(tables) ? tables.map(String).map(relationOf) : [],
    ...(Array.isArray(parameters)
      ? { parameters: parameters.map((one) => (one === null ? undefined : String(one))) }
      : {}),
  };
}

function relationOf(text: string): Relation {
  const dot = text.indexOf('.');
  return dot < 0 ? { name: text } : { schema: text.slice(0, dot), name: text.slice(dot + 1) };
}
