import type { Connection } from '@sallyport/shared/access/connection.ts';
import { globOf } from '@sallyport/shared/access/glob.ts';
import { type ConnectionsSpec, covers, type WhoSpec } from '@sallyport/shared/access/scope.ts';
import { hint } from '@sallyport/shared/errors/nearest.ts';
import type { NamedRule } from './rule.ts';

/** Something that is allowed and most likely not meant. */
export interface Finding {
  readonly kind: string;
  readonly name: string;
  readonly message: string;
}

/** What the resources say together. */
export interface Linted {
  readonly connections: readonly Connection[];
  readonly rules: readonly NamedRule[];
  readonly masks: readonly { readonly name: string; readonly spec: { readonly connections?: ConnectionsSpec } }[];
  readonly users: readonly string[];
  readonly serviceAccounts: readonly string[];
  /** Users may also come from identity providers, so that a name which is not known here may be right. */
  readonly hasProviders: boolean;
}

/** Looks for rules and masks that do not say what somebody probably meant. */
export function lint(all: Linted): Finding[] {
  return [
    ...all.rules.flatMap((rule) => ofRule(rule, all)),
    ...all.masks.flatMap(({ name, spec }) =>
      ofScope(spec.connections, all).map((message) => ({ kind: 'Mask', name, message })),
    ),
    ...unreachable(all),
    ...shadowed(all),
  ];
}

function ofRule({ name, spec }: NamedRule, all: Linted): Finding[] {
  const said = [
    ...ofScope(spec.connections, all),
    ...ofWho('who', spec.who, all),
    ...ofWho('approvers', spec.approvers ?? {}, all),
  ];
  return said.map((message) => ({ kind: 'Rule', name, message }));
}

function ofScope(spec: ConnectionsSpec | undefined, { connections }: Linted): string[] {
  if (spec === undefined) return [];
  const names = connections.map((one) => one.name);
  const unknown = (spec.names ?? []).filter((name) => !names.includes(name));
  const said = unknown.map((name) => `connections.names: there is no connection ${name}; ${hint(name, names)}`);
  if (unknown.length > 0) return said;
  return connections.some((one) => covers(spec, one)) ? said : ['connections: no connection is meant by it'];
}

function ofWho(field: string, spec: Pick<WhoSpec, 'users' | 'serviceAccounts' | 'actors'>, all: Linted): string[] {
  const users = (spec.users ?? []).filter(
    (user) => !user.includes(':') && !all.users.includes(user) && !all.hasProviders,
  );
  const services = (spec.serviceAccounts ?? []).filter((name) => !all.serviceAccounts.includes(name));
  const actors = (spec.actors ?? []).filter((name) => !all.serviceAccounts.some(globOf(name)));
  return [
    ...actors.map(
      (name) => `${field}.actors: no service account is called ${name}; ${hint(name, all.serviceAccounts)}`,
    ),
    ...users.map((user) => `${field}.users: there is no user ${user}; ${hint(user, all.users)}`),
    ...services.map(
      (name) => `${field}.serviceAccounts: there is no service account ${name}; ${hint(name, all.serviceAccounts)}`,
    ),
  ];
}

function unreachable({ connections, rules }: Linted): Finding[] {
  const openers = rules.filter(({ spec }) => spec.then !== 'deny');
  return connections
    .filter((connection) => !openers.some(({ spec }) => covers(spec.connections, connection)))
    .map(({ name }) => ({ kind: 'Connection', name, message: 'nobody can open it: no rule allows or asks for it' }));
}

/** A rule that lets through where another always denies the same people in the same places. */
function shadowed({ rules, connections }: Linted): Finding[] {
  const walls = rules.filter(
    ({ spec }) => spec.then === 'deny' && spec.when === undefined && spec.actions === undefined,
  );
  return rules
    .filter(({ spec }) => spec.then !== 'deny')
    .flatMap(({ name, spec }) => {
      const meant = connections.filter((one) => covers(spec.connections, one));
      const wall = walls.find(
        (deny) =>
          includes(deny.spec.who, spec.who) &&
          meant.length > 0 &&
          meant.every((one) => covers(deny.spec.connections, one)),
      );
      if (wall === undefined) return [];
      return [
        { kind: 'Rule', name, message: `it never matters: the rule ${wall.name} denies everything that it is for` },
      ];
    });
}

function includes(wide: WhoSpec, narrow: WhoSpec): boolean {
  // One that is about programs says nothing of people.
  if (wide.actors !== undefined && !(narrow.actors?.every((name) => wide.actors?.includes(name)) ?? false))
    return false;
  if (wide.any === true) return true;
  if (narrow.any === true) return false;
  const within = (a: readonly string[] = [], b: readonly string[] = []): boolean => b.every((one) => a.includes(one));
  return (
    within(wide.groups, narrow.groups) &&
    within(wide.users, narrow.users) &&
    within(wide.serviceAccounts, narrow.serviceAccounts)
  );
}
