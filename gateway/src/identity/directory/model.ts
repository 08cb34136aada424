type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Attributes of a person in a directory by their names in RFC 7643; neither `id` nor `meta` nor `groups`. */
export type Attributes = { readonly [name: string]: Json };

interface Provisioned {
  /** Ours; never used twice. */
  readonly id: string;
  /** The IdentityProvider resource whose directory it is in. */
  readonly provider: string;
  /** What the directory calls it; the key of the match with a sign-in. */
  readonly externalId: string | undefined;
  /** Grows with each change: the entity tag. */
  readonly version: number;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** A person as a directory provisioned them. @see RFC 7643, 4.1 */
export interface DirectoryUser extends Provisioned {
  readonly userName: string;
  /** False: off-boarded. */
  readonly active: boolean;
  readonly attributes: Attributes;
}

/** A group; members are kept apart, for there may be many. @see RFC 7643, 4.2 */
export interface DirectoryGroup extends Provisioned {
  readonly displayName: string;
}

/** As much of something as refers to it. */
export interface Named {
  readonly id: string;
  readonly name: string;
}

/** An access token of a directory: opens its SCIM endpoint and nothing else. Kept by hash. */
export interface DirectoryToken {
  readonly id: string;
  /** SHA-256, hex. */
  readonly hash: string;
  readonly provider: string;
  readonly label: string | undefined;
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly revokedAt: number | undefined;
}

export type UserKey = { readonly userName: string } | { readonly externalId: string };

/** What a directory remembers. Names are compared without regard to case, external ids exactly. */
export interface DirectoryStore {
  user(provider: string, id: string): Promise<DirectoryUser | undefined>;
  /** At most two: a second one means that the key does not tell people apart. */
  usersBy(provider: string, key: UserKey): Promise<readonly DirectoryUser[]>;
  /** By id, those after `after`. */
  users(provider: string, page: { readonly after: string; readonly limit: number }): Promise<readonly DirectoryUser[]>;
  countUsers(provider: string): Promise<number>;
  putUser(user: DirectoryUser): Promise<void>;
  /** With its memberships. */
  removeUser(provider: string, id: string): Promise<void>;
  group(provider: string, id: string): Promise<DirectoryGroup | undefined>;
  groupBy(provider: string, displayName: string): Promise<DirectoryGroup | undefined>;
  groups(
    provider: string,
    page: { readonly after: string; readonly limit: number },
  ): Promise<readonly DirectoryGroup[]>;
  countGroups(provider: string): Promise<number>;
  /** `members` replaces all of them where it is given; ids of users of the same provider. */
  putGroup(group: DirectoryGroup, members?: MemberChange): Promise<void>;
  removeGroup(provider: string, id: string): Promise<void>;
  members(groupId: string): Promise<readonly Named[]>;
  groupsOf(userId: string): Promise<readonly Named[]>;
  /** Of these ids, those that are users of the provider. */
  knownUsers(provider: string, ids: readonly string[]): Promise<ReadonlySet<string>>;
  addToken(token: DirectoryToken): Promise<void>;
  tokenByHash(hash: string): Promise<DirectoryToken | undefined>;
  /** Newest first. */
  tokens(): Promise<readonly DirectoryToken[]>;
  /** False where it is unknown or already revoked. */
  revokeToken(id: string, at: number): Promise<boolean>;
}

export interface MemberChange {
  readonly added: readonly string[];
  readonly removed: readonly string[];
}
