import { Role, type WhoAmIResponse } from '@sallyport/proto/api/v1/identity_pb';
import { createContext, useContext } from 'react';

/** Who is signed in, as the gateway says. */
export interface Me {
  readonly id: string;
  readonly name: string;
  readonly groups: readonly string[];
  readonly isAdmin: boolean;
  /** May read everybody's sessions, the journal, the agents. */
  readonly isReader: boolean;
}

export function meOf({ principal, roles }: WhoAmIResponse): Me {
  const isAdmin = roles.includes(Role.ADMIN);
  return {
    id: principal?.id ?? '',
    name: principal?.name ?? '',
    groups: principal?.groups ?? [],
    isAdmin,
    isReader: isAdmin || roles.includes(Role.AUDITOR),
  };
}

export const MeContext = createContext<Me | undefined>(undefined);

/** @throws Error outside the shell: our bug. */
export function useMe(): Me {
  const me = useContext(MeContext);
  if (me === undefined) throw new Error('nobody is signed in here');
  return me;
}
