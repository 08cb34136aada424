import type { Denial } from '@sallyport/shared/access/verdict.ts';
import type { JWTPayload } from 'jose';
import * as client from 'openid-client';
import { claimAt, leftOut, principalOf } from '../claims.ts';
import { refusal } from '../denial.ts';
import { IssuerKeys, type KeyTimes } from '../issuer-keys.ts';
import type { OidcProvider } from '../provider.ts';
import { SKEW_S, verifyJwt } from '../verify-jwt.ts';
import type { BrowserProvider, Callback, Json, ProviderLogout, RefreshSecret, SignedIn } from './browser-provider.ts';
import { directoryOf, lookupScopes } from './groups/directories.ts';
import { allGroups } from './groups/pages.ts';
import { verifyLogoutToken } from './logout-token.ts';
import { OidcClient } from './oidc-client.ts';
import { again, failureOf } from './oidc-failure.ts';
import { quirksOf } from './presets.ts';
import type { ReplayCache } from './replay-cache.ts';
import { issuerOf, type NamedProvider, type OidcSpec, oidcProviderOf } from './spec.ts';

export interface OidcBrowserParts {
  readonly replay: ReplayCache;
  readonly clock: () => number;
  readonly keyTimes?: KeyTimes | undefined;
}

/** UTF-16 units of all claims together; a token of Entra ID with 200 groups has some 10,000. */
const MAX_CLAIMS = 128 * 1024;
/** How long a refresh without an ID token is believed where it does not say. */
const SHORT_MS = 300_000;

interface Memory {
  readonly provider: string;
  readonly issuer: string;
  readonly redirectUri: string;
  readonly verifier: string;
  readonly nonce: string;
  readonly state: string;
}

type Tokens = client.TokenEndpointResponse & client.TokenEndpointResponseHelpers;

/** Sign-in by OpenID Connect's authorization code flow, with PKCE, state and nonce. @see RFC 9700, 2.1.1 */
export class OidcBrowser implements BrowserProvider {
  readonly kind = 'oidc';
  readonly name: string;
  readonly label: string;
  readonly idPrefix: string;
  readonly #spec: OidcSpec;
  readonly #issuer: string;
  readonly #provider: OidcProvider;
  readonly #client: OidcClient;
  readonly #keys: IssuerKeys;
  readonly #parts: OidcBrowserParts;

  constructor(named: NamedProvider<OidcSpec>, parts: OidcBrowserParts) {
    const { name, spec } = named;
    this.name = name;
    this.label = spec.label ?? (quirksOf(spec.preset).label || name);
    this.#spec = spec;
    this.#issuer = issuerOf(spec);
    this.idPrefix = `oidc:${this.#issuer}#`;
    this.#provider = oidcProviderOf(named);
    this.#client = new OidcClient(named);
    this.#keys = new IssuerKeys(this.#issuer, parts.keyTimes);
    this.#parts = parts;
  }

  async begin({ state, redirectUri }: { state: string; redirectUri: string }) {
    const configuration = await this.#client.configuration();
    const verifier = client.randomPKCECodeVerifier();
    const nonce = client.randomNonce();
    const { parameters } = quirksOf(this.#spec.preset);
    const [domain, second] = this.#spec.allowedDomains ?? [];
    const url = client.buildAuthorizationUrl(configuration, {
      ...parameters,
      ...(domain === undefined ? {} : { hd: second === undefined ? domain : '*' }),
      scope: this.#scopes().join(' '),
      redirect_uri: redirectUri,
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
    });
    const memory: Memory = { provider: this.name, issuer: this.#issuer, redirectUri, verifier, nonce, state };
    return { location: url.href, memory: { ...memory } };
  }

  async complete({ url }: Callback, memory: Json, signal?: AbortSignal): Promise<SignedIn | Denial> {
    const kept = this.#readMemory(memory);
    if (kept === undefined) return refusal('this sign-in was begun elsewhere, or is over', again);
    // The address as it was registered: what a proxy in front makes of it does not count.
    const came = new URL(kept.redirectUri);
    came.search = url.search;
    try {
      const tokens = await client.authorizationCodeGrant(await this.#client.configuration(), came, {
        pkceCodeVerifier: kept.verifier,
        expectedNonce: kept.nonce,
        expectedState: kept.state,
        idTokenExpected: true,
      });
      return await this.#signedIn(tokens, undefined, signal);
    } catch (error) {
      return failureOf(error, this.#client);
    }
  }

  async refresh(secret: RefreshSecret, signal?: AbortSignal): Promise<SignedIn | Denial> {
    if (secret.provider !== this.name) return refusal('this session is of another identity provider', again);
    try {
      const tokens = await client.refreshTokenGrant(await this.#client.configuration(), secret.token);
      return await this.#signedIn(tokens, secret, signal);
    } catch (error) {
      return failureOf(error, this.#client);
    }
  }

  /** @see OpenID Connect RP-Initiated Logout 1.0, 2 */
  signOutUrl({ providerSession }: Pick<SignedIn, 'providerSession'>, returnTo: string): string | undefined {
    const endpoint = this.#client.metadata?.end_session_endpoint;
    const url = endpoint === undefined ? null : URL.parse(endpoint);
    if (url === null || !['https:', 'http:'].includes(url.protocol)) return undefined;
    const { idToken } = providerSession;
    if (idToken !== undefined) url.searchParams.set('id_token_hint', idToken);
    url.searchParams.set('client_id', this.#clientId);
    url.searchParams.set('post_logout_redirect_uri', returnTo);
    return url.href;
  }

  verifyLogout(logoutToken: string): Promise<ProviderLogout | Denial> {
    const { clock, replay } = this.#parts;
    return verifyLogoutToken(logoutToken, {
      issuer: this.#issuer,
      clientId: this.#clientId,
      keys: this.#keys,
      replay,
      clock,
    });
  }

  get #clientId(): string {
    return this.#spec.clientId ?? '';
  }

  #scopes(): readonly string[] {
    const { scopes, preset, groups } = this.#spec;
    const wanted = scopes ?? quirksOf(preset).scopes;
    const lookup = groups?.lookup === undefined ? [] : [lookupScopes[groups.lookup]];
    return [...new Set(['openid', ...wanted, ...lookup])];
  }

  #readMemory(memory: Json): Memory | undefined {
    const kept = memory as Partial<Memory> | null;
    if (typeof kept !== 'object' || kept === null) return undefined;
    const texts = [kept.redirectUri, kept.verifier, kept.nonce, kept.state];
    if (!texts.every((text) => typeof text === 'string' && text !== '')) return undefined;
    return kept.provider === this.name && kept.issuer === this.#issuer ? (kept as Memory) : undefined;
  }

  async #signedIn(tokens: Tokens, before: RefreshSecret | undefined, signal?: AbortSignal): Promise<SignedIn | Denial> {
    const idToken = tokens.id_token;
    const read = await this.#claims(tokens, before);
    if (!('payload' in read)) return read;
    const { payload } = read;
    const groups = await this.#lookUp(payload, tokens.access_token, signal);
    if (groups !== undefined && 'message' in groups) return groups;
    const principal = principalOf(this.#provider, payload, groups);
    if ('message' in principal) return principal;
    const named = groups !== undefined || this.#namesGroups(payload);
    if (before?.groups === true && !named) return refusal('your identity provider no longer says your groups', again);
    const token = tokens.refresh_token ?? before?.token;
    const subject = payload.sub ?? '';
    const { sid } = payload as { sid?: unknown };
    return {
      principal,
      expiresAt: this.#endOf(payload, tokens),
      ...(token === undefined ? {} : { refresh: { provider: this.name, subject, token, groups: named } }),
      providerSession: {
        subject,
        ...(typeof sid === 'string' ? { sid } : {}),
        ...(idToken === undefined ? {} : { idToken }),
      },
    };
  }

  #endOf({ exp }: JWTPayload, { expiresIn }: Tokens): number {
    if (exp !== undefined) return (exp + SKEW_S) * 1000;
    const seconds = expiresIn();
    return this.#parts.clock() + (seconds === undefined ? SHORT_MS : seconds * 1000);
  }

  /** What the ID token says, and what the userinfo endpoint adds where a claim of ours is missing. */
  async #claims(tokens: Tokens, before: RefreshSecret | undefined) {
    const { id_token: idToken } = tokens;
    const verified = idToken === undefined ? undefined : await this.#verify(idToken);
    if (verified !== undefined && !('payload' in verified)) return verified;
    const sub = verified?.payload.sub ?? before?.subject;
    if (sub === undefined)
      return refusal('your identity provider does not say who you are: it sent no ID token', again);
    if (before !== undefined && sub !== before.subject)
      return refusal('your identity provider named somebody else', again);
    const own: JWTPayload = verified?.payload ?? {};
    const payload: JWTPayload = { ...(await this.#userInfo(tokens, own, sub)), ...own, iss: this.#issuer, sub };
    if (JSON.stringify(payload).length > MAX_CLAIMS) {
      return refusal(
        'your identity provider says too much of you: over 128 KiB',
        'Ask its administrator to leave out claims.',
      );
    }
    return { payload };
  }

  #verify(idToken: string) {
    const expected = { issuer: this.#issuer, audiences: [this.#clientId], now: this.#parts.clock() };
    return verifyJwt(idToken, this.#keys, expected);
  }

  async #userInfo(tokens: Tokens, own: JWTPayload, sub: string): Promise<client.UserInfoResponse | undefined> {
    const { nameClaim = 'email' } = this.#provider;
    const complete = claimAt(own, nameClaim) !== undefined && this.#namesGroups(own);
    const configuration = await this.#client.configuration();
    const asks = configuration.serverMetadata().userinfo_endpoint !== undefined;
    // A refresh without an ID token is good for nothing if nobody says that the person is still there.
    if (!asks && own.sub === undefined) throw this.#client.unavailable('it refreshes without saying whom');
    if (complete || !asks) return undefined;
    return await client.fetchUserInfo(configuration, tokens.access_token, sub);
  }

  #namesGroups(payload: JWTPayload): boolean {
    const claim = this.#provider.groupsClaim ?? 'groups';
    return claimAt(payload, claim) !== undefined || leftOut(payload, claim);
  }

  /** The groups by the provider's directory, where the token has none and one is configured. */
  async #lookUp(payload: JWTPayload, accessToken: string, signal?: AbortSignal) {
    const { lookup, lookupUrl } = this.#spec.groups ?? {};
    if (lookup === undefined) return undefined;
    const claim = this.#provider.groupsClaim ?? 'groups';
    if (lookup === 'graph' && !leftOut(payload, claim)) return undefined;
    const { email, email_verified: verified } = payload;
    const address = typeof email === 'string' && verified === true ? email : undefined;
    const directory = directoryOf(lookup, lookupUrl, address);
    if (directory === undefined)
      return refusal('your groups cannot be looked up: your account has no verified address', again);
    return allGroups(directory, accessToken, signal);
  }
}
