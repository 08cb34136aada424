import { randomBytes } from 'node:crypto';
import { mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { Passwords } from './password.ts';
import type { IdentityStore } from './store.ts';

/** The user that a new gateway starts with, and the file that holds the password, readable by its owner only. */
export interface FirstUser {
  readonly name: string;
  readonly passwordFile: string;
}

/** Where nobody is known yet: makes `admin` of the group `admins` with a random password. */
export async function ensureFirstUser(store: IdentityStore, dataDir: string): Promise<FirstUser | undefined> {
  if ((await store.users()).length > 0) return undefined;
  const name = 'admin';
  const password = randomBytes(18).toString('base64url');
  const passwordFile = join(dataDir, 'initial-admin-password');
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  // Written first: a user with a password that nobody can read could not be mended.
  await writePrivate(passwordFile, `${password}\n`);
  await store.putUser({ name, groups: ['admins'], passwordHash: await new Passwords().hash(password) });
  return { name, passwordFile };
}

/** Whole or not at all, and on the disk. */
async function writePrivate(path: string, text: string): Promise<void> {
  const fresh = `${path}.${process.pid}.new`;
  const file = await open(fresh, 'w', 0o600);
  try {
    await file.chmod(0o600);
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(fresh, path);
}
