import { type FileHandle, open } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { SecretMissing, type SecretSource } from './source.ts';

const largestSecretBytes = 64 * 1024;
const othersMayRead = 0o044;

/**
 * `file:/path`: a file's text without its last line break, read anew at each use so that a rotated secret counts at once.
 * `warn` is told once about a file that others can read.
 */
export function fileSource(warn: (text: string) => void): SecretSource {
  const warned = new Set<string>();

  return {
    async secret(path, signal) {
      if (!isAbsolute(path)) throw new SecretMissing('the path must be absolute');
      const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
        throw new SecretMissing(reason(error));
      });
      try {
        await inspect(file, path);
        const text = await file.readFile({ encoding: 'utf8', signal });
        const secret = text.replace(/\r?\n$/, '');
        if (secret === '') throw new SecretMissing('the file is empty');
        return secret;
      } finally {
        await file.close();
      }
    },
  };

  async function inspect(file: FileHandle, path: string): Promise<void> {
    const stat = await file.stat();
    if (!stat.isFile()) throw new SecretMissing('that is not a regular file');
    if (stat.size > largestSecretBytes) throw new SecretMissing(`the file has more than ${largestSecretBytes} bytes`);
    if ((stat.mode & othersMayRead) === 0 || warned.has(path)) return;
    warned.add(path);
    warn(`The secret file ${path} can be read by other users; chmod 600 it.`);
  }
}

function reason(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return 'there is no such file';
  if (error.code === 'EACCES') return 'the agent’s user may not read the file';
  return `the file cannot be opened (${error.code ?? 'unknown reason'})`;
}
