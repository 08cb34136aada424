import type { Connection, ProtocolName } from './connection.ts';
import { globOf } from './glob.ts';
import { actorsOf, type Principal } from './principal.ts';

/** Who something is for: any one of these is enough. */
export interface WhoSpec {
  readonly groups?: readonly string[];
  /** Names or ids of people; never matches a service account. */
  readonly users?: readonly string[];
  readonly serviceAccounts?: readonly string[];
  readonly any?: boolean;
  /** Of those above, only where one of these acts on their behalf: names, with `*` for any run of characters. */
  readonly actors?: readonly string[];
}

/** Which connections something is for: all that is said must hold; nothing said is every connection. */
export interface ConnectionsSpec {
  readonly names?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly protocol?: ProtocolName;
}

export type Place = Pick<Connection, 'name' | 'labels' | 'protocol'>;

/** `chain`: whether all who act on the principal's behalf must be of `who.actors`, or any one of them. */
export function concerns(who: WhoSpec, principal: Principal, chain: 'all' | 'any' = 'all'): boolean {
  return isNamed(who, principal) && (who.actors === undefined || isActedFor(who.actors, principal, chain));
}

function isActedFor(names: readonly string[], principal: Principal, chain: 'all' | 'any'): boolean {
  const actors = actorsOf(principal);
  const isMeant = ({ name }: { readonly name: string }): boolean => names.some((pattern) => globOf(pattern)(name));
  return chain === 'any' ? actors.some(isMeant) : actors.length > 0 && actors.every(isMeant);
}

function isNamed(who: WhoSpec, principal: Principal): boolean {
  if (who.any === true) return true;
  if (who.groups?.some((group) => principal.groups.includes(group)) === true) return true;
  if (principal.id.startsWith('service:')) {
    return who.serviceAccounts?.some((name) => principal.id === `service:${name}`) === true;
  }
  return who.users?.some((user) => user === principal.name || user === principal.id) === true;
}

export function covers(where: ConnectionsSpec | undefined, place: Place): boolean {
  if (where === undefined) return true;
  if (where.names !== undefined && !where.names.includes(place.name)) return false;
  if (where.protocol !== undefined && where.protocol !== place.protocol) return false;
  return Object.entries(where.labels ?? {}).every(([label, value]) => place.labels[label] === value);
}
