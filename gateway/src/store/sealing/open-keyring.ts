import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type KeySource, makeKeyFile, readKey, spoken, unavailable } from './key-source.ts';
import { Keyring } from './keyring.ts';

export interface KeySources {
  /** Undefined: a file in the data folder, made at the first start. */
  readonly key?: KeySource | undefined;
  readonly older: readonly KeySource[];
}

export const keyFileName = 'secrets.key';

/**
 * The keys of a gateway. A key file is made only where nothing is sealed yet: in place of one that was lost it would
 * open nothing.
 * @throws Unavailable ERR_SECRETS_UNAVAILABLE
 */
export async function openKeyring(
  { key, older }: KeySources,
  dataDir: string,
  sealedWith: readonly string[],
): Promise<Keyring> {
  const source = key ?? { from: 'file', path: join(dataDir, keyFileName) };
  if (key === undefined && source.from === 'file' && !existsSync(source.path)) {
    // Whoever goes back from a key of their own names it as an older one, and then a new one is as good.
    if (sealedWith.length > 0 && older.length === 0) {
      throw unavailable(
        `${spoken(source)} is missing, and secrets of the store are sealed with the key ${sealedWith.join(', ')}; put it back from your backup, or name the key as secrets.key`,
      );
    }
    makeKeyFile(source.path);
  }
  const current = await readKey(source);
  const others: Buffer[] = [];
  for (const one of older) others.push(await readKey(one));
  return new Keyring(current, others);
}
