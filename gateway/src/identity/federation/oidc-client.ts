import { Unavailable } from '@sallyport/shared/errors/errors.ts';
import * as client from 'openid-client';
import { explain, readBounded } from '../../outbound/answer.ts';
import { insecureUrl, wrongIssuer } from '../provider.ts';
import { unavailableWithin } from './oidc-failure.ts';
import { dereference } from './reference.ts';
import { issuerOf, type NamedProvider, type OidcSpec } from './spec.ts';

const TIMEOUT_MS = 10_000;
/** How long discovery is believed. */
const MAX_AGE_MS = 3_600_000;
/** How long a provider that failed is left alone. */
const RETRY_MS = 3_000;

/** The gateway as a client of one provider: found by discovery when it is first needed, and again every hour. */
export class OidcClient {
  readonly #provider: NamedProvider<OidcSpec>;
  #known: { readonly configuration: Promise<client.Configuration>; readonly until: number } | undefined;
  #metadata: Readonly<client.ServerMetadata> | undefined;

  constructor(provider: NamedProvider<OidcSpec>) {
    this.#provider = provider;
  }

  /** What discovery said last; undefined before it was first needed. */
  get metadata(): Readonly<client.ServerMetadata> | undefined {
    return this.#metadata;
  }

  /** @throws Unavailable */
  configuration(): Promise<client.Configuration> {
    if (this.#known !== undefined && Date.now() < this.#known.until) return this.#known.configuration;
    const configuration = this.#discover();
    const known = { configuration, until: Date.now() + MAX_AGE_MS };
    this.#known = known;
    configuration.catch(() => {
      if (this.#known === known) this.#known = { configuration, until: Date.now() + RETRY_MS };
    });
    return configuration;
  }

  async #discover(): Promise<client.Configuration> {
    const { name, spec } = this.#provider;
    const issuer = issuerOf(spec);
    const wrong = wrongIssuer(issuer);
    if (wrong !== undefined) throw this.unavailable(wrong);
    const secret = spec.clientSecret && (await dereference(spec.clientSecret, name, 'clientSecret'));
    try {
      const found = await client.discovery(
        new URL(issuer),
        spec.clientId ?? '',
        undefined,
        client.None(),
        this.#options(),
      );
      const metadata = found.serverMetadata();
      // The library forgives Entra's «common» and a slash at the end; principals are named by the exact text.
      if (metadata.issuer !== issuer) throw new Error('its discovery document names another issuer');
      const configuration = new client.Configuration(
        metadata,
        spec.clientId ?? '',
        undefined,
        authentication(metadata, secret),
      );
      configuration[client.customFetch] = (url, options) => this.#fetch(url, options);
      configuration.timeout = TIMEOUT_MS / 1000;
      if (issuer.startsWith('http:')) client.allowInsecureRequests(configuration);
      this.#metadata = metadata;
      return configuration;
    } catch (error) {
      throw unavailableWithin(error) ?? this.unavailable(explain(error), error);
    }
  }

  #options(): client.DiscoveryRequestOptions {
    return {
      [client.customFetch]: (url, options) => this.#fetch(url, options),
      timeout: TIMEOUT_MS / 1000,
      execute: issuerOf(this.#provider.spec).startsWith('http:') ? [client.allowInsecureRequests] : [],
    };
  }

  /** Bounded in size and time, without redirects; an issuer on the network must not point us at this machine's own ports. */
  async #fetch(url: string, options: client.CustomFetchOptions): Promise<Response> {
    const loopback = issuerOf(this.#provider.spec).startsWith('http:');
    const wrong = insecureUrl(url) ?? (url.startsWith('http:') && !loopback ? 'it must be https' : undefined);
    if (wrong !== undefined) throw this.unavailable(`its address ${URL.parse(url)?.origin} may not be asked: ${wrong}`);
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const response = await fetch(url, { ...(options as RequestInit), signal, redirect: 'manual' });
      const text = await readBounded(response);
      if (response.status >= 500) throw new Error(`it answered with status ${response.status}`);
      const { status, headers } = response;
      return new Response([204, 304].includes(status) ? null : text, { status, headers });
    } catch (cause) {
      throw this.unavailable(explain(cause), cause);
    }
  }

  unavailable(why: string, cause?: unknown): Unavailable {
    const message = `the identity provider ${this.#provider.name} cannot be used: ${why}`;
    return new Unavailable('identity', 'ERR_IDENTITY_UNAVAILABLE', message, { cause });
  }
}

/** In the request's body where the provider reads it there, as most do; RFC 6749, 2.3.1 prefers the header. */
function authentication(metadata: client.ServerMetadata, secret: string | undefined): client.ClientAuth {
  if (secret === undefined || secret === '') return client.None();
  const inBody = metadata.token_endpoint_auth_methods_supported?.includes('client_secret_post') === true;
  return inBody ? client.ClientSecretPost(secret) : client.ClientSecretBasic(secret);
}
