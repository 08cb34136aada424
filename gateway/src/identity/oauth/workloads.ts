import { globOf } from '@sallyport/shared/access/glob.ts';
import type { Principal } from '@sallyport/shared/access/principal.ts';
import type { Denial } from '@sallyport/shared/access/verdict.ts';
import { decodeJwt, type JWTPayload } from 'jose';
import { claimAt } from '../claims.ts';
import { IssuerKeys, type KeyTimes } from '../issuer-keys.ts';
import { type Sources, wrongSource } from '../source.ts';
import type { Tokens } from '../tokens.ts';
import { verifyJwt } from '../verify-jwt.ts';
import { OAuthFailure } from './failure.ts';

/** Whose tokens are taken for which service account. */
export interface WorkloadSpec {
  readonly issuer: string;
  /** Any one of these must be in the token's `aud`. */
  readonly audiences: readonly string[];
  /** The first whose claims all match counts. */
  readonly match: readonly WorkloadMatch[];
  /** Milliseconds; the gateway's default when absent. */
  readonly ttlMs?: number;
  /** The addresses that jobs may come from, and that their tokens are bound to; any where absent. */
  readonly from?: readonly string[];
}

export interface WorkloadMatch {
  /** By claim, or path of claims (`a.b`): a text with `*` for any run of characters, or several of which one must match. */
  readonly claims: Readonly<Record<string, string | readonly string[]>>;
  readonly serviceAccount: string;
  /** The only connection that the token opens. */
  readonly connection?: string;
}

export interface NamedWorkload {
  readonly name: string;
  readonly spec: WorkloadSpec;
}

export interface WorkloadsParts {
  readonly workloads: () => readonly NamedWorkload[];
  readonly tokens: Pick<Tokens, 'mint' | 'ttlMs'>;
  /** The service account as it is now; undefined where there is none. */
  readonly principal: (serviceAccount: string) => Principal | undefined;
  /** Durable before the token is given. */
  readonly journal: (principal: Principal, data: { readonly [key: string]: string | null }) => Promise<void>;
  readonly clock?: () => number;
  readonly keyTimes?: KeyTimes;
}

/** A platform's program, and what its token may become. */
export interface IdentifiedWorkload {
  readonly principal: Principal;
  readonly workload: string;
  /** The claim `sub`. */
  readonly subject: string;
  readonly connection: string | undefined;
  readonly ttlMs: number;
  readonly sources: Sources;
}

const accepted = ['urn:ietf:params:oauth:token-type:jwt', 'urn:ietf:params:oauth:token-type:id_token'];
const MAX_TOKEN_CHARS = 16 * 1024;

/** CI jobs and other programs bring the token that their platform gave them, and get one of ours. @see RFC 8693 */
export class Workloads {
  readonly #parts: WorkloadsParts;
  readonly #keys = new Map<string, IssuerKeys>();

  constructor(parts: WorkloadsParts) {
    this.#parts = parts;
  }

  /** @throws OAuthFailure, Unavailable where the issuer cannot be asked for its keys */
  async exchange(form: URLSearchParams, address: string): Promise<{ accessToken: string; expiresIn: number }> {
    const subject = form.get('subject_token') ?? '';
    const type = form.get('subject_token_type') ?? '';
    if (subject === '' || subject.length > MAX_TOKEN_CHARS)
      throw new OAuthFailure('invalid_request', 'subject_token is needed');
    if (!accepted.includes(type))
      throw new OAuthFailure('invalid_request', `subject_token_type must be one of ${accepted.join(' ')}`);
    return this.#minted(await this.identify(subject, address), address);
  }

  /** Whether a workload identity names the issuer of this JWT. */
  isForeign(token: string): boolean {
    const issuer = issuerOf(token);
    return this.#parts.workloads().some(({ spec }) => spec.issuer === issuer);
  }

  /** The service account that a platform's token stands for. @throws OAuthFailure, Unavailable */
  async identify(token: string, address: string): Promise<IdentifiedWorkload> {
    const { workload, payload } = await this.#verified(token);
    const match = workload.spec.match.find(({ claims }) =>
      Object.entries(claims).every(([path, wanted]) => fits(claimAt(payload, path), wanted)),
    );
    if (match === undefined) {
      throw new OAuthFailure(
        'invalid_target',
        `no rule of the workload identity ${workload.name} matches the claims of this token`,
      );
    }
    const sources = workload.spec.from === undefined ? [] : [workload.spec.from];
    const elsewhere = wrongSource(address, sources);
    if (elsewhere !== undefined) throw new OAuthFailure('access_denied', elsewhere.message);
    const principal = this.#parts.principal(match.serviceAccount);
    if (principal === undefined)
      throw new OAuthFailure('invalid_target', `the service account ${match.serviceAccount} is gone`);
    return {
      principal: { ...principal, claims: { ...principal.claims, workload: payload } },
      workload: workload.name,
      subject: payload.sub ?? '',
      connection: match.connection,
      ttlMs: workload.spec.ttlMs ?? this.#parts.tokens.ttlMs,
      sources,
    };
  }

  async #verified(token: string): Promise<{ workload: NamedWorkload; payload: JWTPayload }> {
    const claimed = issuerOf(token);
    const all = this.#parts.workloads();
    for (const known of this.#keys.keys()) if (!all.some(({ spec }) => spec.issuer === known)) this.#keys.delete(known);
    const fitting = all.filter(({ spec }) => spec.issuer === claimed);
    if (fitting.length === 0)
      throw new OAuthFailure('invalid_request', 'the token is from an issuer that no workload identity names');
    let why: Denial | undefined;
    for (const workload of fitting) {
      const { issuer, audiences } = workload.spec;
      const keys = this.#keys.get(issuer) ?? new IssuerKeys(issuer, this.#parts.keyTimes);
      this.#keys.set(issuer, keys);
      const expected = { issuer, audiences, now: this.#now(), required: ['exp', 'sub'] };
      const verified = await verifyJwt(token, keys, expected);
      if ('payload' in verified) return { workload, payload: verified.payload };
      why = verified;
    }
    throw new OAuthFailure('invalid_request', why?.message ?? 'the token does not hold');
  }

  async #minted(
    { principal, workload, subject, connection, ttlMs, sources }: IdentifiedWorkload,
    address: string,
  ): Promise<{ accessToken: string; expiresIn: number }> {
    const { tokens, journal } = this.#parts;
    await journal(principal, {
      workload,
      subject: subject.slice(0, 255),
      sourceAddress: address,
      connection: connection ?? null,
    });
    const { token, expiresAt } = await tokens.mint({
      principal,
      connection,
      ttlMs,
      sources,
      label: `workload ${workload}: ${subject}`.slice(0, 200),
    });
    return { accessToken: token, expiresIn: Math.floor((expiresAt - this.#now()) / 1000) };
  }

  #now(): number {
    return (this.#parts.clock ?? Date.now)();
  }
}

function issuerOf(token: string): string | undefined {
  try {
    return decodeJwt(token).iss;
  } catch {
    throw new OAuthFailure('invalid_request', 'subject_token is no JWT');
  }
}

/** Texts, numbers and truths as written; of a list, any one. What is missing fits nothing. */
function fits(value: unknown, wanted: string | readonly string[]): boolean {
  const given = (Array.isArray(value) ? value : [value])
    .filter((one) => ['string', 'number', 'boolean'].includes(typeof one))
    .map(String);
  return [wanted].flat().some((pattern) => given.some(globOf(pattern)));
}
