import { type Actor, actorsOf, type Principal } from '@sallyport/shared/access/principal.ts';
import { concerns, type WhoSpec } from '@sallyport/shared/access/scope.ts';
import type { Denial } from '@sallyport/shared/access/verdict.ts';
import { serviceNameOf } from './principals.ts';

/** What is said of a service account. */
export interface ServiceTerms {
  readonly groups: readonly string[];
  /** On whose behalf it may act; nobody's where absent. */
  readonly mayActFor?: Pick<WhoSpec, 'groups' | 'users'>;
  /** The addresses that it may come from; any where absent. */
  readonly from?: readonly string[];
}

/** As it is now; undefined where there is none of that name. */
export type ServiceLookup = (name: string) => ServiceTerms | undefined;

/** An errand may be handed on once: beyond that nobody could say who does what. */
export const MAX_ACTORS = 2;

/** A person with those who act for them, as all of them are now; or why they may not act. */
export function actingFor(person: Principal, actor: Actor, services: ServiceLookup): Principal | Denial {
  const { actor: _, ...alone } = person;
  const chain = actorsOf({ actor });
  if (chain.length > MAX_ACTORS) return forbidden(`an errand of ${person.name} may be handed on once only`);
  if (person.id.startsWith('service:')) return forbidden('a program acts on behalf of people, not of other programs');
  let current: Actor | undefined;
  for (const one of [...chain].reverse()) {
    const terms = services(serviceNameOf(one.id) ?? '');
    if (terms?.mayActFor === undefined || !concerns(terms.mayActFor, alone)) return mayNot(one, person);
    const { id, name, kind } = one;
    current = { id, name, kind, groups: terms.groups, ...(current === undefined ? {} : { actor: current }) };
  }
  return current === undefined ? alone : { ...alone, actor: current };
}

const mayNot = ({ name }: Actor, person: Principal): Denial =>
  forbidden(
    `${name} may not act on behalf of ${person.name}`,
    `An administrator allows it by mayActFor in the ServiceAccount ${name}.`,
  );

const forbidden = (message: string, hint?: string): Denial => ({
  reason: 'forbidden',
  message,
  ...(hint === undefined ? {} : { hint }),
});
