import type { Open } from '@sallyport/proto/tunnel/v1/tunnel_pb';
import type { CredentialReference, ProtocolName, TlsMode } from '@sallyport/shared/access/connection.ts';
import { readHttpCredential } from '@sallyport/shared/tunnel/http.ts';
import type { Opening } from '@sallyport/shared/tunnel/opening.ts';
import { sshCredentialOf, sshTargetOf } from './ssh-opening.ts';

/** What the gateway asks for, from the tunnel's message. */
export function openingOf(open: Open): Opening {
  const { protocol, target, settings, connection, session, wall } = open;
  const { host = '', port = 0, database, tls = 'verify-full', ca, ssh, http } = target ?? {};
  return {
    protocol: protocol as ProtocolName,
    target: {
      host,
      port,
      tls: tls as TlsMode,
      ...(database === undefined ? {} : { database }),
      ...(ca === undefined ? {} : { ca }),
      ...(http === undefined ? {} : { http: { basePath: http.basePath } }),
      ...(ssh === undefined ? {} : { ssh: sshTargetOf(ssh) }),
    },
    credential: { ...credentialOf(open), ...httpOf(open) },
    settings: { ...settings },
    connection,
    session,
    ...(wall === undefined
      ? {}
      : { wall: { readOnly: wall.readOnly, columns: wall.columns, privileges: wall.privileges } }),
  };
}

function credentialOf({ credential }: Open): CredentialReference {
  const { username = '', password, postgresRole, ssh } = credential ?? {};
  const passwordOf = (text: string | undefined) => (text === undefined ? {} : { password: text });
  if (ssh !== undefined) return { username, ...passwordOf(password), ssh: sshCredentialOf(ssh) };
  if (postgresRole === undefined) return { username, ...passwordOf(password) };
  const { username: issuer, password: issuerPassword, validForSeconds } = postgresRole;
  return {
    username,
    ...passwordOf(password),
    postgresRole: { username: issuer, ...passwordOf(issuerPassword), validForSeconds },
  };
}

function httpOf({ credential }: Open): Pick<CredentialReference, 'http'> {
  const http = readHttpCredential(credential?.http);
  return http === undefined ? {} : { http };
}
