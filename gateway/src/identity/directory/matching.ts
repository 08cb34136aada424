import type { Principal } from '@sallyport/shared/access/principal.ts';
import type { Denial } from '@sallyport/shared/access/verdict.ts';
import { claimAt } from '../claims.ts';
import { refusal } from '../denial.ts';
import type { DirectoryStore, DirectoryUser } from './model.ts';
import type { DirectoryProvider, DirectoryRules } from './provider.ts';

/** Object id of Entra ID; user id of Okta's access tokens. */
const wellKnown = ['oid', 'uid'];

/** The one person of a directory whom somebody signed in as, or why there is none. Active or not is not asked here. */
export async function matched(
  store: Pick<DirectoryStore, 'usersBy'>,
  { name: provider, idPrefix }: DirectoryProvider,
  rules: DirectoryRules,
  principal: Principal,
): Promise<DirectoryUser | Denial> {
  const { match } = rules;
  const ids = match === 'userName' ? [] : externalIds(principal, idPrefix, rules);
  const found = new Map<string, DirectoryUser>();
  for (const externalId of ids) {
    for (const user of await store.usersBy(provider, { externalId })) found.set(user.id, user);
  }
  if (found.size > 1) return ambiguous(principal, provider);
  const [user] = found.values();
  if (user !== undefined) return user;
  if (match === 'externalId') return missing(principal, provider);
  const [named] = await store.usersBy(provider, { userName: principal.name });
  if (named === undefined) return missing(principal, provider);
  // Names are given anew to others, and some people choose theirs: the id that a directory knows goes over them.
  if (match === 'either' && named.externalId !== undefined) return somebodyElse(principal, provider);
  return named;
}

function externalIds({ id, claims }: Principal, idPrefix: string, { idClaim }: DirectoryRules): string[] {
  const offered =
    idClaim === undefined
      ? [id.slice(idPrefix.length), ...wellKnown.map((claim) => claims[claim])]
      : [claimAt(claims, idClaim)];
  return [...new Set(offered.filter((value) => typeof value === 'string' && value !== ''))] as string[];
}

const missing = ({ name }: Principal, provider: string): Denial =>
  refusal(
    `${name} is not in the directory of ${provider}, or no longer`,
    'Ask its administrators to assign you to the Sallyport application.',
  );

const ambiguous = ({ name }: Principal, provider: string): Denial =>
  refusal(
    `${name} is more than one person in the directory of ${provider}`,
    'Its administrators have to name the claim that tells people apart: spec.scim.idClaim of the IdentityProvider.',
  );

const somebodyElse = ({ name }: Principal, provider: string): Denial =>
  refusal(
    `the directory of ${provider} knows ${name} by another external id than the sign-in says`,
    'Its administrators have to map externalId to the id in the token, or set spec.scim.match: userName.',
  );
