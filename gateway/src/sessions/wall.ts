import type { Connection } from '@sallyport/shared/access/connection.ts';
import type { Principal } from '@sallyport/shared/access/principal.ts';
import { Unavailable } from '@sallyport/shared/errors/errors.ts';
import type { Wall } from '@sallyport/shared/tunnel/opening.ts';
import type { Access } from './access.ts';

/**
 * What the target itself is to keep from a session; undefined where that is nothing.
 * @throws Unavailable where a rule names privileges and the connection makes no roles that could be kept to them
 */
export function wallOf(
  { masks, policy }: Pick<Access, 'masks' | 'policy'>,
  connection: Connection,
  principal: Principal,
): Wall | undefined {
  const named = policy.privileges(connection, principal);
  if (connection.credential.postgresRole === undefined) {
    if (named === undefined) return undefined;
    const text = `The rule ${named.rule} names privileges, and the connection ${connection.name} has no credential.postgresRole that could keep a session to them.`;
    throw new Unavailable('policy', 'ERR_CREDENTIAL_UNRESOLVED', text);
  }
  const columns = connection.wall?.columns === true ? masks.columns(principal, connection) : [];
  const readOnly = connection.wall?.readOnly ?? false;
  const privileges = named?.privileges ?? [];
  return readOnly || columns.length > 0 || privileges.length > 0 ? { readOnly, columns, privileges } : undefined;
}
