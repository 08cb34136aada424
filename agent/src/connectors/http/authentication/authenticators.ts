import type { Opening } from '@sallyport/shared/tunnel/opening.ts';
import { type Headers, withField, without } from '@sallyport/shared/wire/http/headers.ts';
import type { CredentialResolver } from '../../../credentials/resolver.ts';
import type { Transports } from '../transport.ts';
import { authFailed } from './failure.ts';
import { OAuthTokens } from './oauth.ts';
import { signed } from './sigv4.ts';

/** A request about to be sent. */
export interface Unproven {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: Headers;
  readonly hasBody: boolean;
}

/** Puts the target's credential on a request. */
export interface Proof {
  prove(request: Unproven): Promise<Headers>;
  /** The target said 401: what was kept of the credential is not used again. */
  refused?(): void;
}

/** How the agent proves itself to targets. Secrets are resolved for each request and forgotten with it. */
export class Authenticators {
  readonly #resolver: CredentialResolver;
  readonly #tokens: OAuthTokens;

  constructor(resolver: CredentialResolver, transports: Transports) {
    this.#resolver = resolver;
    this.#tokens = new OAuthTokens(resolver, transports);
  }

  /** @throws Unavailable `ERR_CREDENTIAL_UNRESOLVED`, `ERR_TARGET_AUTH` */
  async of({ target, credential }: Opening, signal: AbortSignal): Promise<Proof> {
    const { header, basic, bearer, oauth, sigv4 } = credential.http ?? {};
    const resolve = (reference: string): Promise<string> => this.#resolver.resolve(reference, signal);
    if (header !== undefined) {
      return field(header.name.toLowerCase(), header.format, await resolve(header.secret));
    }
    if (basic !== undefined) {
      const pair = Buffer.from(`${basic.username}:${await resolve(basic.password)}`).toString('base64');
      return field('authorization', 'Basic {secret}', pair);
    }
    if (bearer !== undefined) return field('authorization', 'Bearer {secret}', await resolve(bearer));
    if (oauth !== undefined) {
      const proof = field('authorization', 'Bearer {secret}', await this.#tokens.of(oauth));
      return { ...proof, refused: () => this.#tokens.forget(oauth) };
    }
    if (sigv4 === undefined) return { prove: async ({ headers }) => headers };
    const keys = {
      accessKeyId: await resolve(sigv4.accessKeyId),
      secretAccessKey: await resolve(sigv4.secretAccessKey),
      ...(sigv4.sessionToken === undefined ? {} : { sessionToken: await resolve(sigv4.sessionToken) }),
    };
    return { prove: (request) => signed(request, target, sigv4, keys) };
  }
}

/** One header field; whatever the client sent under that name, in either spelling, is left out. */
function field(name: string, format: string, secret: string): Proof {
  const value = format.replaceAll('{secret}', () => secret);
  if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
    throw authFailed('The secret has a character in it that no header can have.');
  return {
    async prove({ headers }) {
      const other = name.replaceAll('-', '_');
      return withField(without(headers, other), name, value);
    },
  };
}
