import { SecretMissing } from '../source.ts';
import type { VaultAnswer, VaultCall, VaultClient } from './client.ts';
import type { VaultMethod } from './settings.ts';

interface Held {
  readonly token: string;
  /** What the agent logged in for itself: only that is revoked at the end. */
  readonly isOwn: boolean;
  /** Milliseconds since the epoch; undefined where it has no end or none is known. */
  expiresAt: number | undefined;
  renewal: NodeJS.Timeout | undefined;
}

const LARGEST_TIMER_MS = 2 ** 31 - 1;
const RENEW_AGAIN_MS = 15_000;
const LEAST_GAIN_MS = 1_000;
/** A token that has less than this left is not begun with. */
const STALE_MS = 2_000;

/** The agent's own login to Vault: made once for all that ask, renewed at two thirds of its life, made again where it is refused. */
export class VaultSession {
  readonly #client: VaultClient;
  readonly #method: VaultMethod;
  readonly #warn: (text: string) => void;
  #held: Held | undefined;
  #loggingIn: Promise<Held> | undefined;
  /** Leases end with the token that asked for them, so an old one is kept until it ends by itself. */
  readonly #retired = new Set<Held>();

  constructor(client: VaultClient, method: VaultMethod, warn: (text: string) => void) {
    this.#client = client;
    this.#method = method;
    this.#warn = warn;
  }

  /** Asks with the agent's token; 403 is answered with whose fault it is. @throws SecretMissing */
  async call(call: VaultCall): Promise<VaultAnswer> {
    const held = await this.#current();
    const answer = await this.#client.call({ ...call, token: held.token });
    if (answer.status !== 403 || (await this.#isAccepted(held))) return answer;
    this.#forget(held);
    const again = await this.#current();
    if (again.token === held.token) throw this.#refused();
    const second = await this.#client.call({ ...call, token: again.token });
    if (second.status === 403 && !(await this.#isAccepted(again))) throw this.#refused();
    return second;
  }

  /** Revokes the tokens that the agent logged in for, and with them every lease that is left. Never rejects. */
  async close(): Promise<void> {
    const all = [...this.#retired, ...(this.#held === undefined ? [] : [this.#held])];
    this.#retired.clear();
    this.#held = undefined;
    for (const held of all) clearTimeout(held.renewal);
    const own = all.filter(({ isOwn }) => isOwn);
    const path = 'auth/token/revoke-self';
    const results = await Promise.allSettled(
      own.map(({ token }) => this.#client.call({ method: 'POST', path, token, timeoutMs: 3_000 })),
    );
    if (results.some(({ status }) => status === 'rejected')) {
      this.#warn('The agent’s own token at Vault could not be revoked; it ends by itself.');
    }
  }

  async #current(): Promise<Held> {
    const held = this.#held;
    if (held !== undefined && (await this.#isFresh(held))) return held;
    this.#loggingIn ??= this.#logIn().finally(() => {
      this.#loggingIn = undefined;
    });
    return await this.#loggingIn;
  }

  async #isFresh({ token, expiresAt }: Held): Promise<boolean> {
    if (expiresAt !== undefined && expiresAt - Date.now() < STALE_MS) return false;
    return this.#method.kind !== 'token' || (await this.#method.token()) === token;
  }

  async #logIn(): Promise<Held> {
    const before = this.#held;
    const held =
      this.#method.kind === 'token' ? await this.#adopt(this.#method.token) : await this.#enter(this.#method);
    if (before !== undefined) this.#retire(before);
    this.#held = held;
    return held;
  }

  /** A token that somebody else made: how long it lives is asked, as it does not say so itself. */
  async #adopt(read: () => Promise<string>): Promise<Held> {
    const token = await read();
    const { status, body } = await this.#client.call({ method: 'GET', path: 'auth/token/lookup-self', token });
    // A token without the default policy may not ask; whether it serves is seen when it is used.
    const data = memberObject(body, 'data');
    return this.#hold(token, false, status === 200 ? data['ttl'] : 0, data['renewable']);
  }

  async #enter(method: Exclude<VaultMethod, { kind: 'token' }>): Promise<Held> {
    const body =
      method.kind === 'approle'
        ? {
            role_id: await method.roleId(),
            ...(method.secretId === undefined ? {} : { secret_id: await method.secretId() }),
          }
        : { role: method.role, jwt: await method.jwt() };
    const path = `auth/${method.mount.split('/').map(encodeURIComponent).join('/')}/login`;
    const answer = await this.#client.call({ method: 'POST', path, body });
    const auth = memberObject(answer.body, 'auth');
    const { client_token: token } = auth;
    if (answer.status !== 200 || typeof token !== 'string') throw loginRefused(method, answer);
    return this.#hold(token, true, auth['lease_duration'], auth['renewable']);
  }

  #hold(token: string, isOwn: boolean, ttl: unknown, renewable: unknown): Held {
    const lifeMs = typeof ttl === 'number' && ttl > 0 ? ttl * 1000 : undefined;
    const expiresAt = lifeMs === undefined ? undefined : Date.now() + lifeMs;
    const held: Held = { token, isOwn, expiresAt, renewal: undefined };
    if (lifeMs !== undefined && renewable === true) this.#plan(held, (lifeMs * 2) / 3);
    return held;
  }

  #plan(held: Held, inMs: number): void {
    held.renewal = setTimeout(() => void this.#renew(held), Math.min(inMs, LARGEST_TIMER_MS));
    held.renewal.unref();
  }

  async #renew(held: Held): Promise<void> {
    const { token, expiresAt = 0 } = held;
    try {
      const answer = await this.#client.call({ method: 'POST', path: 'auth/token/renew-self', token, body: {} });
      if (answer.status !== 200) return this.#forget(held);
      const { lease_duration: seconds } = memberObject(answer.body, 'auth');
      const lifeMs = typeof seconds === 'number' ? seconds * 1000 : 0;
      held.expiresAt = Date.now() + lifeMs;
      // At its longest life a token is let run out; the next one to ask logs in anew.
      if (held.expiresAt - expiresAt >= LEAST_GAIN_MS) this.#plan(held, (lifeMs * 2) / 3);
    } catch {
      if (expiresAt - Date.now() > STALE_MS) this.#plan(held, Math.min(RENEW_AGAIN_MS, (expiresAt - Date.now()) / 2));
    }
  }

  async #isAccepted({ token }: Held): Promise<boolean> {
    const { status } = await this.#client.call({ method: 'GET', path: 'auth/token/lookup-self', token });
    return status === 200;
  }

  /** Vault no longer knows it: nothing is left to renew or to revoke. */
  #forget(held: Held): void {
    clearTimeout(held.renewal);
    this.#retired.delete(held);
    if (this.#held === held) this.#held = undefined;
  }

  #retire(held: Held): void {
    for (const old of this.#retired) {
      if ((old.expiresAt ?? Number.POSITIVE_INFINITY) < Date.now()) this.#forget(old);
    }
    if (held.isOwn) this.#retired.add(held);
    else clearTimeout(held.renewal);
  }

  #refused(): SecretMissing {
    return new SecretMissing(
      this.#method.kind === 'token'
        ? 'Vault does not accept the agent’s token: it is wrong, has expired, was revoked or lacks the default policy; give it a new one in VAULT_TOKEN or VAULT_TOKEN_FILE'
        : 'Vault does not accept the token that it has just given to the agent; check num_uses, bound addresses and the default policy of the role',
    );
  }
}

function loginRefused(method: Exclude<VaultMethod, { kind: 'token' }>, { status, errors }: VaultAnswer): SecretMissing {
  const place = `auth/${method.mount}`;
  if (status === 404 || /no handler for route|unsupported path/i.test(errors)) {
    return new SecretMissing(`Vault has no login at ${place}; check the mount and VAULT_NAMESPACE`);
  }
  if (method.kind === 'approle') {
    return new SecretMissing(
      `Vault refused the AppRole login at ${place} (${status}): the role id or the secret id is wrong, expired or used up; give the agent a new secret id`,
    );
  }
  const why = /not authorized/i.test(errors)
    ? 'the role does not allow this service account or namespace'
    : /invalid role name/i.test(errors)
      ? 'there is no such role'
      : 'the role, its bound service account or Vault’s access to the cluster’s token review is wrong';
  return new SecretMissing(`Vault refused the Kubernetes login at ${place} as ${method.role} (${status}): ${why}`);
}

/** A member that is an object; empty where it is none. */
export function memberObject(of: Readonly<Record<string, unknown>>, name: string): Readonly<Record<string, unknown>> {
  const value = of[name];
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}
