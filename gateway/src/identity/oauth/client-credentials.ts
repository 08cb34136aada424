import type { Principal } from '@sallyport/shared/access/principal.ts';
import type { Identity } from '../identity.ts';
import { servicePrincipal } from '../principals.ts';
import { OAuthFailure } from './failure.ts';

export interface ClientCredentialsParts {
  readonly identity: Pick<Identity, 'authenticate' | 'tokens' | 'secrets'>;
  /** Durable before the token is given. */
  readonly journal: (principal: Principal, data: { readonly [key: string]: string | null }) => Promise<void>;
  readonly clock?: () => number;
}

interface Presented {
  readonly id: string;
  readonly secret: string;
}

/** A service account's secret becomes a short-lived token, in the header or in the form. @see RFC 6749 sections 2.3.1 and 4.4 */
export class ClientCredentials {
  readonly #parts: ClientCredentialsParts;

  constructor(parts: ClientCredentialsParts) {
    this.#parts = parts;
  }

  /** `header`: the request's Authorization. @throws OAuthFailure, Unavailable */
  async exchange(form: URLSearchParams, header: string | undefined, address: string) {
    const { identity, journal } = this.#parts;
    const { id, secret } = presented(form, header);
    const connection = connectionOf(form);
    const found = await identity.authenticate({ secret, user: id, address });
    if ('message' in found) throw new OAuthFailure('invalid_client', found.message);
    // The name is no secret; whose secret it is was found by its hash.
    if (found.method !== 'secret' || found.principal.id !== servicePrincipal(id, []).id) throw wrongClient();
    const { principal, tokenId = '', expiresAt = 0 } = found;
    await journal(principal, { secret: tokenId, sourceAddress: address, connection: connection ?? null });
    const left = expiresAt - this.#now();
    const ttlMs = Math.min(identity.tokens.ttlMs, left);
    if (ttlMs <= 0) throw new OAuthFailure('invalid_client', 'the secret has just expired');
    const label = `secret ${tokenId}`;
    const minted = await identity.tokens.mint({ principal, connection, ttlMs, label, parents: [tokenId] });
    return { accessToken: minted.token, expiresIn: Math.floor(ttlMs / 1000) };
  }

  #now(): number {
    return (this.#parts.clock ?? Date.now)();
  }
}

const MAX_CHARS = 512;

function presented(form: URLSearchParams, header: string | undefined): Presented {
  const inForm = form.has('client_secret');
  if (header !== undefined && inForm) {
    throw new OAuthFailure('invalid_request', 'the secret comes in the header or in the form, not in both');
  }
  const { id, secret } = header === undefined ? ofForm(form) : ofHeader(header);
  if (id === '' || secret === '' || id.length > MAX_CHARS || secret.length > MAX_CHARS) throw wrongClient();
  return { id, secret };
}

function ofForm(form: URLSearchParams): Presented {
  const [ids, secrets] = [form.getAll('client_id'), form.getAll('client_secret')];
  if (ids.length > 1 || secrets.length > 1) throw new OAuthFailure('invalid_request', 'a parameter comes once');
  return { id: ids[0] ?? '', secret: secrets[0] ?? '' };
}

/** Both are form-encoded before they are put together. */
function ofHeader(header: string): Presented {
  const [, encoded] = /^Basic +([A-Za-z0-9+/=]{1,4096})$/i.exec(header) ?? [];
  const text = Buffer.from(encoded ?? '', 'base64').toString('utf8');
  const at = text.indexOf(':');
  if (at < 0) throw wrongClient();
  try {
    const [id = '', secret = ''] = [text.slice(0, at), text.slice(at + 1)].map((part) =>
      decodeURIComponent(part.replaceAll('+', ' ')),
    );
    return { id, secret };
  } catch {
    throw wrongClient();
  }
}

function connectionOf(form: URLSearchParams): string | undefined {
  const [wanted, ...more] = form.getAll('audience');
  if (more.length > 0) throw new OAuthFailure('invalid_target', 'audience names one connection at most');
  return wanted === '' ? undefined : wanted;
}

const wrongClient = (): OAuthFailure => new OAuthFailure('invalid_client', 'the client or its secret is wrong');
