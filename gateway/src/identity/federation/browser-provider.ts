import type { Principal } from '@sallyport/shared/access/principal.ts';
import type { Denial } from '@sallyport/shared/access/verdict.ts';

/** What JSON can say; what is kept of an attempt is only this. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** What a browser brought back to the redirect address. OIDC: in the URL; SAML: in a form (SAMLResponse, RelayState). */
export interface Callback {
  readonly url: URL;
  readonly form?: URLSearchParams;
}

/** Asks the provider again, without the person. A secret: it may hold a refresh token. */
export interface RefreshSecret {
  readonly provider: string;
  readonly subject: string;
  readonly token: string;
  /** Whether the provider named groups before: then it must again. */
  readonly groups: boolean;
}

/** A person whom a provider has just vouched for. */
export interface SignedIn {
  readonly principal: Principal;
  /** Until when, as the provider said. Milliseconds since the epoch. */
  readonly expiresAt: number;
  readonly refresh?: RefreshSecret;
  /** What the provider calls its own session, to end ours with it. */
  readonly providerSession: ProviderSession;
}

export interface ProviderSession {
  /** OIDC's `sid`, SAML's SessionIndex. */
  readonly sid?: string;
  /** OIDC's `sub`, SAML's NameID. */
  readonly subject: string;
  /** Proves to the provider whose sign-out this is. */
  readonly idToken?: string;
  /** SAML: the NameID's Format. */
  readonly nameIdFormat?: string;
}

/** Which sessions a provider has ended: all of `sub`, or `sid` alone. At least one is there. */
export interface ProviderLogout {
  readonly sub?: string;
  readonly sid?: string;
}

/** One identity provider as a way to sign in with a browser. */
export interface BrowserProvider {
  /** The resource's name. */
  readonly name: string;
  /** What the button says. */
  readonly label: string;
  readonly kind: 'oidc' | 'saml';
  /** The start of the ids of its principals, to which the subject is added: `oidc:<issuer>#`, `saml:<entity>#`. */
  readonly idPrefix: string | undefined;
  /**
   * Where to send the browser. `memory` is the caller's to keep on the server, for 10 minutes, under `state`, for one use.
   * @throws Unavailable
   */
  begin(
    attempt: { readonly state: string; readonly redirectUri: string },
    signal?: AbortSignal,
  ): Promise<{ readonly location: string; readonly memory: Json }>;
  /**
   * Who came back. `memory` is what `begin` gave for the state that the browser brought (and that the caller has bound to that
   * browser by a cookie); null where there is none, which only SAML providers with `allowIdpInitiated` accept.
   * @throws Unavailable
   */
  complete(callback: Callback, memory: Json, signal?: AbortSignal): Promise<SignedIn | Denial>;
  /** Whether the person is still who they were, with their groups now. Absent: the provider says no more. @throws Unavailable */
  refresh?(secret: RefreshSecret, signal?: AbortSignal): Promise<SignedIn | Denial>;
  /** Ends the session at the provider too, where it can be asked to; known once somebody has begun to sign in. */
  signOutUrl(session: Pick<SignedIn, 'providerSession'>, returnTo: string): string | undefined;
  /** What a provider's logout token ends. @see OpenID Connect Back-Channel Logout 1.0, 2.6 @throws Unavailable */
  verifyLogout?(logoutToken: string, signal?: AbortSignal): Promise<ProviderLogout | Denial>;
  /** What an administrator gives to a SAML provider: XML. @throws Unavailable */
  metadata?(acsUrl: string): Promise<string>;
}
