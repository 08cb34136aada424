import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HttpCredentialSchema, HttpCredential as Message } from '@sallyport/proto/tunnel/v1/http_pb';
import type { HttpCredential } from '../access/http.ts';

/** How an HTTP connection's credential crosses the tunnel. */
export function httpCredentialMessage(
  credential: HttpCredential | undefined,
): MessageInitShape<typeof HttpCredentialSchema> | undefined {
  if (credential === undefined) return undefined;
  const { oauth, ...others } = credential;
  return { ...others, ...(oauth === undefined ? {} : { oauth: { ...oauth, scopes: [...oauth.scopes] } }) };
}

export function readHttpCredential(message: Message | undefined): HttpCredential | undefined {
  if (message === undefined) return undefined;
  const { header, basic, bearer, oauth, sigv4, clientCertificate } = message;
  return {
    ...(header && { header: { name: header.name, secret: header.secret, format: header.format } }),
    ...(basic && { basic: { username: basic.username, password: basic.password } }),
    ...(bearer !== undefined && { bearer }),
    ...(oauth && { oauth: { ...plain(oauth), scopes: oauth.scopes } }),
    ...(sigv4 && { sigv4: plain(sigv4) }),
    ...(clientCertificate && { clientCertificate: plain(clientCertificate) }),
  };
}

/** The message's fields that are there. */
function plain<T extends object>(message: T): Present<T> {
  const fields = Object.entries(message).filter(([name, value]) => !name.startsWith('$') && value !== undefined);
  return Object.fromEntries(fields) as Present<T>;
}

type Present<T> = { [K in keyof T as K extends `$${string}` ? never : K]: Exclude<T[K], undefined> };
