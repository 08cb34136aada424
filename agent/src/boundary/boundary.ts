import { lookup as lookUp } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { Unavailable } from '@sallyport/shared/errors/errors.ts';
import { type Environment, listed } from './environment.ts';
import { placeOf } from './places.ts';
import { readPattern, type TargetPattern } from './target-pattern.ts';

/** Where to connect, as `net.connect` and `tls.connect` take it: names lead to the addresses that were checked, to no other. */
export interface CheckedTarget {
  readonly host: string;
  readonly port: number;
  readonly lookup: LookupFunction;
}

export interface BoundaryOptions {
  /** Told of each target that was refused, for the agent's log. */
  readonly onRefused?: (target: string, why: string) => void;
  /** Asks the DNS. */
  readonly resolve?: (host: string) => Promise<readonly { readonly address: string; readonly family: number }[]>;
}

/**
 * Where this agent connects at all, whoever asks: a gateway that was taken over must not reach what nobody meant, nor
 * send secrets there. The network's owner says it in `SALLYPORT_TARGETS`; without it, private networks only.
 */
export class Boundary {
  readonly #patterns: readonly TargetPattern[];
  readonly #options: BoundaryOptions;

  /** `undefined` is what nothing says. @throws Error for a pattern that is none */
  constructor(targets: readonly string[] | undefined, options: BoundaryOptions = {}) {
    this.#patterns = (targets ?? ['private']).map(readPattern);
    this.#options = options;
  }

  /** @throws Error that names the wrong entry */
  static of(environment: Environment, options: BoundaryOptions = {}): Boundary {
    return new Boundary(listed(environment, 'SALLYPORT_TARGETS'), options);
  }

  /**
   * Asks the DNS once and answers with what may be connected to. Connect with exactly that.
   * @throws Unavailable ERR_TARGET_UNREACHABLE where the owner does not allow it; the DNS's own error where a name leads nowhere
   */
  async checkTarget(host: string, port: number): Promise<CheckedTarget> {
    const plain = host.replace(/^\[(.*)\]$/, '$1');
    const { resolve = resolveAll } = this.#options;
    const found = isIP(plain) === 0 ? await resolve(plain) : [{ address: plain, family: isIP(plain) }];
    // One bad address among good ones is a name that somebody meddles with.
    for (const { address } of found) {
      const why = this.#refusal(plain, address, port);
      if (why !== undefined) throw this.#refused(plain, port, why);
    }
    return { host: plain, port, lookup: answering(found) };
  }

  #refusal(host: string, address: string, port: number): string | undefined {
    const fitting = this.#patterns.filter(({ matchesPort }) => matchesPort(port));
    if (fitting.some(({ kind, matchesHost }) => kind === 'addresses' && matchesHost(address))) return undefined;
    const place = placeOf(address);
    const leads = address === host ? 'it is' : `it leads to ${address},`;
    if (place === 'metadata')
      return `${leads} an address of the machine’s own link, which is allowed by its address only`;
    if (fitting.some(({ kind, matchesHost }) => kind === 'names' && matchesHost(host))) return undefined;
    if (place === 'private' && fitting.some(({ kind }) => kind === 'private')) return undefined;
    if (!this.#patterns.some(({ kind }) => kind === 'private')) return 'it is not among those that it lists';
    return place === 'loopback' ? `${leads} the agent’s own machine` : `${leads} no private network`;
  }

  #refused(host: string, port: number, why: string): Unavailable {
    const target = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    this.#options.onRefused?.(target, why);
    const text = `The agent does not connect to ${target}: ${why}. The network’s owner allows targets in the agent’s variable SALLYPORT_TARGETS.`;
    return new Unavailable('target', 'ERR_TARGET_UNREACHABLE', text);
  }
}

const resolveAll: NonNullable<BoundaryOptions['resolve']> = (host) => lookUp(host, { all: true });

function answering(found: readonly { readonly address: string; readonly family: number }[]): LookupFunction {
  return (host, options, answer) => {
    const [first] = found;
    if (first === undefined)
      return answer(Object.assign(new Error(`${host} has no address`), { code: 'ENOTFOUND' }), '');
    if (options.all === true) answer(null, [...found]);
    else answer(null, first.address, first.family);
  };
}
