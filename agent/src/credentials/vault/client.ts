import { type Answer, ask, jsonOf, NoAnswer, type Question } from '../http/ask.ts';
import { SecretMissing } from '../source.ts';
import type { VaultSettings } from './settings.ts';

export interface VaultCall {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** Behind /v1/, already escaped. */
  readonly path: string;
  readonly token?: string;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly timeoutMs?: number;
}

export interface VaultAnswer {
  readonly status: number;
  /** Empty where the answer has none. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Vault's own words. They may hold secrets of a plugin: they are compared with known ones, never shown. */
  readonly errors: string;
}

/** Vault's HTTP API over one address. One redirect is followed, as a standby sends one to the active node, and to no host that nobody named. */
export class VaultClient {
  readonly #settings: VaultSettings;

  constructor(settings: VaultSettings) {
    this.#settings = settings;
  }

  /** @throws SecretMissing where no usable answer came, or one that says that Vault itself cannot serve now */
  async call(call: VaultCall): Promise<VaultAnswer> {
    const { address, namespace, ca, mayRedirectTo } = this.#settings;
    const base = address.href.endsWith('/') ? address.href : `${address.href}/`;
    const url = new URL(`${base}v1/${call.path}`);
    const question: Question = {
      method: call.method,
      url,
      headers: {
        'x-vault-request': 'true',
        accept: 'application/json',
        ...(call.token === undefined ? {} : { 'x-vault-token': call.token }),
        ...(namespace === undefined ? {} : { 'x-vault-namespace': namespace }),
        ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      ca: await ca(),
      ...(call.timeoutMs === undefined ? {} : { timeoutMs: call.timeoutMs }),
    };
    try {
      const first = await ask(question);
      const answer = isRedirect(first) ? await ask({ ...question, url: redirected(url, first, mayRedirectTo) }) : first;
      return serving(answer);
    } catch (error) {
      if (error instanceof NoAnswer) throw new SecretMissing(`Vault at ${address.origin}: ${error.message}`);
      throw error;
    }
  }
}

const isRedirect = ({ status }: Answer): boolean => status === 307 || status === 308;

/** The same path on another node of the same host name, or of one that the agent's operator lists; never from https to http. */
function redirected(from: URL, { headers }: Answer, mayRedirectTo: (host: string) => boolean): URL {
  const { location } = headers;
  const to = typeof location === 'string' ? URL.parse(location, from.href) : null;
  if (to === null || to.pathname !== from.pathname || (from.protocol === 'https:' && to.protocol !== 'https:')) {
    throw new NoAnswer('it is a standby and does not say well where the active node is; set its api_addr');
  }
  if (to.hostname === from.hostname || mayRedirectTo(to.hostname)) return to;
  throw new NoAnswer(
    `it is a standby and sends on to ${to.hostname}, to which the agent sends no token; use the cluster’s own address, or list that host in VAULT_REDIRECT_HOSTS`,
  );
}

function serving(answer: Answer): VaultAnswer {
  const { status } = answer;
  const body = parsed(answer);
  const errors = Array.isArray(body['errors']) ? body['errors'].join('; ').slice(0, 4096) : '';
  const why = troubleOf(status, errors);
  if (why !== undefined) throw new NoAnswer(why);
  return { status, body, errors };
}

/** An error of a proxy in front of it may be a page in HTML; what counts then is its status. */
function parsed(answer: Answer): Readonly<Record<string, unknown>> {
  if (answer.text.trim() === '') return {};
  if (answer.status < 400) return jsonOf(answer);
  try {
    return jsonOf(answer);
  } catch {
    return {};
  }
}

function troubleOf(status: number, errors: string): string | undefined {
  if (status === 503 && /sealed/i.test(errors)) return 'it is sealed; somebody with its keys has to unseal it';
  if (status === 501 || /not (been )?initialized/i.test(errors)) return 'it is not initialised yet';
  if (status === 307 || status === 308) return 'its standby nodes send each other around';
  if (/local node not active/i.test(errors)) return 'it is a standby that reaches no active node; check the cluster';
  if (status === 472 || /DR secondary/i.test(errors)) return 'it is a disaster-recovery secondary; use the primary';
  if (status === 473) return 'it is a performance standby; use the active node';
  if (status === 429) return 'it refuses for too many requests (429); raise the rate-limit quota or try again later';
  if (status === 412) return 'this node has not caught up with the cluster yet (412); try again';
  if (status >= 500) return `it failed (${status}); its own log says why`;
  if (status >= 300 && status < 400) return `it answered with a redirect (${status}); check the address`;
  return undefined;
}
