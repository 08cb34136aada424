import type { Principal } from '@sallyport/shared/access/principal.ts';
import type { Denial } from '@sallyport/shared/access/verdict.ts';
import type { Json, RefreshSecret, SignedIn } from '../federation/browser-provider.ts';
import type { Identity } from '../identity.ts';
import type { BrowserSession, Browsers } from './browsers.ts';
import { OAuthFailure } from './failure.ts';
import type { Grant, GrantKind, GrantStore } from './grant-store.ts';
import { hashOf, isChallenge, newSecret, newUserCode, provesChallenge, tidyUserCode } from './secrets.ts';

const CODE_MS = 60_000;
export const DEVICE_MS = 10 * 60_000;
export const DEVICE_INTERVAL_S = 5;
/** Devices that wait at once; more would let a stranger fill the store. */
const MAX_DEVICES = 10_000;

export interface AuthorizationParts {
  readonly store: GrantStore;
  readonly identity: Pick<Identity, 'tokens' | 'current'>;
  readonly browsers: Browsers;
  /** Asks the identity provider again; undefined where it says no more. @throws Unavailable */
  readonly refresh: (secret: RefreshSecret) => Promise<SignedIn | Denial | undefined>;
  readonly clock?: () => number;
}

/** What a client is answered. @see RFC 6749, 5.1 */
export interface TokenAnswer {
  readonly accessToken: string;
  /** Seconds. */
  readonly expiresIn: number;
  readonly refreshToken: string | undefined;
}

export interface CodeOrder {
  readonly client: string;
  readonly redirectUri: string;
  readonly challenge: string;
}

interface Held {
  readonly client: string;
  readonly principal: Principal;
  readonly provider: string | undefined;
  readonly refresh: RefreshSecret | undefined;
  /** When the sign-in ends, whatever is refreshed. */
  readonly until: number;
}

/** A device that waits for somebody to say yes in a browser. */
export interface Device {
  readonly userCode: string;
  readonly client: string;
  /** IP address that asked. */
  readonly address: string;
  readonly askedAt: number;
}

interface DeviceBody extends Device {
  readonly state: 'waiting' | 'approved' | 'denied';
  readonly polledAt: number;
  readonly held?: Held;
}

/** Codes, devices and refresh tokens: each is used once, and what is used twice ends all that came of it. */
export class Authorization {
  readonly #parts: AuthorizationParts;
  /** Who waits here for a device to be decided on, by its code's hash. */
  readonly #waiting = new Map<string, () => void>();

  constructor(parts: AuthorizationParts) {
    this.#parts = parts;
  }

  /** @throws OAuthFailure */
  async issueCode(browser: BrowserSession, { client, redirectUri, challenge }: CodeOrder): Promise<string> {
    if (!isChallenge(challenge)) throw new OAuthFailure('invalid_request', 'code_challenge must be an S256 challenge');
    const code = newSecret();
    const body = { ...heldOf(browser, client), redirectUri, challenge };
    await this.#put('code', code, browser.family, body, CODE_MS, browser.principal.id);
    return code;
  }

  /** @throws OAuthFailure */
  async redeemCode(
    code: string,
    { client, redirectUri, verifier }: { client: string; redirectUri: string; verifier: string },
  ) {
    const grant = await this.#parts.store.take('code', hashOf(code));
    // A code that comes a second time may have been stolen: what it gave is taken back (RFC 6749, 4.1.2).
    if (grant === undefined) {
      await this.#reused(code);
      throw new OAuthFailure('invalid_grant', 'the code is unknown or was used');
    }
    await this.#spent(code, grant.family);
    const body = bodyOf<Held & { redirectUri: string; challenge: string }>(grant);
    const isRight =
      grant.expiresAt > this.#now() &&
      body.client === client &&
      body.redirectUri === redirectUri &&
      provesChallenge(verifier, body.challenge);
    if (!isRight)
      throw new OAuthFailure('invalid_grant', 'the code does not hold: it was made for another request, or is too old');
    return this.#tokens(grant.family, body);
  }

  /** @throws OAuthFailure, Unavailable */
  async refresh(token: string, client: string): Promise<TokenAnswer> {
    const grant = await this.#parts.store.take('refresh', hashOf(token));
    if (grant === undefined) {
      await this.#reused(token);
      throw new OAuthFailure('invalid_grant', 'the sign-in has ended: sign in again');
    }
    await this.#spent(token, grant.family);
    const held = bodyOf<Held>(grant);
    if (held.client !== client || grant.expiresAt <= this.#now()) {
      throw new OAuthFailure('invalid_grant', 'the sign-in has ended: sign in again');
    }
    const renewed = await this.#renewed(grant, held);
    return this.#tokens(grant.family, renewed);
  }

  /** @throws OAuthFailure */
  async beginDevice(client: string, address: string): Promise<{ deviceCode: string; userCode: string }> {
    const { store } = this.#parts;
    if ((await store.count('device')) >= MAX_DEVICES) {
      throw new OAuthFailure('temporarily_unavailable', 'too many devices wait to be signed in: try again in a minute');
    }
    const [deviceCode, userCode, now] = [newSecret(), newUserCode(), this.#now()];
    const body: DeviceBody = { userCode, client, address, askedAt: now, state: 'waiting', polledAt: 0 };
    await this.#put('device', deviceCode, hashOf(deviceCode), body, DEVICE_MS);
    await this.#put('user-code', userCode, hashOf(deviceCode), { device: hashOf(deviceCode) }, DEVICE_MS);
    return { deviceCode, userCode };
  }

  /** What waits under a code that a person typed. */
  async device(typed: string): Promise<Device | undefined> {
    const body = bodyOf<DeviceBody>(await this.#deviceGrant(typed));
    return body?.state === 'waiting' ? body : undefined;
  }

  /** False where nothing waits under that code any more. */
  async decideDevice(typed: string, browser: BrowserSession, isApproved: boolean): Promise<boolean> {
    const { store } = this.#parts;
    const grant = await this.#deviceGrant(typed);
    if (grant === undefined || bodyOf<DeviceBody>(grant).state !== 'waiting') return false;
    await store.take('user-code', hashOf(tidyUserCode(typed)));
    if ((await store.take('device', grant.hash)) === undefined) return false;
    const body = bodyOf<DeviceBody>(grant);
    const decided: DeviceBody = isApproved
      ? { ...body, state: 'approved', held: heldOf(browser, body.client) }
      : { ...body, state: 'denied' };
    await store.put({ ...grant, family: isApproved ? browser.family : grant.family, body: plain(decided) });
    this.#waiting.get(grant.hash)?.();
    return true;
  }

  /** @throws OAuthFailure: `authorization_pending` and `slow_down` mean ask again */
  async pollDevice(deviceCode: string, client: string): Promise<TokenAnswer> {
    const { store } = this.#parts;
    const grant = await store.find('device', hashOf(deviceCode));
    const body = bodyOf<DeviceBody>(grant);
    if (grant === undefined || body.client !== client || grant.expiresAt <= this.#now()) {
      throw new OAuthFailure('expired_token', 'nobody signed in in time: ask again');
    }
    if (body.state === 'waiting') {
      const isEarly = this.#now() - body.polledAt < DEVICE_INTERVAL_S * 1000 - 500;
      // A decision may come between: only what is still there is written again.
      if ((await store.take('device', grant.hash)) !== undefined) {
        const now = await store.find('device', grant.hash);
        if (now === undefined) await store.put({ ...grant, body: plain({ ...body, polledAt: this.#now() }) });
      }
      throw isEarly
        ? new OAuthFailure('slow_down', `ask every ${DEVICE_INTERVAL_S} seconds`)
        : new OAuthFailure('authorization_pending', 'nobody has signed in yet');
    }
    const taken = await store.take('device', grant.hash);
    const decided = bodyOf<DeviceBody>(taken);
    if (taken === undefined || decided.held === undefined) {
      throw new OAuthFailure('access_denied', 'the person at the browser said no');
    }
    return this.#tokens(taken.family, decided.held);
  }

  /** As `pollDevice`, once somebody has decided; undefined where nobody did, or the signal came first. */
  async awaitDevice(deviceCode: string, client: string, signal: AbortSignal): Promise<TokenAnswer | undefined> {
    const decided = Promise.withResolvers<void>();
    const hash = hashOf(deviceCode);
    const giveUp = (): void => decided.resolve();
    this.#waiting.set(hash, giveUp);
    signal.addEventListener('abort', giveUp, { once: true });
    const late = setTimeout(giveUp, DEVICE_MS);
    try {
      if (!signal.aborted) await decided.promise;
    } finally {
      clearTimeout(late);
      signal.removeEventListener('abort', giveUp);
      this.#waiting.delete(hash);
    }
    if (signal.aborted) return undefined;
    return this.pollDevice(deviceCode, client).catch((error) => {
      if (error instanceof OAuthFailure) return undefined;
      throw error;
    });
  }

  /** Ends the sign-in that a refresh token belongs to. @see RFC 7009 */
  async revoke(token: string): Promise<boolean> {
    const grant = await this.#parts.store.find('refresh', hashOf(token));
    if (grant !== undefined) await this.#parts.browsers.end(grant.family);
    return grant !== undefined;
  }

  async #renewed(grant: Grant, held: Held): Promise<Held> {
    const { identity, refresh, browsers } = this.#parts;
    const asked = held.refresh === undefined ? undefined : await refresh(held.refresh);
    const principal = asked === undefined || 'message' in asked ? asked : asked.principal;
    const current = principal ?? held.principal;
    const known = 'message' in current ? current : await identity.current(current);
    if ('message' in known) {
      await browsers.end(grant.family);
      throw new OAuthFailure('invalid_grant', known.message);
    }
    const secret = asked !== undefined && 'principal' in asked ? asked.refresh : undefined;
    return { ...held, principal: current as Principal, refresh: secret ?? held.refresh };
  }

  async #tokens(family: string, held: Held): Promise<TokenAnswer> {
    const { identity, store } = this.#parts;
    const current = await identity.current(held.principal);
    if ('message' in current) throw new OAuthFailure('invalid_grant', current.message);
    const left = held.until - this.#now();
    if (left <= 0) throw new OAuthFailure('invalid_grant', 'the sign-in has ended: sign in again');
    const ttlMs = Math.min(identity.tokens.ttlMs, left);
    const { token, id, expiresAt } = await identity.tokens.mint({
      principal: held.principal,
      ttlMs,
      label: held.client,
    });
    await store.put({ kind: 'access', hash: id, family, owner: undefined, sid: undefined, body: null, expiresAt });
    const refreshToken = newSecret();
    await this.#put('refresh', refreshToken, family, held, left);
    return { accessToken: token, expiresIn: Math.floor(ttlMs / 1000), refreshToken };
  }

  async #deviceGrant(typed: string): Promise<Grant | undefined> {
    const { store } = this.#parts;
    const pointer = await store.find('user-code', hashOf(tidyUserCode(typed)));
    if (pointer === undefined || pointer.expiresAt <= this.#now()) return undefined;
    return store.find('device', bodyOf<{ device: string }>(pointer).device);
  }

  /** So that a second use is known for what it is, for as long as the sign-in lasts. */
  async #spent(secret: string, family: string): Promise<void> {
    await this.#put('spent', secret, family, null, 24 * 60 * 60_000);
  }

  async #reused(secret: string): Promise<void> {
    const spent = await this.#parts.store.find('spent', hashOf(secret));
    if (spent !== undefined) await this.#parts.browsers.end(spent.family);
  }

  async #put(
    kind: GrantKind,
    secret: string,
    family: string,
    body: unknown,
    lifeMs: number,
    owner?: string,
  ): Promise<void> {
    const expiresAt = this.#now() + lifeMs;
    await this.#parts.store.put({
      kind,
      hash: hashOf(secret),
      family,
      owner,
      sid: undefined,
      body: plain(body),
      expiresAt,
    });
  }

  #now(): number {
    return (this.#parts.clock ?? Date.now)();
  }
}

const plain = (body: unknown): Json => JSON.parse(JSON.stringify(body)) as Json;

const bodyOf = <T>(grant: Grant | undefined): T => grant?.body as T;

const heldOf = ({ principal, provider, refresh, expiresAt }: BrowserSession, client: string): Held => ({
  client,
  principal,
  provider,
  refresh,
  until: expiresAt,
});
