import type { Passwords } from './password.ts';
import { userPrincipal } from './principals.ts';
import type { IdentityStore, StoredUser } from './store.ts';
import type { Tokens } from './tokens.ts';

const shape = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,62}$/;

/** The people whom the gateway knows by itself. */
export class Users {
  readonly #store: IdentityStore;
  readonly #passwords: Passwords;
  readonly #tokens: Tokens;
  readonly #forget: (principalId: string) => Promise<void>;

  /** `forget`: what else ends with a user. */
  constructor(
    store: IdentityStore,
    passwords: Passwords,
    tokens: Tokens,
    forget: (principalId: string) => Promise<void> = async () => {},
  ) {
    this.#forget = forget;
    this.#store = store;
    this.#passwords = passwords;
    this.#tokens = tokens;
  }

  find(name: string): Promise<StoredUser | undefined> {
    return this.#store.user(name);
  }

  list(): Promise<readonly StoredUser[]> {
    return this.#store.users();
  }

  /**
   * Makes or changes a user; without a password the one that they have stays.
   * @throws RangeError where the name or the password cannot be one; Unavailable where too many passwords wait.
   */
  async put(user: { readonly name: string; readonly groups: readonly string[]; readonly password?: string }) {
    await this.#store.putUser(await this.made(user));
  }

  /** As `put` would store them, for whoever stores them together with something else. @throws as `put` */
  async made(user: {
    readonly name: string;
    readonly groups: readonly string[];
    readonly password?: string;
  }): Promise<StoredUser> {
    const { name, groups, password } = user;
    if (!shape.test(name)) throw new RangeError('a user name has 1 to 63 letters, digits and . _ @ - in it');
    const passwordHash =
      password === undefined ? (await this.#store.user(name))?.passwordHash : await this.#passwords.hash(password);
    return { name, groups: [...groups], passwordHash };
  }

  /** Their tokens end at once. False where there is none of that name. */
  async remove(name: string): Promise<boolean> {
    const { id } = userPrincipal({ name, groups: [] });
    const removed = await this.#store.removeUser(name);
    // A later user of the same name must not inherit them.
    await this.#tokens.revokeAllOf(id);
    await this.#forget(id);
    return removed;
  }
}
