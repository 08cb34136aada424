import { Unavailable } from '@sallyport/shared/errors/errors.ts';
import { createRemoteJWKSet, customFetch, type JWTVerifyGetKey } from 'jose';
import { explain, readBounded } from '../outbound/answer.ts';
import { insecureUrl, wrongIssuer } from './provider.ts';

/** Milliseconds, all of them. */
export interface KeyTimes {
  /** An issuer that takes longer is down. */
  readonly timeoutMs: number;
  /** How long an issuer that failed is left alone. */
  readonly retryMs: number;
  /** How often an unknown key id may make us ask again. */
  readonly cooldownMs: number;
  /** How long keys are believed. */
  readonly maxAgeMs: number;
}

export const keyTimes: KeyTimes = { timeoutMs: 5_000, retryMs: 3_000, cooldownMs: 30_000, maxAgeMs: 600_000 };

/** One issuer's signing keys, found by discovery when they are first needed. @see OpenID Connect Discovery 1.0, 4 */
export class IssuerKeys {
  readonly #issuer: string;
  readonly #times: KeyTimes;
  #keys: Promise<JWTVerifyGetKey> | undefined;
  #failure: { readonly until: number; readonly error: Unavailable } | undefined;

  constructor(issuer: string, times: KeyTimes = keyTimes) {
    this.#issuer = issuer;
    this.#times = times;
  }

  /** The key that a token's header asks for. @throws Unavailable; jose's errors where there is no such key. */
  readonly get: JWTVerifyGetKey = async (header, token) => (await this.#source())(header, token);

  /** One discovery at a time, whoever asks; a failed one is forgotten. */
  #source(): Promise<JWTVerifyGetKey> {
    this.#keys ??= this.#discover().catch((error: unknown) => {
      this.#keys = undefined;
      throw error;
    });
    return this.#keys;
  }

  async #discover(): Promise<JWTVerifyGetKey> {
    const wrong = wrongIssuer(this.#issuer);
    if (wrong !== undefined) throw this.#unavailable(wrong);
    const url = `${this.#issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const response = await this.#fetch(url, { signal: AbortSignal.timeout(this.#times.timeoutMs) });
    const document = readDocument(await response.text());
    if (document?.issuer !== this.#issuer) {
      throw this.#failed('its discovery document names another issuer');
    }
    const { jwks_uri: keysUrl } = document;
    if (typeof keysUrl !== 'string' || !this.#mayAsk(keysUrl))
      throw this.#failed('its discovery document has no usable jwks_uri');
    return createRemoteJWKSet(new URL(keysUrl), {
      timeoutDuration: this.#times.timeoutMs,
      cooldownDuration: this.#times.cooldownMs,
      cacheMaxAge: this.#times.maxAgeMs,
      [customFetch]: (address, options) => this.#fetch(address, options),
    });
  }

  /** An issuer on the network must not point us at this machine's own ports. */
  #mayAsk(keysUrl: string): boolean {
    if (insecureUrl(keysUrl) !== undefined) return false;
    return keysUrl.startsWith('https:') || this.#issuer.startsWith('http:');
  }

  async #fetch(url: string, options: RequestInit): Promise<Response> {
    if (this.#failure !== undefined && Date.now() < this.#failure.until) throw this.#failure.error;
    try {
      const response = await fetch(url, { ...options, redirect: 'manual' });
      if (response.status !== 200) throw new Error(`it answered with status ${response.status}`);
      const text = await readBounded(response);
      this.#failure = undefined;
      return new Response(text, { status: 200 });
    } catch (cause) {
      throw this.#failed(explain(cause), cause);
    }
  }

  #failed(why: string, cause?: unknown): Unavailable {
    const error = this.#unavailable(why, cause);
    this.#failure = { until: Date.now() + this.#times.retryMs, error };
    return error;
  }

  #unavailable(why: string, cause?: unknown): Unavailable {
    const message = `the identity provider ${this.#issuer} cannot be used: ${why}`;
    return new Unavailable('identity', 'ERR_IDENTITY_UNAVAILABLE', message, { cause });
  }
}

function readDocument(text: string): { issuer?: unknown; jwks_uri?: unknown } | undefined {
  try {
    const document: unknown = JSON.parse(text);
    return typeof document === 'object' && document !== null ? document : undefined;
  } catch {
    return undefined;
  }
}
