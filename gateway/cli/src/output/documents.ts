import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { Failure, usage } from '../failures.ts';

/** YAML as it was written, with where it stands. */
export interface WrittenDocument {
  readonly file: string;
  readonly text: string;
}

/** Of files, of folders of them, and of standard input (`-`). @throws Failure where there is none */
export async function documentsAt(paths: readonly string[]): Promise<WrittenDocument[]> {
  const files = (await Promise.all(paths.map(filesAt))).flat();
  if (paths.length > 0 && files.length === 0) throw usage(`there are no .yaml files in ${paths.join(', ')}`);
  return Promise.all(files.map(async (path) => ({ file: path, text: await contentOf(path) })));
}

async function filesAt(path: string): Promise<string[]> {
  if (path === '-') return [path];
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const entries = await readdir(path, { recursive: true });
    return entries
      .filter((each) => /\.ya?ml$/.test(each))
      .sort()
      .map((each) => join(path, each));
  } catch (error) {
    throw unreadable(path, error);
  }
}

async function contentOf(path: string): Promise<string> {
  if (path === '-') return readAll(process.stdin);
  return readFile(path, 'utf8').catch((error: unknown) => {
    throw unreadable(path, error);
  });
}

function unreadable(path: string, error: unknown): Failure {
  const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
  return new Failure(missing ? `there is no ${path}` : `${path} cannot be read`, { cause: error });
}
