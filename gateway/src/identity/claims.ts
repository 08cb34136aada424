import type { Principal } from '@sallyport/shared/access/principal.ts';
import type { Denial } from '@sallyport/shared/access/verdict.ts';
import type { JWTPayload } from 'jose';
import { refusal } from './denial.ts';
import { mapGroups } from './group-rules.ts';
import type { OidcProvider } from './provider.ts';

/** OpenID Connect Core 1.0, 2: a subject has at most 255 characters. */
const MAX_SUBJECT = 255;
const MAX_NAME = 255;

/** Who a token that was verified speaks of. Its claims are bounded by the token's own size. */
export function principalOf(
  provider: OidcProvider,
  payload: JWTPayload,
  /** Where the token does not list them: as the provider's directory does. */
  lookedUp?: readonly string[],
): Principal | Denial {
  const { iss, sub } = payload;
  if (typeof sub !== 'string' || sub === '' || sub.length > MAX_SUBJECT || hasControls(sub)) {
    return refusal('the token of your identity provider names nobody: it has no usable "sub" claim');
  }
  const groupsClaim = provider.groupsClaim ?? 'groups';
  // Groups that were left out would make a rule that denies them not match.
  if (lookedUp === undefined && leftOut(payload, groupsClaim)) {
    return refusal(
      `the identity provider ${provider.name} left your groups out of the token: there are too many`,
      `Ask its administrator to put only the groups that Sallyport's rules name into the claim "${groupsClaim}".`,
    );
  }
  const elsewhere = outsideDomains(provider, payload);
  if (elsewhere !== undefined) return elsewhere;
  return {
    id: `oidc:${iss}#${sub}`,
    name: nameOf(payload, provider.nameClaim ?? 'email') ?? sub,
    groups: mapGroups(provider.groupRules, lookedUp ?? groupsOf(claimAt(payload, groupsClaim))),
    claims: structuredClone(payload),
  };
}

/** An address that its provider has not verified may be somebody else's. */
function nameOf(payload: JWTPayload, claim: string): string | undefined {
  const verified = payload['email_verified'];
  if (claim === 'email' && (verified === false || verified === 'false')) return undefined;
  const name = claimAt(payload, claim);
  if (typeof name !== 'string' || name === '' || name.length > MAX_NAME || hasControls(name)) return undefined;
  return name;
}

function groupsOf(value: unknown): readonly string[] {
  const listed = Array.isArray(value) ? value : [value];
  return [...new Set(listed.filter((group) => typeof group === 'string' && group !== ''))];
}

/** A claim of exactly this name (some hold dots), or the one at the end of the path. */
export function claimAt(payload: Readonly<Record<string, unknown>>, path: string): unknown {
  if (Object.hasOwn(payload, path)) return payload[path];
  let value: unknown = payload;
  for (const step of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string, unknown>)[step];
  }
  return value;
}

/** @see OpenID Connect Core 1.0, 5.6.2 (distributed claims) */
export function leftOut(payload: JWTPayload, claim: string): boolean {
  // Entra ID's word for the same where a token travels in a URL.
  if (claim === 'groups' && ['true', true].includes(payload['hasgroups'] as string | boolean)) return true;
  const names = payload['_claim_names'];
  return typeof names === 'object' && names !== null && Object.hasOwn(names, claim);
}

/** Anybody has a Google account: only the organisation's own count. */
function outsideDomains({ hostedDomains }: OidcProvider, { hd }: JWTPayload): Denial | undefined {
  if (hostedDomains === undefined || (typeof hd === 'string' && hostedDomains.includes(hd))) return undefined;
  return refusal(
    `your Google account is of no organisation that may sign in here (${hostedDomains.join(', ')})`,
    'Sign in with the account of your organisation.',
  );
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
export const hasControls = (text: string): boolean => /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(text);
