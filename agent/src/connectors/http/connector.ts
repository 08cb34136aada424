import type { Opening } from '@sallyport/shared/tunnel/opening.ts';
import type { CredentialResolver } from '../../credentials/resolver.ts';
import type { Connector } from '../connector.ts';
import { Authenticators } from './authentication/authenticators.ts';
import { HttpSession } from './session.ts';
import { Transports } from './transport.ts';

/** HTTP APIs. Nothing is dialled before a request was judged; connections are kept and shared. */
export function httpConnector(resolver: CredentialResolver): Connector {
  const transports = new Transports(resolver);
  const authenticators = new Authenticators(resolver);
  return {
    protocol: 'http',
    async open(opening: Opening): Promise<HttpSession> {
      return new HttpSession({ opening, transports, authenticators });
    },
  };
}
