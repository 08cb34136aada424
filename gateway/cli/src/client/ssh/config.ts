import type { GetSshServerResponse } from '@sallyport/proto/api/v1/keys_pb';
import { Failure } from '../../failures.ts';

/** What the gateway says goes into a file that ssh obeys: nothing but names may be in it. */
const plain = /^[A-Za-z0-9][A-Za-z0-9._@:-]*$/;

export interface ConfigParts {
  readonly server: GetSshServerResponse;
  readonly connections: readonly string[];
  readonly knownHostsFile: string;
  /** The private key's file; undefined: the ssh-agent has it. */
  readonly identityFile: string | undefined;
  /** How ssh renews the certificate before it connects; undefined: it does not. */
  readonly renew: string | undefined;
}

/** A block of ~/.ssh/config for each connection, so that `ssh NAME` gets there. @throws Failure */
export function sshConfig({ server, connections, knownHostsFile, identityFile, renew }: ConfigParts): string {
  const host = checked('host', server.host);
  const blocks = connections.map((name) => {
    checked('connection', name);
    const identity = [
      `  IdentityFile ${quoted(identityFile ?? '')}`,
      `  CertificateFile ${quoted(`${identityFile}-cert.pub`)}`,
    ];
    return [
      `Host ${name}`,
      `  HostName ${host}`,
      `  Port ${server.port}`,
      `  User ${name}`,
      `  UserKnownHostsFile ${quoted(knownHostsFile)}`,
      '  StrictHostKeyChecking yes',
      ...(identityFile === undefined ? [] : identity),
    ].join('\n');
  });
  const renewal = renew === undefined ? [] : [`Match originalhost ${connections.join(',')} exec "${renew}"`];
  return `${[...renewal, ...blocks].join('\n')}\n`;
}

/** Lines of a known_hosts file, as the gateway publishes them. @throws Failure where one is none */
export function knownHosts({ knownHosts: lines }: GetSshServerResponse): string {
  const line = /^(?:@cert-authority )?[[\]A-Za-z0-9.:*,_-]+ [a-z0-9@.-]+ [A-Za-z0-9+/]+={0,2}(?: [A-Za-z0-9._@-]*)?$/;
  const wrong = lines.find((each) => !line.test(each));
  if (wrong !== undefined) throw new Failure('the gateway told of a host key that cannot be read');
  return lines.map((each) => `${each}\n`).join('');
}

function checked(what: string, name: string): string {
  if (!plain.test(name)) throw new Failure(`the ${what} "${name}" cannot be written into ssh's configuration`);
  return name;
}

function quoted(path: string): string {
  if (/["\n\r]/.test(path)) throw new Failure(`the path ${path} cannot be written into ssh's configuration`);
  return /\s/.test(path) ? `"${path}"` : path;
}
