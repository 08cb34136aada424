import type { GroupRules } from '../group-rules.ts';
import type { OidcProvider } from '../provider.ts';
import { googleIssuer, type Preset, quirksOf } from './presets.ts';

/** Where groups come from that no token lists. */
export type Lookup = 'graph' | 'cloud-identity' | 'cloud-identity-transitive';

/** The groups part of an IdentityProvider. */
export interface GroupsSpec extends GroupRules {
  readonly lookup?: Lookup | undefined;
  /** In place of the public API's address: for national clouds and tests. */
  readonly lookupUrl?: string | undefined;
}

/** The spec of an IdentityProvider that speaks OpenID Connect. */
export interface OidcSpec {
  readonly type: 'oidc';
  readonly preset?: Preset | undefined;
  /** Absent with the preset google only. */
  readonly issuer?: string | undefined;
  readonly audience?: string | readonly string[] | undefined;
  readonly label?: string | undefined;
  /** Absent: the provider's tokens are passwords, and nobody signs in with a browser. */
  readonly clientId?: string | undefined;
  /** A literal, `env:NAME` or `file:PATH`; absent for a public client. */
  readonly clientSecret?: string | undefined;
  readonly scopes?: readonly string[] | undefined;
  readonly nameClaim?: string | undefined;
  readonly groupsClaim?: string | undefined;
  readonly groups?: GroupsSpec | undefined;
  readonly allowedDomains?: readonly string[] | undefined;
}

/** The spec of an IdentityProvider that speaks SAML 2.0. */
export interface SamlSpec {
  readonly type: 'saml';
  readonly label?: string | undefined;
  /** XML, or `file:PATH`; in place of the next four. */
  readonly metadata?: string | undefined;
  /** The provider's entity id. */
  readonly issuer?: string | undefined;
  readonly entryPoint?: string | undefined;
  readonly logoutUrl?: string | undefined;
  /** PEM, base64, or `file:PATH`. */
  readonly idpCert?: string | readonly string[] | undefined;
  readonly spEntityId?: string | undefined;
  readonly nameAttribute?: string | undefined;
  readonly groupsAttribute?: string | undefined;
  readonly groups?: GroupRules | undefined;
  /** PEM, `env:` or `file:`: signs requests and opens encrypted assertions. */
  readonly privateKey?: string | undefined;
  /** Of the private key: PEM or `file:PATH`. */
  readonly certificate?: string | undefined;
  readonly allowIdpInitiated?: boolean | undefined;
}

export type ProviderSpec = OidcSpec | SamlSpec;

/** An IdentityProvider resource as federation sees it. */
export interface NamedProvider<S extends ProviderSpec = ProviderSpec> {
  readonly name: string;
  readonly spec: S;
}

/** How the provider's tokens are read, whether they come as a password or by a browser. */
export function oidcProviderOf({ name, spec }: NamedProvider<OidcSpec>): OidcProvider {
  const { groupsClaim, allowedDomains, groups, preset } = spec;
  return {
    name,
    issuer: issuerOf(spec),
    audiences: [spec.audience ?? []].flat(),
    nameClaim: spec.nameClaim ?? quirksOf(preset).nameClaim,
    ...(groupsClaim === undefined ? {} : { groupsClaim }),
    ...(allowedDomains === undefined ? {} : { hostedDomains: allowedDomains }),
    ...(groups === undefined ? {} : { groupRules: { map: groups.map, unmatched: groups.unmatched } }),
  };
}

export const issuerOf = ({ issuer, preset }: OidcSpec): string => issuer ?? (preset === 'google' ? googleIssuer : '');

/** The providers whose tokens are read as passwords. */
export const oidcProvidersOf = (all: readonly NamedProvider[]): readonly OidcProvider[] =>
  all.filter((one): one is NamedProvider<OidcSpec> => one.spec.type === 'oidc').map(oidcProviderOf);
