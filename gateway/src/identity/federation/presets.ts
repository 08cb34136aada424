export type Preset = 'okta' | 'entra' | 'google' | 'keycloak';

/** How a well-known provider differs from the plain standard. */
export interface Quirks {
  readonly label: string;
  readonly scopes: readonly string[];
  /** Added to the authorization request. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly nameClaim: string;
}

const plain: Quirks = { label: '', scopes: ['openid', 'profile', 'email'], parameters: {}, nameClaim: 'email' };

const quirks: Readonly<Record<Preset, Quirks>> = {
  okta: { ...plain, label: 'Okta', scopes: ['openid', 'profile', 'email', 'groups', 'offline_access'] },
  entra: {
    ...plain,
    label: 'Microsoft',
    scopes: ['openid', 'profile', 'email', 'offline_access'],
    // Entra's `email` is not verified, and whoever administers another tenant chooses it freely.
    nameClaim: 'preferred_username',
  },
  // Google gives a refresh token only to who asks for `offline`, and only when the person has consented anew.
  google: { ...plain, label: 'Google', parameters: { access_type: 'offline', prompt: 'consent' } },
  // Without offline_access: Keycloak's offline tokens outlive the sign-out.
  keycloak: { ...plain, label: 'Keycloak' },
};

export const quirksOf = (preset: Preset | undefined): Quirks => (preset === undefined ? plain : quirks[preset]);

export const googleIssuer = 'https://accounts.google.com';
