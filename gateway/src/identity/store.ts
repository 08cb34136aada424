import type { Principal } from '@sallyport/shared/access/principal.ts';
import type { Sources } from './source.ts';

/** A person known without an identity provider. */
export interface StoredUser {
  readonly name: string;
  readonly groups: readonly string[];
  /** As `password.ts` writes it; undefined: cannot sign in by password. */
  readonly passwordHash: string | undefined;
}

/** A minted token, kept by hash. */
export interface StoredToken {
  /** Public: shown in listings and events. */
  readonly id: string;
  /** SHA-256 of the token, hex. */
  readonly hash: string;
  readonly principal: Principal;
  /** The only connection that it opens; undefined: any. */
  readonly connection: string | undefined;
  readonly label: string | undefined;
  /** Milliseconds since the epoch, as all times here. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly revokedAt: number | undefined;
  /** Ids of the tokens that it was made of: it ends with any of them. */
  readonly parents?: readonly string[];
  /** The addresses that it is bound to: ranges of which one must hold, for each list. */
  readonly sources?: Sources;
}

/** What identity remembers. Neither a password nor a token is ever in it. */
export interface IdentityStore {
  user(name: string): Promise<StoredUser | undefined>;
  /** By name. */
  users(): Promise<readonly StoredUser[]>;
  putUser(user: StoredUser): Promise<void>;
  /** False where there is none of that name. */
  removeUser(name: string): Promise<boolean>;
  addToken(token: StoredToken): Promise<void>;
  tokenByHash(hash: string): Promise<StoredToken | undefined>;
  token(id: string): Promise<StoredToken | undefined>;
  /** Newest first; of one principal where given. */
  tokens(principalId?: string): Promise<readonly StoredToken[]>;
  /** Those that are neither revoked nor expired at `at`, of principals whose ids begin so. */
  livingTokens(principalPrefix: string, at: number): Promise<readonly StoredToken[]>;
  /** Those that were made of this one, living or not. */
  tokensMadeOf(id: string): Promise<readonly StoredToken[]>;
  /** False where it is unknown or already revoked. */
  revokeToken(id: string, at: number): Promise<boolean>;
  /** Forgets tokens that ended before `before`. */
  sweepTokens(before: number): Promise<void>;
}
