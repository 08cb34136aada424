import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Principal } from '@sallyport/shared/access/principal.ts';
import type { Denial } from '@sallyport/shared/access/verdict.ts';
import { refusal } from '../denial.ts';
import { matched } from './matching.ts';
import type { Attributes, DirectoryGroup, DirectoryStore, DirectoryUser, MemberChange } from './model.ts';
import { DirectoryProblem } from './problem.ts';
import { type DirectoryProvider, providerOf } from './provider.ts';
import { DirectoryTokens } from './tokens.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export interface DirectoryParts {
  readonly store: DirectoryStore;
  /** Asked anew each time. */
  readonly providers: () => readonly DirectoryProvider[];
  /** Durable before the effect. */
  readonly journal: (type: string, provider: string, data: { [key: string]: Json }) => Promise<void>;
  /** After each change, before whoever asked for it is answered: sessions and tokens are looked at again. */
  readonly onChange: (provider: DirectoryProvider) => Promise<void>;
  readonly clock?: () => number;
}

/** What a directory says of a person. */
export interface UserDraft {
  readonly userName: string;
  readonly externalId: string | undefined;
  readonly active: boolean;
  readonly attributes: Attributes;
}

export interface GroupDraft {
  readonly displayName: string;
  readonly externalId: string | undefined;
  /** Ids of users. Undefined: as they are. */
  readonly members: readonly string[] | undefined;
}

const LIMITS = { users: 200_000, groups: 20_000 } as const;
/** Changes that wait for their turn. */
const MAX_WAITING = 200;

/** The people and groups of identity providers that provision them, and who of those who sign in they are. */
export class Directory {
  readonly store: DirectoryStore;
  readonly tokens: DirectoryTokens;
  readonly #parts: DirectoryParts;
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(parts: DirectoryParts) {
    this.#parts = parts;
    this.store = parts.store;
    this.tokens = new DirectoryTokens(parts.store, parts.clock);
  }

  /** The provider of this name, where a directory provisions its people. */
  provider(name: string): DirectoryProvider | undefined {
    return this.#parts.providers().find((one) => one.name === name && one.rules !== undefined);
  }

  /** As the directory sees somebody now, or why they may not come in; undefined where they are of no directory. */
  async current(principal: Principal): Promise<Principal | Denial | undefined> {
    const provider = providerOf(this.#parts.providers(), principal);
    const rules = provider?.rules;
    if (provider === undefined || rules === undefined) return undefined;
    const user = await matched(this.store, provider, rules, principal);
    if ('message' in user) return user;
    if (!user.active) {
      const hint = 'Ask its administrators whether that was meant.';
      return refusal(`${principal.name} was deactivated in the directory of ${provider.name}`, hint);
    }
    if (rules.groups === 'token') return principal;
    const groups = await this.store.groupsOf(user.id);
    return { ...principal, groups: groups.map(({ name }) => name) };
  }

  /** @throws DirectoryProblem taken, full */
  createUser(provider: DirectoryProvider, draft: UserDraft): Promise<DirectoryUser> {
    return this.#inTurn(provider, async () => {
      if ((await this.store.countUsers(provider.name)) >= LIMITS.users) throw full('people', LIMITS.users);
      await this.#checkUser(provider.name, undefined, draft);
      const now = this.#now();
      const base = { id: randomUUID(), provider: provider.name, version: 1, createdAt: now, updatedAt: now };
      const user = { ...base, ...draft };
      await this.#parts.journal('admin.directory-user-created', provider.name, toldOf(user));
      await this.store.putUser(user);
      return user;
    });
  }

  /** @throws DirectoryProblem missing, stale, taken; whatever `change` throws */
  changeUser(
    provider: DirectoryProvider,
    id: string,
    change: (user: DirectoryUser) => UserDraft,
    isExpected: (version: number) => boolean = () => true,
  ): Promise<DirectoryUser> {
    return this.#inTurn(provider, async () => {
      const old = await this.store.user(provider.name, id);
      if (old === undefined) throw missing('user', id);
      if (!isExpected(old.version)) throw stale();
      const draft = change(old);
      await this.#checkUser(provider.name, id, draft);
      const changed = { ...old, ...draft };
      if (isDeepStrictEqual(old, changed)) return old;
      const user = { ...changed, version: old.version + 1, updatedAt: this.#now() };
      await this.#parts.journal(changeOf(old, user), provider.name, toldOf(user));
      await this.store.putUser(user);
      return user;
    });
  }

  /** @throws DirectoryProblem missing, stale */
  removeUser(provider: DirectoryProvider, id: string, isExpected: (version: number) => boolean): Promise<void> {
    return this.#inTurn(provider, async () => {
      const old = await this.store.user(provider.name, id);
      if (old === undefined) throw missing('user', id);
      if (!isExpected(old.version)) throw stale();
      await this.#parts.journal('admin.directory-user-deleted', provider.name, toldOf(old));
      await this.store.removeUser(provider.name, id);
    });
  }

  /** @throws DirectoryProblem taken, full, unknown-member */
  createGroup(provider: DirectoryProvider, draft: GroupDraft): Promise<DirectoryGroup> {
    return this.#inTurn(provider, async () => {
      if ((await this.store.countGroups(provider.name)) >= LIMITS.groups) throw full('groups', LIMITS.groups);
      const { members = [], ...named } = draft;
      await this.#checkGroup(provider.name, undefined, named.displayName);
      const now = this.#now();
      const base = { id: randomUUID(), provider: provider.name, version: 1, createdAt: now, updatedAt: now };
      const change = { added: await this.#knownMembers(provider.name, members), removed: [] };
      const group = { ...base, ...named };
      await this.#parts.journal('admin.directory-group-created', provider.name, toldOfGroup(group, change));
      await this.store.putGroup(group, change);
      return group;
    });
  }

  /** @throws DirectoryProblem missing, stale, taken, unknown-member; whatever `change` throws */
  changeGroup(
    provider: DirectoryProvider,
    id: string,
    change: (group: DirectoryGroup, members: readonly string[]) => GroupDraft,
    isExpected: (version: number) => boolean = () => true,
  ): Promise<DirectoryGroup> {
    return this.#inTurn(provider, async () => {
      const old = await this.store.group(provider.name, id);
      if (old === undefined) throw missing('group', id);
      if (!isExpected(old.version)) throw stale();
      const before = (await this.store.members(id)).map((member) => member.id);
      const { members = before, ...named } = change(old, before);
      await this.#checkGroup(provider.name, id, named.displayName);
      const moved = await this.#moved(provider.name, before, members);
      const changed = { ...old, ...named };
      if (isDeepStrictEqual(old, changed) && moved.added.length + moved.removed.length === 0) return old;
      const group = { ...changed, version: old.version + 1, updatedAt: this.#now() };
      await this.#parts.journal('admin.directory-group-changed', provider.name, toldOfGroup(group, moved));
      await this.store.putGroup(group, moved);
      return group;
    });
  }

  /** @throws DirectoryProblem missing, stale */
  removeGroup(provider: DirectoryProvider, id: string, isExpected: (version: number) => boolean): Promise<void> {
    return this.#inTurn(provider, async () => {
      const old = await this.store.group(provider.name, id);
      if (old === undefined) throw missing('group', id);
      if (!isExpected(old.version)) throw stale();
      await this.#parts.journal('admin.directory-group-deleted', provider.name, { id, displayName: old.displayName });
      await this.store.removeGroup(provider.name, id);
    });
  }

  /** One change at a time: what was checked still holds when it is written. */
  #inTurn<T>(provider: DirectoryProvider, work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= MAX_WAITING) {
      return Promise.reject(new DirectoryProblem('full', 'too many changes wait for their turn: try again'));
    }
    this.#waiting += 1;
    const run = this.#turn.then(async () => {
      const done = await work();
      // Also where nothing changed: an earlier attempt may have failed halfway through what follows from it.
      await this.#parts.onChange(provider);
      return done;
    });
    this.#turn = run.catch(() => undefined);
    return run.finally(() => {
      this.#waiting -= 1;
    });
  }

  async #checkUser(provider: string, id: string | undefined, { userName, externalId }: UserDraft): Promise<void> {
    const others = await this.store.usersBy(provider, { userName });
    if (others.some((one) => one.id !== id)) throw taken(`there is a user with the userName "${userName}" already`);
    if (externalId === undefined) return;
    const twins = await this.store.usersBy(provider, { externalId });
    if (twins.some((one) => one.id !== id)) throw taken(`there is a user with the externalId "${externalId}" already`);
  }

  async #checkGroup(provider: string, id: string | undefined, displayName: string): Promise<void> {
    // Rules know groups by name: two of one name could not be told apart.
    const other = await this.store.groupBy(provider, displayName);
    if (other !== undefined && other.id !== id) throw taken(`there is a group "${displayName}" already`);
  }

  async #moved(provider: string, before: readonly string[], after: readonly string[]): Promise<MemberChange> {
    const [was, will] = [new Set(before), new Set(after)];
    const added = await this.#knownMembers(
      provider,
      [...will].filter((id) => !was.has(id)),
    );
    return { added, removed: before.filter((id) => !will.has(id)) };
  }

  async #knownMembers(provider: string, ids: readonly string[]): Promise<readonly string[]> {
    const known = await this.store.knownUsers(provider, ids);
    const unknown = ids.find((id) => !known.has(id));
    if (unknown === undefined) return [...known];
    throw new DirectoryProblem('unknown-member', `no user "${unknown.slice(0, 64)}" is known that could be a member`);
  }

  #now(): number {
    return (this.#parts.clock ?? Date.now)();
  }
}

const missing = (what: string, id: string) =>
  new DirectoryProblem('missing', `there is no ${what} "${id.slice(0, 64)}"`);
const stale = () => new DirectoryProblem('stale', 'it has been changed since: read it again');
const taken = (message: string) => new DirectoryProblem('taken', message);
const full = (what: string, limit: number) =>
  new DirectoryProblem('full', `a directory may have ${limit} ${what} at most`);

function changeOf(old: DirectoryUser, user: DirectoryUser): string {
  if (old.active === user.active) return 'admin.directory-user-changed';
  return user.active ? 'admin.directory-user-activated' : 'admin.directory-user-deactivated';
}

const toldOf = ({ id, userName, externalId, active }: DirectoryUser): { [key: string]: Json } => ({
  id,
  userName,
  externalId: externalId ?? null,
  active,
});

/** Members that an event names; of more the number is told. */
const NAMED = 100;

const toldOfGroup = ({ id, displayName }: DirectoryGroup, { added, removed }: MemberChange) => ({
  id,
  displayName,
  added: added.slice(0, NAMED),
  removed: removed.slice(0, NAMED),
  addedCount: added.length,
  removedCount: removed.length,
});
