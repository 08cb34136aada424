import type { Opening } from '@sallyport/shared/tunnel/opening.ts';
import { Boundary } from '../../boundary/boundary.ts';
import type { CredentialResolver } from '../../credentials/resolver.ts';
import type { Connector } from '../connector.ts';
import { Authenticators } from './authentication/authenticators.ts';
import { HttpSession } from './session.ts';
import { Transports } from './transport.ts';

export interface HttpConnectorOptions {
  /** Where the agent connects at all; private networks only when absent. */
  readonly boundary?: Pick<Boundary, 'checkTarget'>;
}

/** HTTP APIs. Nothing is dialled before a request was judged; connections are kept and shared. */
export function httpConnector(
  resolver: CredentialResolver,
  { boundary = new Boundary(undefined) }: HttpConnectorOptions = {},
): Connector {
  const transports = new Transports(resolver, boundary);
  const authenticators = new Authenticators(resolver, transports);
  return {
    protocol: 'http',
    async open(opening: Opening): Promise<HttpSession> {
      return new HttpSession({ opening, transports, authenticators });
    },
  };
}
