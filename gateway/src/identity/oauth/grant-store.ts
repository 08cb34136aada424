import type { Json } from '../federation/browser-provider.ts';

/**
 * `attempt`: somebody was sent to a provider · `answer`: what a provider posted, until the browser comes for it ·
 * `browser`: a signed-in browser · `code`, `device`, `user-code`, `refresh`: as in RFC 6749 and RFC 8628 · `spent`: a
 * refresh token that was used · `access`: a token that was minted for a family.
 */
export type GrantKind =
  | 'attempt'
  | 'answer'
  | 'browser'
  | 'code'
  | 'device'
  | 'user-code'
  | 'refresh'
  | 'spent'
  | 'access';

/** Something that somebody holds the secret of. The secret itself is never kept. */
export interface Grant {
  readonly kind: GrantKind;
  /** SHA-256 of the secret, hex; of an `access` grant the token's id. */
  readonly hash: string;
  /** All that came of one sign-in: it ends together. */
  readonly family: string;
  /** The principal's id, where one is known. */
  readonly owner: string | undefined;
  /** The provider's name for its session, to end ours with it. */
  readonly sid: string | undefined;
  readonly body: Json;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** Where grants are kept; bodies are sealed at rest. */
export interface GrantStore {
  put(grant: Grant): Promise<void>;
  find(kind: GrantKind, hash: string): Promise<Grant | undefined>;
  /** Finds it and removes it, for one caller only. */
  take(kind: GrantKind, hash: string): Promise<Grant | undefined>;
  family(family: string): Promise<readonly Grant[]>;
  removeFamily(family: string): Promise<void>;
  /** Families of signed-in browsers of this principal, or with this provider's session. */
  familiesOf(
    match: { readonly owner: string } | { readonly sid: string; readonly ownerPrefix: string },
  ): Promise<readonly string[]>;
  count(kind: GrantKind): Promise<number>;
  /** Forgets what ended before `at`. */
  sweep(at: number): Promise<void>;
}
