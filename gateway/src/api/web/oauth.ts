import {
  type Authorization,
  DEVICE_INTERVAL_S,
  DEVICE_MS,
  type TokenAnswer,
} from '../../identity/oauth/authorization.ts';
import type { BrowserSession } from '../../identity/oauth/browsers.ts';
import type { ClientCredentials } from '../../identity/oauth/client-credentials.ts';
import { type Client, clientsOf } from '../../identity/oauth/clients.ts';
import type { Delegations } from '../../identity/oauth/delegation.ts';
import { OAuthFailure } from '../../identity/oauth/failure.ts';
import { isChallenge } from '../../identity/oauth/secrets.ts';
import type { Workloads } from '../../identity/oauth/workloads.ts';
import type { Throttle } from '../throttle.ts';
import { consentPage, deviceDonePage, devicePage, refusedPage, typeCodePage } from './consent.ts';
import { type Exchange, FormProblem } from './exchange.ts';

export interface OAuthParts {
  readonly publicUrl: string;
  readonly authorization: Authorization;
  readonly workloads: Workloads;
  readonly delegations: Delegations;
  readonly clients: ClientCredentials;
  readonly throttle: Throttle;
  /** Ends a token of the gateway's. */
  readonly revoke: (token: string) => Promise<void>;
}

export const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';

/** The gateway as an authorization server of its own clients. @see RFC 6749, 7009, 7636, 8252, 8414, 8628, 8693, 9207 */
export class OAuthEndpoints {
  readonly #parts: OAuthParts;
  readonly #issuer: string;
  readonly #clients: ReadonlyMap<string, Client>;

  constructor(parts: OAuthParts) {
    this.#parts = parts;
    this.#issuer = parts.publicUrl.replace(/\/$/, '');
    this.#clients = clientsOf(parts.publicUrl);
  }

  metadata(exchange: Exchange): void {
    const issuer = this.#issuer;
    exchange.json(200, {
      issuer,
      authorization_endpoint: `${issuer}/oauth/authorize`,
      token_endpoint: `${issuer}/oauth/token`,
      device_authorization_endpoint: `${issuer}/oauth/device_authorization`,
      revocation_endpoint: `${issuer}/oauth/revoke`,
      response_types_supported: ['code'],
      response_modes_supported: ['query'],
      grant_types_supported: ['authorization_code', 'refresh_token', deviceGrant, exchangeGrant, 'client_credentials'],
      code_challenge_methods_supported: ['S256'],
      token_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post'],
      authorization_response_iss_parameter_supported: true,
    });
  }

  /** What a client asks for in a browser, by GET; the person's yes, by POST. */
  async authorize(exchange: Exchange, browser: BrowserSession | undefined): Promise<void> {
    const asked = exchange.method === 'POST' ? await exchange.form() : exchange.url.searchParams;
    const client = this.#clients.get(asked.get('client_id') ?? '');
    const redirectUri = asked.get('redirect_uri') ?? '';
    // Before the address is known to be the client's, nothing is sent there (RFC 6749, 4.1.2.1).
    if (client === undefined) return refusedPage(exchange, 'the program that asks is not known here');
    if (!client.mayRedirectTo(redirectUri)) {
      return refusedPage(exchange, `${client.label} asks to be answered at an address that is not its own`);
    }
    const challenge = asked.get('code_challenge') ?? '';
    const back = (answer: Record<string, string>): void => this.#back(exchange, redirectUri, asked, answer);
    if (asked.get('response_type') !== 'code') return back({ error: 'unsupported_response_type' });
    if (asked.get('code_challenge_method') !== 'S256' || !isChallenge(challenge)) {
      return back({ error: 'invalid_request', error_description: 'code_challenge with S256 is needed' });
    }
    if (browser === undefined) return toSignIn(exchange, `/oauth/authorize?${asked.toString()}`);
    if (client.asks && exchange.method !== 'POST') return consentPage(exchange, browser, client, asked, redirectUri);
    if (client.asks && asked.get('answer') !== 'yes') return back({ error: 'access_denied' });
    const code = await this.#parts.authorization.issueCode(browser, { client: client.id, redirectUri, challenge });
    back({ code });
  }

  async token(exchange: Exchange): Promise<void> {
    await this.#answer(exchange, async (form) => {
      const { authorization, workloads, delegations, clients } = this.#parts;
      const grant = only(form, 'grant_type');
      if (grant === exchangeGrant) {
        this.#slow(`exchange ${exchange.address}`);
        const by = form.has('actor_token') ? delegations : workloads;
        return exchanged(await by.exchange(form, exchange.address));
      }
      if (grant === 'client_credentials') {
        this.#slow(`client ${exchange.address}`);
        const { authorization: header } = exchange.request.headers;
        return granted(await clients.exchange(form, header, exchange.address));
      }
      const client = this.#clientOf(form);
      if (grant === 'authorization_code') {
        const order = { client, redirectUri: only(form, 'redirect_uri'), verifier: only(form, 'code_verifier') };
        return answered(await authorization.redeemCode(only(form, 'code'), order));
      }
      if (grant === 'refresh_token') return answered(await authorization.refresh(only(form, 'refresh_token'), client));
      if (grant === deviceGrant) return answered(await authorization.pollDevice(only(form, 'device_code'), client));
      throw new OAuthFailure('unsupported_grant_type', 'this grant is not served here');
    });
  }

  async deviceAuthorization(exchange: Exchange): Promise<void> {
    await this.#answer(exchange, async (form) => {
      this.#slow(exchange.address);
      const client = this.#clientOf(form);
      const { deviceCode, userCode } = await this.#parts.authorization.beginDevice(client, exchange.address);
      return {
        device_code: deviceCode,
        user_code: userCode,
        verification_uri: `${this.#issuer}/device`,
        verification_uri_complete: `${this.#issuer}/device?user_code=${userCode}`,
        expires_in: DEVICE_MS / 1000,
        interval: DEVICE_INTERVAL_S,
      };
    });
  }

  /** Always 200: whether there was such a token is told to nobody. @see RFC 7009, 2.2 */
  async revoke(exchange: Exchange): Promise<void> {
    await this.#answer(exchange, async (form) => {
      const token = only(form, 'token');
      if (!(await this.#parts.authorization.revoke(token))) await this.#parts.revoke(token);
      return {};
    });
  }

  /** Where a person types the code of a device, and says yes or no. */
  async device(exchange: Exchange, browser: BrowserSession | undefined): Promise<void> {
    const { authorization, throttle } = this.#parts;
    const asked = exchange.method === 'POST' ? await exchange.form() : exchange.url.searchParams;
    const typed = (asked.get('user_code') ?? '').slice(0, 32);
    if (browser === undefined) {
      return toSignIn(exchange, typed === '' ? '/device' : `/device?user_code=${encodeURIComponent(typed)}`);
    }
    if (typed === '') return typeCodePage(exchange);
    // Codes are short: who guesses is slowed down.
    if (throttle.take(`device ${browser.principal.id}`) > 0)
      return typeCodePage(exchange, 'too many codes: wait a minute');
    const waiting = await authorization.device(typed);
    if (waiting === undefined) return typeCodePage(exchange, gone);
    const answer = exchange.method === 'POST' ? asked.get('answer') : null;
    if (answer === null) {
      return devicePage(exchange, browser, this.#clients.get(waiting.client)?.label ?? waiting.client, waiting);
    }
    const isDone = await authorization.decideDevice(typed, browser, answer === 'yes');
    return isDone ? deviceDonePage(exchange, answer === 'yes') : typeCodePage(exchange, gone);
  }

  #back(
    exchange: Exchange,
    redirectUri: string,
    asked: URLSearchParams,
    answer: Readonly<Record<string, string>>,
  ): void {
    const url = new URL(redirectUri);
    const state = asked.get('state');
    const all = { ...answer, ...(state === null ? {} : { state }), iss: this.#issuer };
    for (const [key, value] of Object.entries(all)) url.searchParams.set(key, value);
    exchange.redirect(url.href);
  }

  #clientOf(form: URLSearchParams): string {
    const id = only(form, 'client_id');
    if (!this.#clients.has(id)) throw new OAuthFailure('invalid_client', 'this client is not known here');
    return id;
  }

  #slow(key: string): void {
    if (this.#parts.throttle.take(key) === 0) return;
    throw new OAuthFailure('temporarily_unavailable', 'too many requests: wait a moment');
  }

  async #answer(exchange: Exchange, act: (form: URLSearchParams) => Promise<object>): Promise<void> {
    try {
      exchange.json(200, await act(await exchange.form()), { pragma: 'no-cache' });
    } catch (error) {
      if (!(error instanceof OAuthFailure || error instanceof FormProblem)) throw error;
      const [status, code] = error instanceof FormProblem ? [error.status, 'invalid_request'] : statusOf(error);
      // RFC 6749, 5.2: who tried with a header is told which one.
      const tried = code === 'invalid_client' && exchange.request.headers.authorization !== undefined;
      const headers = tried ? { 'www-authenticate': 'Basic realm="sallyport"' } : {};
      exchange.json(status, { error: code, error_description: ascii(error.message) }, headers);
    }
  }
}

const gone = 'nothing waits under this code: it may have ended';

const toSignIn = (exchange: Exchange, here: string): void =>
  exchange.redirect(`/signin?${new URLSearchParams({ return: here })}`);

function statusOf({ code }: OAuthFailure): readonly [number, string] {
  if (code === 'invalid_client') return [401, code];
  return [code === 'temporarily_unavailable' ? 503 : 400, code];
}

/** RFC 6749, 3.2: a parameter comes once or not at all. */
function only(form: URLSearchParams, name: string): string {
  const [value, more] = form.getAll(name);
  if (value !== undefined && value !== '' && more === undefined) return value;
  throw new OAuthFailure('invalid_request', `${name} is needed, once`);
}

/** What RFC 6749, 5.2 lets error_description hold. */
const ascii = (text: string): string => text.replace(/"/g, "'").replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '?');

const answered = ({ accessToken, expiresIn, refreshToken }: TokenAnswer): object => ({
  access_token: accessToken,
  token_type: 'Bearer',
  expires_in: expiresIn,
  ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
});

const granted = ({ accessToken, expiresIn }: Omit<TokenAnswer, 'refreshToken'>): object => ({
  access_token: accessToken,
  token_type: 'Bearer',
  expires_in: expiresIn,
});

const exchanged = ({ accessToken, expiresIn }: Omit<TokenAnswer, 'refreshToken'>): object => ({
  access_token: accessToken,
  issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  token_type: 'Bearer',
  expires_in: expiresIn,
});
