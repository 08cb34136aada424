import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { basename } from 'node:path';
import { isSealed, type Keyring, keyIdOf } from './keyring.ts';

const placeOf = (path: string): readonly string[] => ['file', basename(path)];

/** Files of the data folder that hold one secret each, as text. */
export class SealedFiles {
  readonly #keyring: Keyring;

  constructor(keyring: Keyring) {
    this.#keyring = keyring;
  }

  /**
   * Undefined where there is no such file. One that is not sealed yet, or with an older key, is sealed now.
   * @throws Unavailable ERR_SECRETS_UNAVAILABLE
   */
  read(path: string): string | undefined {
    if (!existsSync(path)) return undefined;
    const text = readFileSync(path, 'utf8');
    const sealed = text.trim();
    const secret = isSealed(sealed) ? this.#keyring.open(sealed, placeOf(path)) : text;
    if (keyIdOf(sealed) !== this.#keyring.currentId) this.write(path, secret);
    return secret;
  }

  /** Whole or not at all, and on the disk. */
  write(path: string, secret: string): void {
    const fresh = `${path}.${process.pid}.new`;
    const file = openSync(fresh, 'w', 0o600);
    try {
      writeSync(file, `${this.#keyring.seal(secret, placeOf(path))}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(fresh, path);
  }
}

/** The ids of the keys that these files are sealed with. */
export function keysOfFiles(paths: readonly string[]): readonly string[] {
  const ids = paths.filter(existsSync).map((path) => keyIdOf(readFileSync(path, 'utf8').trim()));
  return ids.filter((id) => id !== undefined);
}
