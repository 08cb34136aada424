import type { GroupRules } from './group-rules.ts';

/** An identity provider as rules and people know it. @see OpenID Connect Core 1.0 */
export interface OidcProvider {
  readonly name: string;
  /** Compared exactly with the `iss` claim; https, or http on a loopback host. */
  readonly issuer: string;
  /** Any one of these must be in the `aud` claim; with none, its tokens are no passwords. */
  readonly audiences: readonly string[];
  /** The claim, or path of claims (`a.b`), that names the person; `email` when absent. */
  readonly nameClaim?: string;
  /** The claim, or path of claims, that lists groups: a text or a list of texts; `groups` when absent. */
  readonly groupsClaim?: string;
  /** What the provider's groups are called here; as they came when absent. */
  readonly groupRules?: GroupRules;
  /** The `hd` claim must be one of these; Google only. */
  readonly hostedDomains?: readonly string[];
}

/** Why a URL may not be asked for keys; undefined where it may. */
export function insecureUrl(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null) return 'it is no URL';
  if (url.username !== '' || url.password !== '') return 'it holds a password';
  if (url.protocol === 'https:') return undefined;
  if (url.protocol === 'http:' && isLoopback(url.hostname)) return undefined;
  return 'it must be https (http only on a loopback host)';
}

/** Why a text cannot be an issuer's; undefined where it can. @see OpenID Connect Discovery 1.0, 4.3 */
export function wrongIssuer(text: string): string | undefined {
  const url = URL.parse(text);
  if (url !== null && (url.search !== '' || url.hash !== '')) return 'it has a query or a fragment';
  return insecureUrl(text);
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
}
