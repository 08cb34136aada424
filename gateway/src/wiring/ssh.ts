import { createHash } from 'node:crypto';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import type { SealedFiles } from '../store/sealing/files.ts';

/** A host key of the gateway's, kept from its first start on. */
export interface HostKey {
  /** OpenSSH's form. */
  readonly privateKey: string;
  /** Type and base64, as in known_hosts. */
  readonly publicKey: string;
  /** As `ssh-keygen -l` writes it. */
  readonly fingerprint: string;
}

/** Files of host keys, in the data folder. */
export const hostKeyFiles = ['ssh_host_ed25519.key', 'ssh_host_ecdsa.key'] as const;

/** Made once: clients remember them. */
export function openHostKeys(files: SealedFiles, data: string): HostKey[] {
  return hostKeyFiles.map((name) => {
    const path = join(data, name);
    const kept = files.read(path);
    const key = described(kept ?? generate(name));
    // Only what can be read is kept: it is needed at each start from now on.
    if (kept === undefined) files.write(path, key.privateKey);
    return key;
  });
}

/** About one of 250 Ed25519 keys that the library makes it cannot read again. */
export function generate(
  name: (typeof hostKeyFiles)[number],
  { generateKeyPairSync, parseKey }: Pick<typeof ssh2.utils, 'generateKeyPairSync' | 'parseKey'> = ssh2.utils,
): string {
  for (let tries = 0; tries < 20; tries += 1) {
    const { private: made } = name.includes('ed25519')
      ? generateKeyPairSync('ed25519')
      : generateKeyPairSync('ecdsa', { bits: 256 });
    if (!(parseKey(made) instanceof Error)) return made;
  }
  throw new Error('no SSH host key could be made');
}

function described(privateKey: string): HostKey {
  const parsed = ssh2.utils.parseKey(privateKey);
  if (parsed instanceof Error) throw parsed;
  const [key] = [parsed].flat();
  if (key === undefined) throw new Error('a host key holds no key');
  const blob = key.getPublicSSH();
  const fingerprint = `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
  return { privateKey, publicKey: `${key.type} ${blob.toString('base64')}`, fingerprint };
}

/** Lines of a known_hosts file for the gateway's port. */
export function knownHosts(keys: readonly HostKey[], host: string, port: number): string {
  const name = port === 22 ? host : `[${host}]:${port}`;
  return keys.map(({ publicKey }) => `${name} ${publicKey}\n`).join('');
}
