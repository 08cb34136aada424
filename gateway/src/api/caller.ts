import { type ContextValues, createContextKey } from '@connectrpc/connect';
import type { Authenticated } from './ports.ts';
import type { Role } from './roles.ts';

/** Who makes this call; put into its context by the gate, and by nobody else. */
export interface Caller extends Authenticated {
  readonly roles: readonly Role[];
  /** For streams: whether the caller is still who they were. */
  readonly stillValid: () => Promise<boolean>;
}

const callerKey = createContextKey<Caller | undefined>(undefined, { description: 'caller' });

/** IP address of the socket that the call came on. */
export const addressKey = createContextKey('unknown', { description: 'address' });

export function admitCaller(values: ContextValues, caller: Caller): void {
  values.set(callerKey, caller);
}

/** @throws Error where the gate let nobody in: a bug of ours, and the call fails. */
export function callerOf({ values }: { readonly values: ContextValues }): Caller {
  const caller = values.get(callerKey);
  if (caller === undefined) throw new Error('a method that needs a caller was let through without one');
  return caller;
}

export function isAny(caller: Caller, ...roles: readonly Role[]): boolean {
  return roles.some((role) => caller.roles.includes(role));
}
