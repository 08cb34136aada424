import { isDeepStrictEqual } from 'node:util';
import type { KeyTimes } from '../issuer-keys.ts';
import type { BrowserProvider } from './browser-provider.ts';
import { OidcBrowser } from './oidc-browser.ts';
import { MemoryReplayCache, type ReplayCache } from './replay-cache.ts';
import { SamlBrowser } from './saml/saml-browser.ts';
import type { NamedProvider, OidcSpec, ProviderSpec, SamlSpec } from './spec.ts';

export interface FederationParts {
  /** The gateway's own address; SAML's default for its entity id. */
  readonly publicUrl: string;
  /** Shared where several gateways serve; this process's own when absent. */
  readonly replay?: ReplayCache;
  readonly clock?: () => number;
  readonly keyTimes?: KeyTimes;
}

interface Made {
  readonly spec: ProviderSpec;
  readonly provider: BrowserProvider;
}

/** The providers that people may sign in with. What a provider has learned stays while its resource is the same. */
export class Federation {
  readonly #parts: FederationParts;
  readonly #replay: ReplayCache;
  #made: ReadonlyMap<string, Made> = new Map();

  constructor(parts: FederationParts) {
    this.#parts = parts;
    this.#replay = parts.replay ?? new MemoryReplayCache(parts.clock);
  }

  /** Puts the resources of kind IdentityProvider, as they are now, in force. */
  replace(specs: readonly NamedProvider[]): void {
    const made = specs.filter(signsIn).map((named): [string, Made] => {
      const known = this.#made.get(named.name);
      const same = known !== undefined && isDeepStrictEqual(known.spec, named.spec);
      return [named.name, same ? known : { spec: named.spec, provider: this.#make(named) }];
    });
    this.#made = new Map(made);
  }

  /** In the order of the resources. */
  get providers(): readonly BrowserProvider[] {
    return [...this.#made.values()].map(({ provider }) => provider);
  }

  provider(name: string): BrowserProvider | undefined {
    return this.#made.get(name)?.provider;
  }

  #make({ name, spec }: NamedProvider): BrowserProvider {
    const { publicUrl, clock = Date.now, keyTimes } = this.#parts;
    const shared = { replay: this.#replay, clock };
    return spec.type === 'oidc'
      ? new OidcBrowser({ name, spec: spec as OidcSpec }, { ...shared, keyTimes })
      : new SamlBrowser({ name, spec: spec as SamlSpec }, { ...shared, publicUrl });
  }
}

/** The providers of these resources. */
export function federationOf(specs: readonly NamedProvider[], parts: FederationParts): Federation {
  const federation = new Federation(parts);
  federation.replace(specs);
  return federation;
}

/** An OpenID provider without a client id only makes tokens that are used as passwords. */
const signsIn = ({ spec }: NamedProvider): boolean => spec.type === 'saml' || spec.clientId !== undefined;
