import { once } from 'node:events';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { Target } from '@sallyport/shared/access/connection.ts';
import type { OAuthCredential } from '@sallyport/shared/access/http.ts';
import type { CredentialResolver } from '../../../credentials/resolver.ts';
import type { Transports } from '../transport.ts';
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
  readonly #transports: Transports;
  readonly #clock: () => number;
  readonly #kept = new Map<string, Kept>();

  constructor(resolver: CredentialResolver, transports: Transports, clock: () => number = Date.now) {
    this.#resolver = resolver;
    this.#transports = transports;
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
    const headers = {
      authorization: `Basic ${Buffer.from(pair).toString('base64')}`,
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
    };
    const answer = await this.#post(tokenUrl, headers, form.toString(), signal).catch((error: unknown) => {
      throw authFailed(`The token endpoint ${new URL(tokenUrl).host} cannot be reached.`, error);
    });
    const told = await bounded(answer);
    if (answer.statusCode !== 200) {
      throw authFailed(`The token endpoint ${new URL(tokenUrl).host} answered ${answer.statusCode}${reason(told)}.`);
    }
    const { access_token: token, token_type: type = 'Bearer', expires_in: seconds } = told;
    if (typeof token !== 'string' || token === '' || String(type).toLowerCase() !== 'bearer') {
      throw authFailed(`The token endpoint ${new URL(tokenUrl).host} gave no bearer token.`);
    }
    const lifeMs = typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : DEFAULT_MS;
    lives(Math.max(lifeMs - EARLY_MS, lifeMs / 2));
    return token;
  }

  /** Within the agent's boundary, like any target; redirects are not followed. */
  async #post(url: string, headers: OutgoingHttpHeaders, body: string, signal: AbortSignal): Promise<IncomingMessage> {
    const { protocol, hostname, port, pathname, search } = new URL(url);
    const isSecure = protocol === 'https:';
    const target: Target = {
      host: hostname.replace(/^\[(.*)\]$/, '$1'),
      port: port === '' ? (isSecure ? 443 : 80) : Number(port),
      tls: isSecure ? 'verify-full' : 'disable',
    };
    const transport = await this.#transports.to(target, undefined, signal);
    const request = transport.request({ method: 'POST', path: `${pathname}${search}`, headers, signal });
    request.end(body);
    const [answer] = (await once(request, 'response', { signal })) as [IncomingMessage];
    return answer;
  }
}

async function bounded(answer: IncomingMessage): Promise<Record<string, unknown>> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of answer as AsyncIterable<Buffer>) {
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
