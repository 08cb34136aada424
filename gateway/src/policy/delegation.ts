import type { Principal } from '@sallyport/shared/access/principal.ts';
import { concerns } from '@sallyport/shared/access/scope.ts';
import type { CompiledRule } from './compile.ts';

/**
 * Whether a rule can let this one do anything. A rule that was written for people says nothing of programs that act on
 * their behalf: it has to name them, in `who.actors` or by `principal.actor` in its condition.
 */
export function speaksFor({ spec, readsActor }: CompiledRule, { actor }: Principal): boolean {
  return actor === undefined || spec.who.actors !== undefined || readsActor;
}

/** Whether a rule is about this one. Denials, and questions to people, hold for whoever acts on their behalf too. */
export function isAbout(rule: CompiledRule, principal: Principal): boolean {
  const { who, then: outcome } = rule.spec;
  if (outcome !== 'allow') return concerns(who, principal, 'any');
  return speaksFor(rule, principal) && concerns(who, principal, 'all');
}
