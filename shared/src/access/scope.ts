import type { Connection, ProtocolName } from './connection.ts';
import type { Principal } from './principal.ts';

/** Who something is for: any one of these is enough. */
export interface WhoSpec {
  readonly groups?: readonly string[];
  /** Names or ids of people; never matches a service account. */
  readonly users?: readonly string[];
  readonly serviceAccounts?: readonly string[];
  readonly any?: boolean;
}

/** Which connections something is for: all that is said must hold; nothing said is every connection. */
export interface ConnectionsSpec {
  readonly names?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly protocol?: ProtocolName;
}

export type Place = Pick<Connection, 'name' | 'labels' | 'protocol'>;

export function concerns(who: WhoSpec, principal: Principal): boolean {
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
