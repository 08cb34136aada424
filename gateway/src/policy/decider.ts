import type { Action } from '@sallyport/shared/access/action.ts';
import { type Principal, spokenName } from '@sallyport/shared/access/principal.ts';
import type { Place } from '@sallyport/shared/access/scope.ts';
import type { Cap, RowLimit, Verdict } from '@sallyport/shared/access/verdict.ts';
import type { CompiledRule } from './compile.ts';
import { speaksFor } from './delegation.ts';
import { actionFacts, type Facts, type SessionFacts, standingFacts, timeFact } from './facts.ts';

/** `failed`: its condition could not be evaluated. */
export type Objection = 'actions' | 'when' | 'failed';

/** Judges one session's actions by the rules that concern its principal and connection. */
export class Decider {
  readonly #rules: readonly CompiledRule[];
  readonly #standing: Facts;
  readonly #clock: () => number;
  readonly #where: string;
  readonly #volatile: boolean;
  readonly #principal: Principal;
  readonly #verdicts = new WeakMap<object, { readonly kind: string; readonly verdict: Verdict }>();

  constructor(
    rules: readonly CompiledRule[],
    principal: Principal,
    place: Place,
    session: SessionFacts,
    clock: () => number,
  ) {
    this.#rules = rules;
    this.#standing = standingFacts(principal, place, session);
    this.#clock = clock;
    this.#principal = principal;
    this.#where = `${spokenName(principal)} on ${place.name}`;
    this.#volatile = rules.some((rule) => rule.volatile);
  }

  /**
   * `key` is an object that stands for all that the action says but its kind, its parameters and its estimate: the
   * analysis of its text. The verdict is remembered as long as that object lives, unless a rule reads what may change.
   */
  decide(action: Action, key: object = action): Verdict {
    if (this.#volatile) return this.#judge(action);
    const known = this.#verdicts.get(key);
    if (known !== undefined && known.kind === action.kind) return known.verdict;
    const verdict = this.#judge(action);
    this.#verdicts.set(key, { kind: action.kind, verdict });
    return verdict;
  }

  /** What of a rule does not match an action; undefined where it matches. */
  objection(rule: CompiledRule, action: Action): Objection | undefined {
    const facts = { ...this.#standing, action: actionFacts(action), now: timeFact(this.#clock()) };
    if (rule.spec.actions !== undefined && !lists(rule.spec.actions, action, rule.spec.then)) return 'actions';
    if (matches(rule, action, facts)) return undefined;
    return rule.condition?.(facts) === undefined ? 'failed' : 'when';
  }

  #judge(action: Action): Verdict {
    let facts: Facts | undefined;
    let approval: CompiledRule | undefined;
    let permission: CompiledRule | undefined;
    let limit: RowLimit | undefined;
    let isSpokenFor = false;
    for (const rule of this.#rules) {
      facts ??= { ...this.#standing, action: actionFacts(action), now: timeFact(this.#clock()) };
      if (!matches(rule, action, facts)) continue;
      if (rule.spec.then === 'deny') return denied(rule);
      isSpokenFor ||= speaksFor(rule, this.#principal);
      limit = stricter(limit, rule);
      if (rule.spec.then === 'allow') permission ??= rule;
      else if (approval === undefined || asksMore(rule, approval)) approval = rule;
    }
    // People are asked about programs that no rule names only where another rule lets them do it.
    if (approval?.approvers !== undefined && isSpokenFor) {
      const { name, approvers, access } = approval;
      return { outcome: 'approve', rule: name, approvers, ...(limit && { limit }), ...(access && { access }) };
    }
    permission ??= action.kind === 'session.open' ? this.#opener() : undefined;
    return permission === undefined
      ? this.#nothing(action)
      : { outcome: 'allow', rule: permission.name, ...(limit && { limit }) };
  }

  /** A rule that allows some statement allows to open the session in which it is asked. */
  #opener(): CompiledRule | undefined {
    return this.#rules.find((rule) => rule.spec.then !== 'deny' && speaksFor(rule, this.#principal));
  }

  #nothing(action: Action): Verdict {
    const what = action.kind === 'session.open' ? 'opening a session' : `"${action.verb}"`;
    return { outcome: 'deny', rule: undefined, reason: `No rule allows ${what} to ${this.#where}.` };
  }
}

/** An expression that fails counts against the person: as a match of a deny or approve rule, as none of an allow rule. */
function matches(rule: CompiledRule, action: Action, facts: Facts): boolean {
  const { spec, condition } = rule;
  if (spec.actions !== undefined && !lists(spec.actions, action, spec.then)) return false;
  if (condition === undefined) return true;
  return condition(facts) ?? spec.then !== 'allow';
}

function lists(listed: readonly string[], action: Action, then: CompiledRule['spec']['then']): boolean {
  if (listed.includes(action.kind)) return true;
  if (then !== 'allow') return listed.includes(action.verb) || action.effects.some((effect) => listed.includes(effect));
  const { verb, effects } = action;
  // A verb that is the name of what was asked (GET) says as much as the effects that it has (read).
  if (!effects.includes(verb)) return listed.includes(verb) || isSubset(effects, listed);
  return isSubset(effects, listed);
}

const isSubset = (some: readonly string[], all: readonly string[]): boolean =>
  some.length > 0 && some.every((one) => all.includes(one));

/** Of rules that ask people, the one that asks most of them goes; of equals the one whose consent is good for less. */
function asksMore(rule: CompiledRule, other: CompiledRule): boolean {
  const [here, there] = [people(rule), people(other)];
  if (here !== there) return here > there;
  return (rule.access?.grant?.maxMs ?? 0) < (other.access?.grant?.maxMs ?? 0);
}

function people({ approvers }: CompiledRule): number {
  if (approvers === undefined) return 0;
  const { groups, users, count, eachOf = [] } = approvers;
  return eachOf.length + (groups.length + users.length > 0 ? count : 0);
}

/** Of all rules that match, the one that lets fewest rows through counts. */
function stricter(limit: RowLimit | undefined, { name, spec }: CompiledRule): RowLimit | undefined {
  const { rows, sessionRows } = spec.limit ?? {};
  const least = (cap: Cap | undefined, most: number | undefined): Cap | undefined =>
    most === undefined || (cap !== undefined && cap.rows <= most) ? cap : { rows: most, rule: name };
  const [statement, session] = [least(limit?.statement, rows), least(limit?.session, sessionRows)];
  if (statement === undefined && session === undefined) return undefined;
  return { ...(statement && { statement }), ...(session && { session }) };
}

const denied = ({ name, spec }: CompiledRule): Verdict => ({
  outcome: 'deny',
  rule: name,
  reason: spec.reason ?? `The rule ${name} denies it.`,
});
