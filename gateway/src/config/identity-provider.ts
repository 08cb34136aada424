import { z } from 'zod';
import { directoryRules } from './directory.ts';

const word = z.string().min(1);
const words = z.array(word).min(1);

/** A pattern's text is matched in linear time; its length bounds what a group's name costs. */
const groupName = word.max(256);

const groupRule = z.strictObject({ from: groupName, to: groupName }).superRefine(({ from, to }, context) => {
  const [given, wanted] = [from.split('*').length - 1, to.split('*').length - 1];
  if (wanted === 0 || (wanted === 1 && given === 1)) return;
  context.addIssue({
    code: 'custom',
    path: ['to'],
    message: `"${to}" may hold one * only, and only where "${from}" holds exactly one`,
  });
});

const groupRules = {
  map: z.array(groupRule).max(500).prefault([]),
  unmatched: z.enum(['keep', 'drop']).prefault('keep'),
};

const secureUrl = z.string().refine((text) => {
  const url = URL.parse(text);
  const loopback = ['localhost', '127.0.0.1', '[::1]'].includes(url?.hostname ?? '');
  return url?.protocol === 'https:' || (url?.protocol === 'http:' && loopback);
}, 'must be a URL with https (http only on a loopback host)');

const oidc = z
  .strictObject({
    type: z.literal('oidc'),
    preset: z.enum(['okta', 'entra', 'google', 'keycloak']).optional(),
    issuer: word.optional(),
    audience: z.union([word, words]).optional(),
    label: word.max(64).optional(),
    clientId: word.optional(),
    clientSecret: word.optional(),
    scopes: words.optional(),
    nameClaim: word.optional(),
    groupsClaim: word.optional(),
    groups: z
      .strictObject({
        ...groupRules,
        lookup: z.enum(['graph', 'cloud-identity', 'cloud-identity-transitive']).optional(),
        lookupUrl: secureUrl.optional(),
      })
      .optional(),
    allowedDomains: words.optional(),
    scim: directoryRules.optional(),
  })
  .superRefine((spec, context) => {
    const wrong = (path: readonly string[], message: string) =>
      context.addIssue({ code: 'custom', path: [...path], message });
    const { preset, issuer, audience, clientId, clientSecret, groups, groupsClaim, allowedDomains } = spec;
    if (issuer === undefined && preset !== 'google') wrong(['issuer'], 'is missing');
    if (audience === undefined && clientId === undefined) {
      wrong(['clientId'], 'is missing: clientId signs people in with a browser, audience takes tokens as passwords');
    }
    if (clientSecret !== undefined && clientId === undefined) wrong(['clientId'], 'is missing beside clientSecret');
    if (/\/(?:common|organizations|consumers)(?:\/|$)/.test(issuer ?? '') && preset === 'entra') {
      wrong(['issuer'], 'must name your own tenant: anybody of any tenant could sign in');
    }
    if (allowedDomains !== undefined && preset !== 'google') {
      wrong(['allowedDomains'], 'is for the preset google: other providers know their own people only');
    }
    if (preset === 'google' && allowedDomains === undefined) {
      wrong(['allowedDomains'], 'is missing: anybody has a Google account; name the domains of your organisation');
    }
    const lookup = groups?.lookup;
    const graph = lookup === 'graph';
    if (lookup !== undefined && (graph ? preset !== 'entra' : preset !== 'google')) {
      wrong(['groups', 'lookup'], `is for the preset ${graph ? 'entra' : 'google'}`);
    }
    const wantsGroups = groupsClaim !== undefined || (groups?.map.length ?? 0) > 0;
    if (preset === 'google' && wantsGroups && lookup === undefined) {
      wrong(['groups', 'lookup'], 'is missing: Google puts no groups into tokens; cloud-identity looks them up');
    }
  });

const saml = z
  .strictObject({
    type: z.literal('saml'),
    label: word.max(64).optional(),
    metadata: word.optional(),
    issuer: word.max(1024).optional(),
    entryPoint: secureUrl.optional(),
    logoutUrl: secureUrl.optional(),
    idpCert: z.union([word, words]).optional(),
    spEntityId: word.max(1024).optional(),
    nameAttribute: word.optional(),
    groupsAttribute: word.optional(),
    groups: z.strictObject(groupRules).optional(),
    privateKey: word.optional(),
    certificate: word.optional(),
    allowIdpInitiated: z.boolean().optional(),
    scim: directoryRules.optional(),
  })
  .superRefine((spec, context) => {
    if (spec.scim !== undefined && spec.issuer === undefined) {
      const message = 'is missing beside scim: it names the people that the directory provisions';
      context.addIssue({ code: 'custom', path: ['issuer'], message });
    }
    for (const key of ['issuer', 'entryPoint', 'idpCert'] as const) {
      if (spec.metadata !== undefined || spec[key] !== undefined) continue;
      context.addIssue({ code: 'custom', path: [key], message: 'is missing: write it, or the provider’s metadata' });
    }
  });

/** The spec of an IdentityProvider. */
export const identityProvider = z.discriminatedUnion('type', [oidc, saml], { error: 'must be oidc or saml' });
