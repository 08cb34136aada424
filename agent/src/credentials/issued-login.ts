import type { Opening } from '@sallyport/shared/tunnel/opening.ts';
import type { IssuedLogin } from './leases.ts';
import type { CredentialResolver } from './resolver.ts';
import { SecretMissing } from './source.ts';

/**
 * A login that the credential's source makes for this session.
 * @throws Unavailable ERR_CREDENTIAL_UNRESOLVED
 */
export async function issuedLogin(
  resolver: CredentialResolver,
  { credential, connection, session }: Opening,
): Promise<IssuedLogin> {
  const { username, password, lease } = await resolver.login(credential, new AbortController().signal);
  if (lease === undefined) throw new SecretMissing('the source gave a login without a lease');
  const { id, source, issuedAt, expiresAt } = lease;
  return {
    lease: { id, source, connection, session, username, issuedAt, expiresAt },
    password,
    watch: ({ renewed, ended }) => {
      lease.onRenewal(renewed);
      lease.onEnd(({ reason }) => ended(reason));
    },
    async revoke() {
      if (!(await lease.release())) throw new Error('the source did not take it back');
    },
  };
}
