import { type Actor, actorsOf, type Principal, spokenName } from '@sallyport/shared/access/principal.ts';
import { actingFor, MAX_ACTORS, type ServiceLookup } from '../delegation.ts';
import type { Identity } from '../identity.ts';
import { looksLikeJwt } from '../oidc.ts';
import type { Sources } from '../source.ts';
import { tokenPrefix } from '../tokens.ts';
import { OAuthFailure } from './failure.ts';
import type { Workloads } from './workloads.ts';

export interface DelegationsParts {
  readonly identity: Pick<Identity, 'authenticate' | 'tokens'>;
  readonly workloads: Pick<Workloads, 'identify' | 'isForeign'>;
  readonly services: ServiceLookup;
  /** Durable before the token is given. */
  readonly journal: (principal: Principal, data: { readonly [key: string]: string | null }) => Promise<void>;
  readonly clock?: () => number;
}

/** Somebody who proved who they are with a token, and what that token is good for. */
interface Bearer {
  readonly principal: Principal;
  readonly tokenId?: string | undefined;
  readonly connection?: string | undefined;
  /** Milliseconds since the epoch. */
  readonly expiresAt?: number | undefined;
  readonly sources?: Sources | undefined;
}

const types = ['access_token', 'jwt', 'id_token'].map((type) => `urn:ietf:params:oauth:token-type:${type}`);
const MAX_TOKEN_CHARS = 16 * 1024;

/**
 * A program that brings its own token and a person's gets one with which it acts on that person's behalf. It lives no
 * longer than either, opens no more than either, and ends with either. @see RFC 8693 sections 1.1 and 4.1
 */
export class Delegations {
  readonly #parts: DelegationsParts;

  constructor(parts: DelegationsParts) {
    this.#parts = parts;
  }

  /** @throws OAuthFailure, Unavailable where an issuer cannot be asked for its keys */
  async exchange(form: URLSearchParams, address: string): Promise<{ accessToken: string; expiresIn: number }> {
    const subject = await this.#subject(tokenOf(form, 'subject_token'), address);
    const actor = await this.#actor(tokenOf(form, 'actor_token'), address);
    const principal = this.#joined(subject.principal, actor.principal);
    const connection = narrowed(subject, actor, form.getAll('audience'));
    const { tokens } = this.#parts.identity;
    const ends = [subject.expiresAt, actor.expiresAt].filter((at) => at !== undefined);
    const ttlMs = Math.min(tokens.ttlMs, ...ends.map((at) => at - this.#now()));
    if (ttlMs <= 0) throw new OAuthFailure('invalid_request', 'one of the two tokens has just expired');
    await this.#parts.journal(principal, {
      subject: principal.id,
      actor: principal.actor?.id ?? null,
      sourceAddress: address,
      connection: connection ?? null,
    });
    const parents = [subject.tokenId, actor.tokenId].filter((id) => id !== undefined);
    const label = spokenName(principal).slice(0, 200);
    const sources = [...(subject.sources ?? []), ...(actor.sources ?? [])];
    const minted = await tokens.mint({ principal, connection, ttlMs, label, parents, sources });
    return { accessToken: minted.token, expiresIn: Math.floor((minted.expiresAt - this.#now()) / 1000) };
  }

  /** The person, by a token of the gateway's or of their identity provider. A password proves nothing here. */
  async #subject(token: string, address: string): Promise<Bearer> {
    if (!token.startsWith(tokenPrefix) && !looksLikeJwt(token)) throw wrong('subject_token', 'it is no token');
    const found = await this.#parts.identity.authenticate({ secret: token, user: '', address });
    if ('message' in found) throw wrong('subject_token', found.message);
    return found;
  }

  async #actor(token: string, address: string): Promise<Bearer> {
    const { workloads, identity } = this.#parts;
    if (looksLikeJwt(token) && workloads.isForeign(token)) {
      const { principal, connection, ttlMs, sources } = await workloads.identify(token, address);
      return { principal, connection, sources, expiresAt: this.#now() + ttlMs };
    }
    if (!token.startsWith(tokenPrefix)) throw wrong('actor_token', 'it is no token of a service account or workload');
    const found = await identity.authenticate({ secret: token, user: '', address });
    if ('message' in found) throw wrong('actor_token', found.message);
    return found;
  }

  #joined(person: Principal, program: Principal): Principal {
    if (!program.id.startsWith('service:') || program.actor !== undefined) {
      throw wrong(
        'actor_token',
        'only a service account or a workload acts on behalf of somebody, with a token of its own',
      );
    }
    if (actorsOf(person).some(({ id }) => id === program.id)) {
      throw wrong('actor_token', `${program.name} acts on behalf of ${person.name} already`);
    }
    if (actorsOf(person).length >= MAX_ACTORS) throw wrong('subject_token', 'an errand may be handed on once only');
    const kind = program.claims['workload'] === undefined ? 'service' : 'workload';
    const { id, name, groups } = program;
    const actor: Actor = { id, name, groups, kind, ...(person.actor && { actor: person.actor }) };
    const joined = actingFor(person, actor, this.#parts.services);
    if (!('message' in joined)) return joined;
    throw new OAuthFailure('invalid_target', joined.message);
  }

  #now(): number {
    return (this.#parts.clock ?? Date.now)();
  }
}

function tokenOf(form: URLSearchParams, name: 'subject_token' | 'actor_token'): string {
  const [token = '', ...more] = form.getAll(name);
  const [type = '', ...moreTypes] = form.getAll(`${name}_type`);
  if (token === '' || token.length > MAX_TOKEN_CHARS || more.length > 0) {
    throw new OAuthFailure('invalid_request', `${name} is needed, once`);
  }
  if (types.includes(type) && moreTypes.length === 0) return token;
  throw new OAuthFailure('invalid_request', `${name}_type must be one of ${types.join(' ')}`);
}

/** The one connection that all of them name who name any. */
function narrowed(subject: Bearer, actor: Bearer, asked: readonly string[]): string | undefined {
  const [wanted, ...more] = asked;
  if (more.length > 0) throw new OAuthFailure('invalid_target', 'audience names one connection at most');
  const named = new Set([subject.connection, actor.connection, wanted].filter((name) => name !== undefined));
  if (named.size <= 1) return [...named][0];
  throw new OAuthFailure('invalid_target', `no connection is open to all: ${[...named].join(', ').slice(0, 200)}`);
}

const wrong = (which: string, why: string): OAuthFailure =>
  new OAuthFailure('invalid_request', `${which} does not hold: ${why}`);
