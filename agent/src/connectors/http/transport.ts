import { type ClientRequest, Agent as PlainAgent, type RequestOptions, request as requestPlain } from 'node:http';
import { request as requestSecure, Agent as SecureAgent } from 'node:https';
import { isIP } from 'node:net';
import type { Target } from '@sallyport/shared/access/connection.ts';
import type { ClientCertificate } from '@sallyport/shared/access/http.ts';
import type { Boundary, CheckedTarget } from '../../boundary/boundary.ts';
import type { CredentialResolver } from '../../credentials/resolver.ts';

/** Connections to one target at once, and those kept without a request. */
const MAX_SOCKETS = 512;
const MAX_FREE_SOCKETS = 32;
/** Servers close idle connections after some time; one that is about to be closed is not used. Milliseconds. */
const IDLE_MS = 15_000;
/** Transports that are kept. */
const MAX_TRANSPORTS = 256;

/** The way to one target: TLS as the connection wants it, with connections that are kept for the next request. */
export interface Transport {
  readonly isSecure: boolean;
  request(options: RequestOptions): ClientRequest;
}

export class Transports {
  readonly #resolver: CredentialResolver;
  readonly #boundary: Pick<Boundary, 'checkTarget'>;
  readonly #known = new Map<string, Made>();

  constructor(resolver: CredentialResolver, boundary: Pick<Boundary, 'checkTarget'>) {
    this.#resolver = resolver;
    this.#boundary = boundary;
  }

  /**
   * Within the agent's boundary only, which is asked anew for each request.
   * @throws Unavailable `ERR_CREDENTIAL_UNRESOLVED`, `ERR_TARGET_UNREACHABLE`; the DNS's own error
   */
  async to(target: Target, certificate: ClientCertificate | undefined, signal: AbortSignal): Promise<Transport> {
    const place = await this.#boundary.checkTarget(target.host, target.port);
    const pair = certificate && {
      cert: await this.#resolver.resolve(certificate.certificate, signal),
      key: await this.#resolver.resolve(certificate.key, signal),
    };
    const key = JSON.stringify([target.host, target.port, target.tls, target.ca, pair]);
    const known = this.#known.get(key);
    if (known !== undefined) return known.at(place);
    const made = target.tls === 'disable' ? plain(target) : secure(target, pair);
    const [oldest] = this.#known.keys();
    if (this.#known.size >= MAX_TRANSPORTS && oldest !== undefined) {
      this.#known.get(oldest)?.destroy();
      this.#known.delete(oldest);
    }
    this.#known.set(key, made);
    return made.at(place);
  }
}

interface Made {
  /** To the addresses that were checked, and to no other. */
  at(place: CheckedTarget): Transport;
  destroy(): void;
}

const kept = {
  keepAlive: true,
  maxSockets: MAX_SOCKETS,
  maxFreeSockets: MAX_FREE_SOCKETS,
  timeout: IDLE_MS,
  noDelay: true,
} as const;

function plain({ host, port }: Target): Made {
  const agent = new PlainAgent(kept);
  return {
    at: ({ lookup }) => ({
      isSecure: false,
      request: (options) => requestPlain({ ...options, host, port, lookup, agent }),
    }),
    destroy: () => agent.destroy(),
  };
}

function secure({ host, port, tls, ca }: Target, pair: { cert: string; key: string } | undefined): Made {
  const isChecked = tls === 'verify-ca' || tls === 'verify-full' || ca !== undefined;
  const agent = new SecureAgent({
    ...kept,
    ...pair,
    ...(ca === undefined ? {} : { ca }),
    ...(isIP(host) === 0 ? { servername: host } : {}),
    minVersion: 'TLSv1.2',
    rejectUnauthorized: isChecked,
    ...(tls === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
    ALPNProtocols: ['http/1.1'],
  });
  return {
    at: ({ lookup }) => ({
      isSecure: true,
      request: (options) => requestSecure({ ...options, host, port, lookup, agent }),
    }),
    destroy: () => agent.destroy(),
  };
}
