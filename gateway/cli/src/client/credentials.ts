import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { Failure } from '../failures.ts';

/** What `login` keeps. */
export interface Credentials {
  readonly url: string;
  readonly user: string;
  readonly token: string;
  readonly tokenId: string;
  /** RFC 3339. */
  readonly expiresAt: string;
  /** Gets a fresh token when this one has ended; absent after a login with --user. */
  readonly refreshToken?: string;
  /** PEM of the pinned certificate; absent where the system's authorities are trusted. */
  readonly ca?: string;
}

export function credentialsPath(env: NodeJS.ProcessEnv): string {
  const config = env['XDG_CONFIG_HOME'];
  return join(
    config === undefined || config === '' ? join(homedir(), '.config') : config,
    'sallyport',
    'credentials.json',
  );
}

/** Undefined where nobody signed in. @throws Failure where the file cannot be read. */
export async function loadCredentials(env: NodeJS.ProcessEnv): Promise<Credentials | undefined> {
  const path = credentialsPath(env);
  try {
    const read: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (isCredentials(read)) return read;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    if (!(error instanceof SyntaxError)) throw new Failure(`${path} cannot be read`, { cause: error });
  }
  throw new Failure(`${path} is damaged`, { hint: 'Sign in again with: sallyport login' });
}

/** Whole or not at all, for the owner's eyes only. */
export async function saveCredentials(env: NodeJS.ProcessEnv, credentials: Credentials): Promise<string> {
  const path = credentialsPath(env);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const fresh = `${path}.${process.pid}`;
  await writeFile(fresh, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  await chmod(fresh, 0o600);
  await rename(fresh, path);
  return path;
}

export async function forgetCredentials(env: NodeJS.ProcessEnv): Promise<void> {
  await rm(credentialsPath(env), { force: true });
}

function isCredentials(value: unknown): value is Credentials {
  const each = value as Record<string, unknown> | null;
  return (
    typeof each === 'object' &&
    each !== null &&
    ['url', 'user', 'token', 'tokenId', 'expiresAt'].every((key) => typeof each[key] === 'string')
  );
}
