import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { secretFields } from '../config/secret-fields.ts';
import { keysOfFiles, SealedFiles } from '../store/sealing/files.ts';
import type { Keyring } from '../store/sealing/keyring.ts';
import { openKeyring } from '../store/sealing/open-keyring.ts';
import { keysInUse, SealedResources } from '../store/sealing/resources.ts';
import type { Store } from '../store/store.ts';
import { hostKeyFiles } from './ssh.ts';

/** What a gateway keeps sealed. */
export interface Secrets {
  readonly resources: SealedResources;
  readonly files: SealedFiles;
  readonly keyring: Keyring;
}

type Log = (text: string, facts: Readonly<Record<string, unknown>>) => void;

const sealedFiles = ['ca.key', 'mask.key', 'ssh-user-ca.key', ...hostKeyFiles] as const;

/**
 * Opens what is sealed. Whatever is sealed by an older key, or not at all, is sealed by the current one first.
 * @throws Unavailable ERR_SECRETS_UNAVAILABLE: which key, and what to do
 */
export async function openSecrets({ data, secrets }: Config, store: Store, log: Log): Promise<Secrets> {
  const paths = sealedFiles.map((name) => join(data, name));
  const inUse = [...(await keysInUse(store.resources, secretFields)), ...keysOfFiles(paths)];
  const keyring = await openKeyring(secrets, data, [...new Set(inUse)]);
  const resources = new SealedResources(store.resources, keyring, secretFields);
  const files = new SealedFiles(keyring);
  const mask = paths[1] as string;
  // 32 bytes as they were, from before there were keys to seal them with.
  if (existsSync(mask) && readFileSync(mask).length === 32) files.write(mask, readFileSync(mask).toString('base64'));
  // What was there in the clear is wiped also where a crash came between.
  const unwiped = join(data, 'reseal.pending');
  const wasStopped = existsSync(unwiped);
  writeFileSync(unwiped, '', { mode: 0o600 });
  const count = (await resources.reseal()) + resealedFiles(files, paths, keyring.currentId);
  if (wasStopped || count > 0) await store.scrub();
  if (count > 0) log('secrets were sealed anew', { count, key: keyring.currentId });
  rmSync(unwiped, { force: true });
  return { resources, files, keyring };
}

function resealedFiles(files: SealedFiles, paths: readonly string[], current: string): number {
  const others = paths.filter((path) => existsSync(path) && keysOfFiles([path])[0] !== current);
  for (const path of others) files.read(path);
  return others.length;
}

/** 32 random bytes, made at the first start. */
export function randomSecret(files: SealedFiles, path: string): Buffer {
  const known = files.read(path);
  if (known !== undefined) return Buffer.from(known, 'base64');
  const made = randomBytes(32);
  files.write(path, made.toString('base64'));
  return made;
}
