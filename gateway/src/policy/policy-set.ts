import type { Action } from '@sallyport/shared/access/action.ts';
import type { Principal } from '@sallyport/shared/access/principal.ts';
import { covers, type Place } from '@sallyport/shared/access/scope.ts';
import type { Verdict } from '@sallyport/shared/access/verdict.ts';
import { type CompiledRule, compileRule } from './compile.ts';
import { Decider, type Objection } from './decider.ts';
import { isAbout, speaksFor } from './delegation.ts';
import type { SessionFacts } from './facts.ts';
import type { NamedRule } from './rule.ts';

/** `because`: what of the rule does not match; undefined where all does. */
export interface Opinion {
  readonly rule: string;
  readonly then: CompiledRule['spec']['then'];
  readonly because: 'who' | 'connections' | Objection | undefined;
}

export interface Question {
  readonly principal: Principal;
  readonly connection: Place;
  readonly session: SessionFacts;
  readonly action: Action;
}

/** @throws Error for the first rule that is wrong, with its name and what may have been meant. */
export const compileRules = (rules: readonly NamedRule[]): PolicySet => new PolicySet(rules.map(compileRule));

/** All rules of a gateway. Deny over approve over allow; nothing matches: denied. Pure but for the clock. */
export class PolicySet {
  readonly #rules: readonly CompiledRule[];
  readonly #clock: () => number;

  constructor(rules: readonly CompiledRule[], clock: () => number = Date.now) {
    this.#rules = rules;
    this.#clock = clock;
  }

  /** The same rules at another time. */
  at(clock: () => number): PolicySet {
    return new PolicySet(this.#rules, clock);
  }

  /** What each rule has to say of an action, in their order. */
  opinions({ principal, connection, session, action }: Question): Opinion[] {
    const all = this.decider(principal, connection, session);
    return this.#rules.map((rule) => {
      const { name, spec } = rule;
      const because = !isAbout(rule, principal)
        ? 'who'
        : covers(spec.connections, connection)
          ? all.objection(rule, action)
          : 'connections';
      return { rule: name, then: spec.then, because };
    });
  }

  decide({ principal, connection, session, action }: Question): Verdict {
    return this.decider(principal, connection, session).decide(action);
  }

  /** Whether a session may be opened: `decide` for an action of kind `session.open`. */
  mayOpen(principal: Principal, connection: Place, session: SessionFacts): Verdict {
    return this.decider(principal, connection, session).decide(opening);
  }

  /** Whether a rule that may apply reads `action.estimatedRows`, so that the planner has to be asked. */
  needsEstimate(connection: Place, principal: Principal): boolean {
    return this.#applicable(principal, connection).some((rule) => rule.readsEstimate);
  }

  /** Whether a rule that may apply reads `action.body`, or asks people, who are to see what they consent to. */
  needsBody(connection: Place, principal: Principal): boolean {
    return this.#applicable(principal, connection).some((rule) => rule.readsBody || rule.asksOfActions);
  }

  /** Whether a rule that may apply judges by what an action does, so that this has to be known to the ground. */
  judgesEffects(connection: Place, principal: Principal): boolean {
    return this.#applicable(principal, connection).some((rule) => rule.judgesEffects);
  }

  /**
   * The only rights that a session's role may have at the target: of all rules that let this person in, what any of them
   * names. Undefined where one of them names none, which is all.
   */
  privileges(connection: Place, principal: Principal): { rule: string; privileges: string[] } | undefined {
    const admitting = this.#applicable(principal, connection).filter(
      (rule) => rule.spec.then !== 'deny' && speaksFor(rule, principal),
    );
    const [first] = admitting;
    if (first === undefined || admitting.some(({ spec }) => spec.privileges === undefined)) return undefined;
    return { rule: first.name, privileges: [...new Set(admitting.flatMap(({ spec }) => spec.privileges ?? []))] };
  }

  /** What the rules say of somebody here depends on this alone: the same text for two of one person, the same verdicts. */
  terms(principal: Principal, connection: Place): string {
    const rules = this.#applicable(principal, connection);
    const reads = rules.some(({ spec }) => spec.when?.includes('principal') === true);
    return JSON.stringify([
      rules.map(({ name }) => name),
      reads ? [principal.name, principal.groups, principal.claims, principal.actor ?? null] : [],
    ]);
  }

  /** The digest of the terms on which this rule gives access for a time; undefined where it does not (any more). */
  accessDigest(rule: string, principal: Principal, connection: Place): string | undefined {
    return this.#applicable(principal, connection).find(({ name }) => name === rule)?.access?.digest;
  }

  /** One session's view of the rules, for the hot path. */
  decider(principal: Principal, connection: Place, session: SessionFacts): Decider {
    return new Decider(this.#applicable(principal, connection), principal, connection, session, this.#clock);
  }

  #applicable(principal: Principal, connection: Place): CompiledRule[] {
    return this.#rules.filter((rule) => isAbout(rule, principal) && covers(rule.spec.connections, connection));
  }
}

/** The action that opening a session is. */
export const opening: Action = { kind: 'session.open', verb: 'open', effects: ['open'] };
