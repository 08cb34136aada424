import { constants, type FileHandle, open } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import type { SecretFence } from '../boundary/secret-fence.ts';
import { SecretMissing, type SecretSource } from './source.ts';

const largestSecretBytes = 64 * 1024;
const othersMayRead = 0o044;

/**
 * `file:/path`: a file's text without its last line break, read anew at each use so that a rotated secret counts at once.
 * Only in the folders that the agent's operator gives away.
 * `warn` is told once about a file that others can read.
 */
export function fileSource(warn: (text: string) => void, fence: Pick<SecretFence, 'openPath'>): SecretSource {
  const warned = new Set<string>();

  return {
    async secret(path, signal) {
      if (!isAbsolute(path)) throw new SecretMissing('the path must be absolute');
      const failed = (error: NodeJS.ErrnoException): never => {
        throw new SecretMissing(reason(error));
      };
      const actual = await fence.openPath(path).catch(failed);
      if (actual === undefined) {
        throw new SecretMissing(
          'this agent gives no secret out of that folder; its operator lists folders in SALLYPORT_SECRET_FILES',
        );
      }
      // A link that is put in its place meanwhile is not followed.
      const file = await open(actual, constants.O_RDONLY | constants.O_NOFOLLOW).catch(failed);
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
