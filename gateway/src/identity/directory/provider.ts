import type { Principal } from '@sallyport/shared/access/principal.ts';

/** How people who sign in are found in a directory, and what it decides. */
export interface DirectoryRules {
  /** By which key; `either`: the external id, else the name where the person in the directory has no external id. */
  readonly match: 'externalId' | 'userName' | 'either';
  /** The only claim, or path of claims, that is compared with external ids; the subject, `oid` or `uid` where absent. */
  readonly idClaim?: string;
  /** Whose groups count. */
  readonly groups: 'directory' | 'token';
}

/** An identity provider as the directory knows it. */
export interface DirectoryProvider {
  readonly name: string;
  /** What the ids of its people begin with: `oidc:<issuer>#`. */
  readonly idPrefix: string;
  /** Tells apart providers that share a prefix; undefined: there is no audience. */
  readonly audiences?: readonly string[];
  /** Undefined: no directory provisions its people. */
  readonly rules?: DirectoryRules;
}

/** The provider that a principal came from. Of several with one prefix the audience decides, else a directory does. */
export function providerOf(
  providers: readonly DirectoryProvider[],
  { id, claims }: Pick<Principal, 'id' | 'claims'>,
): DirectoryProvider | undefined {
  const same = providers.filter(({ idPrefix }) => id.startsWith(idPrefix));
  const listed = [claims['aud'] ?? []].flat();
  const named = same.find(({ audiences }) => audiences?.some((audience) => listed.includes(audience)));
  return named ?? same.find(({ rules }) => rules !== undefined) ?? same[0];
}
