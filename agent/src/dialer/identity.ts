import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

/** What makes an agent the one that it is. It never leaves the agent's data folder. */
export interface Identity {
  /** Under which the gateway knows it. */
  readonly name: string;
  /** Ed25519. */
  readonly key: KeyObject;
  /** The gateway's CA, PEM: the only one that the tunnel trusts. */
  readonly ca: string;
}

const fileOf = (folder: string): string => join(folder, 'identity.json');

/** Undefined where the agent has not enrolled. @throws Error where the file is damaged: which, and what to do */
export function loadIdentity(folder: string): Identity | undefined {
  const file = fileOf(folder);
  if (!existsSync(file)) return undefined;
  try {
    const { name, key, ca } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
    if (name === undefined || key === undefined || ca === undefined) throw new Error('something is missing in it');
    return { name, key: createPrivateKey(key), ca };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`${file} cannot be read (${why}); remove it and enrol anew with a join token`, { cause: error });
  }
}

/** Whole or not at all, on the disk, for its owner only. */
export function saveIdentity(folder: string, { name, key, ca }: Identity): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const fresh = `${fileOf(folder)}.${process.pid}.new`;
  const fd = openSync(fresh, 'w', 0o600);
  try {
    chmodSync(fresh, 0o600);
    writeSync(fd, JSON.stringify({ name, key: key.export({ type: 'pkcs8', format: 'pem' }), ca }));
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(fresh, fileOf(folder));
}

export const newKey = (): KeyObject => generateKeyPairSync('ed25519').privateKey;

/** DER SubjectPublicKeyInfo (RFC 8410). */
export const publicKeyOf = (key: KeyObject): Buffer => createPublicKey(key).export({ type: 'spki', format: 'der' });
