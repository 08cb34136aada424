import type { StoredResource } from '../api/ports.ts';
import type { Json } from '../audit/event.ts';
import { identityProviderSecrets } from '../config/identity-provider.ts';
import type { Parsed } from '../config/resources.ts';

/** What a secret looks like to whoever lists resources. */
const shown = '(set)';

type Spec = { readonly [key: string]: Json };

/** An IdentityProvider as it is listed: literal secrets are not shown, references are. */
export function shownProvider(spec: Spec): Spec {
  const hidden = identityProviderSecrets.filter((field) => {
    const secret = spec[field];
    return typeof secret === 'string' && !/^(?:env|file):/.test(secret);
  });
  return hidden.length === 0 ? spec : { ...spec, ...Object.fromEntries(hidden.map((field) => [field, shown])) };
}

/** What was shown in place of a secret means the secret that is there. @throws ConfigError where none is */
export function withKnownProviderSecrets(one: Parsed, old: Pick<StoredResource, 'spec'> | undefined): Parsed {
  const spec: Record<string, unknown> = { ...one.spec };
  for (const field of identityProviderSecrets) {
    if (spec[field] !== shown) continue;
    if (old?.spec[field] === undefined) {
      throw one.source.problem(['spec', field], `no ${field} is kept for this provider: write one`);
    }
    spec[field] = old.spec[field];
  }
  return { ...one, spec: spec as Parsed['spec'] };
}
