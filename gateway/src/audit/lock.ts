import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Unavailable } from '@sallyport/shared/errors/errors.ts';

/** A folder that is held by one process. */
export interface FolderLock {
  release(): void;
}

/**
 * Holds a folder for this process alone. The lock is the kernel's, taken through SQLite because Node has no call for
 * it: it ends with the process, however that ends, and holds between containers that share a folder.
 * @throws Unavailable when another process holds the folder.
 */
export function lockFolder(dir: string): FolderLock {
  const owner = join(dir, 'lock.owner');
  const database = new DatabaseSync(join(dir, 'lock'), { timeout: 0 });
  try {
    database.exec('PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (cause) {
    database.close();
    throw taken(dir, owner, cause);
  }
  writeFileSync(owner, `${process.pid}\n`, { mode: 0o600 });
  return {
    release() {
      rmSync(owner, { force: true });
      database.close();
    },
  };
}

function taken(dir: string, owner: string, cause: unknown): Unavailable {
  const busy = cause instanceof Error && 'errcode' in cause && cause.errcode === 5;
  const message = busy
    ? `${dir} is in use by another gateway (process ${ownerIn(owner)}); each gateway needs a data folder of its own`
    : `${dir} cannot be locked: ${cause instanceof Error ? cause.message : String(cause)}`;
  return new Unavailable('journal', 'ERR_JOURNAL_UNAVAILABLE', message, { cause });
}

function ownerIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return 'unknown';
  }
}
