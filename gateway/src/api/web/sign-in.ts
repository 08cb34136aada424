import { randomUUID } from 'node:crypto';
import type { Principal } from '@sallyport/shared/access/principal.ts';
import type { Denial } from '@sallyport/shared/access/verdict.ts';
import type { BrowserProvider, Json } from '../../identity/federation/browser-provider.ts';
import { type BrowserSession, type Browsers, SIGN_IN_MS } from '../../identity/oauth/browsers.ts';
import type { GrantStore } from '../../identity/oauth/grant-store.ts';
import { hashOf, newSecret } from '../../identity/oauth/secrets.ts';
import { isDenial } from '../problems.ts';
import type { Throttle } from '../throttle.ts';
import type { Exchange } from './exchange.ts';
import { errorNote, escaped, page, pageHeaders } from './html.ts';

export interface SignInParts {
  readonly publicUrl: string;
  readonly store: GrantStore;
  readonly browsers: Browsers;
  readonly providers: () => readonly BrowserProvider[];
  /** A user of the gateway's own. */
  readonly byPassword: (user: string, password: string, address: string) => Promise<Principal | Denial>;
  /** Whether a person whom a provider vouched for may come in: they may have left. */
  readonly admitted: (principal: Principal) => Promise<Principal | Denial>;
  /** Durable before the effect. */
  readonly journal: (principal: Principal, address: string, provider: string | undefined) => Promise<void>;
  readonly throttle: Throttle;
  readonly clock?: () => number;
}

const ATTEMPT_MS = 10 * 60_000;
/** Sign-ins that were begun and not ended, at once. */
const MAX_ATTEMPTS = 50_000;

interface Attempt {
  readonly provider: string;
  readonly memory: Json;
  readonly returnTo: string;
}

/** The pages on which people say who they are, by password or by an identity provider. */
export class SignIn {
  readonly #parts: SignInParts;

  constructor(parts: SignInParts) {
    this.#parts = parts;
  }

  /** Who is signed in in this browser. */
  who(exchange: Exchange): Promise<BrowserSession | undefined> {
    return this.#parts.browsers.find(exchange.cookie('session'));
  }

  show(exchange: Exchange, problem?: Denial, user = ''): void {
    const returnTo = safeReturn(exchange.url.searchParams.get('return'));
    const buttons = this.#parts.providers().map(({ name, label }) => {
      const query = new URLSearchParams({ provider: name, return: returnTo }).toString();
      return `<a class="button" href="/signin/start?${escaped(query)}">${escaped(label)}</a>`;
    });
    const or = buttons.length === 0 ? '' : `${buttons.join('')}<p class="dim">Or with a password of this gateway:</p>`;
    const form =
      `<form method="post" action="/signin"><input type="hidden" name="return" value="${escaped(returnTo)}">` +
      `<label>User<input name="user" value="${escaped(user)}" autocomplete="username" required maxlength="128"></label>` +
      '<label>Password<input name="password" type="password" autocomplete="current-password" required maxlength="1024"></label>' +
      '<button class="primary" type="submit">Sign in</button></form>';
    const body = `${errorNote(problem?.message, problem?.hint)}${or}${form}`;
    exchange.send(problem === undefined ? 200 : 401, pageHeaders(), page('Sign in', body));
  }

  async password(exchange: Exchange): Promise<void> {
    const { byPassword, throttle } = this.#parts;
    const form = await exchange.form();
    const returnTo = safeReturn(form.get('return'));
    exchange.url.searchParams.set('return', returnTo);
    const waitMs = throttle.take(exchange.address);
    if (waitMs > 0) return this.show(exchange, tooMany(waitMs));
    const [user, password] = [form.get('user') ?? '', form.get('password') ?? ''];
    if (user.length > 128 || password.length > 1024) return this.show(exchange, wrongPassword);
    const principal = await byPassword(user, password, exchange.address);
    // What to do next on the command line is of no use here.
    if (isDenial(principal)) return this.show(exchange, refusal(principal.message), user);
    await this.#enter(exchange, { principal }, undefined, returnTo);
  }

  /** Sends the browser to an identity provider. */
  async start(exchange: Exchange): Promise<void> {
    const { providers, store, throttle, publicUrl } = this.#parts;
    const { searchParams } = exchange.url;
    const provider = providers().find(({ name }) => name === searchParams.get('provider'));
    if (provider === undefined) return this.show(exchange, unknownProvider);
    const waitMs = throttle.take(exchange.address);
    if (waitMs > 0 || (await store.count('attempt')) >= MAX_ATTEMPTS) return this.show(exchange, tooMany(waitMs));
    const state = newSecret();
    const redirectUri = callbackUrl(publicUrl, provider.name);
    const { location, memory } = await provider.begin({ state, redirectUri });
    const attempt: Attempt = { provider: provider.name, memory, returnTo: safeReturn(searchParams.get('return')) };
    await this.#keep('attempt', state, { ...attempt });
    exchange.setCookie('attempt', state, ATTEMPT_MS / 1000);
    exchange.redirect(location);
  }

  /** SAML: the provider's page posts here, without our cookies; the browser comes back for it with them. */
  async posted(exchange: Exchange, name: string): Promise<void> {
    const form = await exchange.form();
    if (this.#parts.throttle.take(exchange.address) > 0) return this.show(exchange, tooMany(1_000));
    const id = newSecret();
    await this.#keep('answer', id, { name, form: form.toString() });
    exchange.redirect(`/signin/callback/${encodeURIComponent(name)}?answer=${id}`);
  }

  /** The browser is back from an identity provider. */
  async complete(exchange: Exchange, name: string): Promise<void> {
    const provider = this.#parts.providers().find((one) => one.name === name);
    if (provider === undefined) return this.show(exchange, unknownProvider);
    const callback = await this.#callback(exchange, name);
    if (callback === undefined) return this.show(exchange, begunElsewhere);
    const state = callback.form?.get('RelayState') ?? exchange.url.searchParams.get('state') ?? '';
    const attempt = await this.#attempt(exchange, state);
    if (attempt !== undefined && attempt.provider !== name) return this.show(exchange, begunElsewhere);
    // Only a provider that may begin by itself accepts an answer to nothing.
    const signedIn = await provider.complete(callback, attempt?.memory ?? null);
    if (isDenial(signedIn)) return this.show(exchange, signedIn);
    const principal = await this.#parts.admitted(signedIn.principal);
    if (isDenial(principal)) return this.show(exchange, principal);
    await this.#enter(exchange, signedIn, name, attempt?.returnTo ?? '/');
  }

  async leave(exchange: Exchange): Promise<void> {
    const { browsers, providers, publicUrl } = this.#parts;
    const session = await this.who(exchange);
    exchange.setCookie('session', undefined, 0);
    if (session === undefined) return exchange.redirect('/');
    await browsers.end(session.family);
    const provider = providers().find(({ name }) => name === session.provider);
    const { providerSession } = session;
    const elsewhere = providerSession && provider?.signOutUrl({ providerSession }, publicUrl);
    exchange.redirect(elsewhere ?? '/');
  }

  /** What was begun in this very browser. */
  async #attempt(exchange: Exchange, state: string): Promise<Attempt | undefined> {
    const isOurs = state !== '' && state === exchange.cookie('attempt');
    exchange.setCookie('attempt', undefined, 0);
    if (!isOurs) return undefined;
    const grant = await this.#parts.store.take('attempt', hashOf(state));
    const isLate = grant === undefined || grant.expiresAt <= this.#now();
    return isLate ? undefined : (grant.body as unknown as Attempt);
  }

  async #enter(
    exchange: Exchange,
    signedIn: Parameters<Browsers['open']>[0],
    provider: string | undefined,
    returnTo: string,
  ): Promise<void> {
    const { browsers, journal } = this.#parts;
    await journal(signedIn.principal, exchange.address, provider);
    // Whoever was signed in here is signed out: two people do not share what follows.
    const before = await this.who(exchange);
    if (before !== undefined) await browsers.end(before.family);
    exchange.setCookie('session', await browsers.open(signedIn, provider), SIGN_IN_MS / 1000);
    exchange.redirect(returnTo);
  }

  async #callback(exchange: Exchange, name: string) {
    const id = exchange.url.searchParams.get('answer');
    if (id === null) return { url: exchange.url };
    const grant = await this.#parts.store.take('answer', hashOf(id));
    const answer = grant?.body as { name: string; form: string } | undefined;
    if (grant === undefined || grant.expiresAt <= this.#now() || answer?.name !== name) return undefined;
    return { url: exchange.url, form: new URLSearchParams(answer.form) };
  }

  async #keep(kind: 'attempt' | 'answer', secret: string, body: Json): Promise<void> {
    const [hash, family, expiresAt] = [hashOf(secret), randomUUID(), this.#now() + ATTEMPT_MS];
    await this.#parts.store.put({ kind, hash, family, owner: undefined, sid: undefined, body, expiresAt });
  }

  #now(): number {
    return (this.#parts.clock ?? Date.now)();
  }
}

export const callbackUrl = (publicUrl: string, name: string): string =>
  new URL(`/signin/callback/${encodeURIComponent(name)}`, publicUrl).href;

/** A path of ours: never another host, whatever a browser makes of slashes. */
export function safeReturn(given: string | null): string {
  return given !== null && /^\/(?!\/)[\x21-\x5b\x5d-\x7e]{0,2000}$/.test(given) ? given : '/';
}

const refusal = (message: string, hint?: string): Denial => ({
  reason: 'unauthenticated',
  message,
  ...(hint === undefined ? {} : { hint }),
});
const unknownProvider = refusal('this identity provider is not known here');
const begunElsewhere = refusal('this sign-in was begun elsewhere or too long ago', 'Begin again.');
const wrongPassword = refusal('the user or the password is wrong');
const tooMany = (waitMs: number): Denial =>
  refusal('too many attempts to sign in', `Wait ${Math.max(1, Math.ceil(waitMs / 1000))} s and try again.`);
