import type { OAuthCredential } from '@sallyport/shared/access/http.ts';
import type { CredentialResolver } from '../../../credentials/resolver.ts';
import { authFailed } from './failure.ts';

interface Kept {
  readonly token: Promise<string>;
  /** Milliseconds since the epoch; not used after that. */
  goodUntil: number;
}

/** A token is renewed so long before its end. Milliseconds. */
const EARLY_MS = 30_000;
/** Where the server does not say how long it lives (RFC 6749, 5.1). Milliseconds. */
const DEFAULT_MS = 5 * 60_000;
const ASK_MS = 15_000;
const MAX_ANSWER_BYTES = 64 * 1024;
const MAX_TOKENS = 256;

/** Access tokens by the client credentials grant, kept until shortly before they expire. */
export class OAuthTokens {
  readonly #resolver: CredentialResolver;
  readonly #clock: () => number;
  readonly #kept = new Map<string, Kept>();

  constructor(resolver: CredentialResolver, clock: () => number = Date.now) {
    this.#resolver = resolver;
    this.#clock = clock;
  }

  /** @throws Unavailable `ERR_TARGET_AUTH`, `ERR_CREDENTIAL_UNRESOLVED` */
  of(credential: OAuthCredential): Promise<string> {
    const key = JSON.stringify(credential);
    const known = this.#kept.get(key);
    if (known !== undefined && this.#clock() < known.goodUntil) return known.token;
    if (this.#kept.size >= MAX_TOKENS) this.#kept.clear();
    const kept: Kept = {
      token: this.#ask(credential, (lifeMs) => (kept.goodUntil = this.#clock() + lifeMs)),
      goodUntil: Infinity,
    };
    this.#kept.set(key, kept);
    kept.token.catch(() => this.#kept.get(key) === kept && this.#kept.delete(key));
    return kept.token;
  }

  forget(credential: OAuthCredential): void {
    this.#kept.delete(JSON.stringify(credential));
  }

  async #ask(credential: OAuthCredential, lives: (ms: number) => void): Promise<string> {
    const { tokenUrl, clientId, clientSecret, scopes, audience } = credential;
    const signal = AbortSignal.timeout(ASK_MS);
    const secret = await this.#resolver.resolve(clientSecret, signal);
    const form = new URLSearchParams({ grant_type: 'client_credentials' });
    if (scopes.length > 0) form.set('scope', scopes.join(' '));
    if (audience !== undefined) form.set('audience', audience);
    const pair = `${encodeURIComponent(clientId)}:${encodeURIComponent(secret)}`;
    const answer = await fetch(tokenUrl, {
      method: 'POST',
      redirect: 'error',
      headers: { authorization: `Basic ${Buffer.from(pair).toString('base64')}`, accept: 'application/json' },
      body: form,
      signal,
    }).catch((error: unknown) => {
      throw authFailed(`The token endpoint ${new URL(tokenUrl).host} cannot be reached.`, error);
    });
    const told = await bounded(answer);
    if (!answer.ok)
      throw authFailed(`The token endpoint ${new URL(tokenUrl).host} answered ${answer.status}${reason(told)}.`);
    const { access_token: token, token_type: type = 'Bearer', expires_in: seconds } = told;
    if (typeof token !== 'string' || token === '' || String(type).toLowerCase() !== 'bearer') {
      throw authFailed(`The token endpoint ${new URL(tokenUrl).host} gave no bearer token.`);
    }
    const lifeMs = typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : DEFAULT_MS;
    lives(Math.max(lifeMs - EARLY_MS, lifeMs / 2));
    return token;
  }
}

async function bounded(answer: Response): Promise<Record<string, unknown>> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of answer.body ?? []) {
    bytes += part.length;
    if (bytes > MAX_ANSWER_BYTES) throw authFailed('The token endpoint’s answer is too long.');
    parts.push(part);
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(parts).toString('utf8'));
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/** RFC 6749, 5.2: one of a few words. */
const reason = ({ error }: Record<string, unknown>): string =>
  typeof error === 'string' && /^[a-z_]{1,40}$/.test(error) ? ` (${error})` : '';
