import { ConfigError } from '@sallyport/shared/errors/errors.ts';
import type { NatsCredentials } from '../audit/publisher.ts';
import type { Config } from '../config/config.ts';

/** How the gateway proves itself to NATS; undefined where nothing is configured. @throws ConfigError for two ways at once */
export function natsCredentials(nats: NonNullable<Config['nats']>): NatsCredentials | undefined {
  const { credentials, nkey, user, passwordFile, tokenFile } = nats;
  const ways: (NatsCredentials | undefined)[] = [
    credentials === undefined ? undefined : { credsFile: credentials },
    nkey === undefined ? undefined : { nkeyFile: nkey },
    user === undefined || passwordFile === undefined ? undefined : { user, passwordFile },
    tokenFile === undefined ? undefined : { tokenFile },
  ];
  const given = ways.filter((way) => way !== undefined);
  if ((user === undefined) !== (passwordFile === undefined)) {
    throw new ConfigError('nats', undefined, 'user and passwordFile belong together');
  }
  if (given.length > 1) {
    throw new ConfigError('nats', undefined, 'name one of credentials, nkey, user with passwordFile, or tokenFile');
  }
  return given[0];
}
