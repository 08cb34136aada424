import type { Connection } from '@sallyport/shared/access/connection.ts';
import type { Log } from '../log.ts';
import { apiDialect } from '../protocols/http/api.ts';
import { HttpFront } from '../protocols/http/front.ts';
import type { CurrentAccess } from '../sessions/access.ts';
import type { Sessions } from '../sessions/sessions.ts';

export interface HttpParts {
  readonly access: CurrentAccess;
  readonly sessions: Pick<Sessions, 'receive'>;
  readonly publicUrl: string;
  readonly log: Log;
}

/** Where requests of HTTP connections arrive, with what it asks of the other parts. */
export function httpFront({ access, sessions, publicUrl, log }: HttpParts): HttpFront {
  const suffix = `.${new URL(publicUrl).hostname}`;
  return new HttpFront({
    dialects: [apiDialect],
    find: (name) => access.now.connections.get(name),
    byHost: (host) => {
      const { connections } = access.now;
      const name = host.endsWith(suffix) ? host.slice(0, -suffix.length) : '';
      return served(connections.get(name)) ? name : named(connections, host);
    },
    receive: (visitor) => sessions.receive(visitor),
    log,
  });
}

const served = (connection: Connection | undefined): boolean =>
  connection?.protocol === 'http' || connection?.protocol === 'kubernetes';

function named(connections: ReadonlyMap<string, Connection>, host: string): string | undefined {
  for (const { name, hosts } of connections.values()) if (hosts?.includes(host) === true) return name;
  return undefined;
}
