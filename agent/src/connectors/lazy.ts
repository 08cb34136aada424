import type { ProtocolName } from '@sallyport/shared/access/connection.ts';
import type { Connector } from './connector.ts';

/** A connector whose code is loaded when it is first used: an agent that reaches databases only stays as small as that. */
export function lazyConnector(protocol: ProtocolName, load: () => Promise<Connector>): Connector {
  let loading: Promise<Connector> | undefined;
  return {
    protocol,
    async open(opening, signal) {
      loading ??= load();
      return (await loading).open(opening, signal);
    },
  };
}
