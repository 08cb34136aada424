import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { SshTarget } from '@sallyport/shared/access/ssh.ts';

export type Judgement = { readonly isKnown: true } | { readonly isKnown: false; readonly why: string };

type Place = Pick<SshTarget, 'hostKeys' | 'knownHosts'> & { readonly host: string; readonly port: number };

/** As `ssh-keygen -l` writes it. */
export const fingerprintOf = (key: Buffer): string =>
  `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;

/** Whether a server shows a key that it is known by. A key in the server's own words (RFC 4253, 6.6). */
export function judgeHostKey(key: Buffer, { host, port, hostKeys, knownHosts = '' }: Place): Judgement {
  const shown = fingerprintOf(key);
  const lines = linesFor(knownHosts, host, port);
  const isRevoked = lines.some((line) => line.marker === '@revoked' && same(line.key, key));
  if (isRevoked) return { isKnown: false, why: `shows a key that was revoked (${shown})` };
  const isPinned = hostKeys.some((one) => one === shown);
  const isListed = lines.some((line) => line.marker === '' && same(line.key, key));
  if (isPinned || isListed) return { isKnown: true };
  if (hostKeys.length + lines.length === 0) {
    return {
      isKnown: false,
      why: `shows the key ${shown}, and the connection says no target.hostKey to hold it against`,
    };
  }
  return { isKnown: false, why: `shows the key ${shown}, which is not the one that the connection names` };
}

interface Line {
  readonly marker: string;
  readonly key: Buffer;
}

/** The lines of a known_hosts file that are about this place (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). */
function linesFor(text: string, host: string, port: number): Line[] {
  const names = port === 22 ? [host] : [`[${host}]:${port}`];
  const found: Line[] = [];
  for (const line of text.split('\n')) {
    const [, marker = '', patterns = '', , key = ''] =
      /^\s*(?:(@[a-z-]+)\s+)?([^\s#]\S*)\s+(\S+)\s+([A-Za-z0-9+/=]+)/.exec(line) ?? [];
    if (key !== '' && names.some((name) => matches(patterns, name)))
      found.push({ marker, key: Buffer.from(key, 'base64') });
  }
  return found;
}

function matches(patterns: string, name: string): boolean {
  if (patterns.startsWith('|1|')) {
    const [, , salt = '', hash = ''] = patterns.split('|');
    const made = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest();
    return same(made, Buffer.from(hash, 'base64'));
  }
  const all = patterns.split(',').map((one) => ({ isNot: one.startsWith('!'), glob: globOf(one.replace(/^!/, '')) }));
  if (all.some(({ isNot, glob }) => isNot && glob.test(name))) return false;
  return all.some(({ isNot, glob }) => !isNot && glob.test(name));
}

const globOf = (pattern: string): RegExp =>
  new RegExp(
    `^${pattern
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
    'i',
  );

const same = (a: Buffer, b: Buffer): boolean => a.length === b.length && timingSafeEqual(a, b);
