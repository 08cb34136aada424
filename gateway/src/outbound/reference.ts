import { readFile } from 'node:fs/promises';

/**
 * The text that a field stands for: itself, `env:NAME` of the gateway, or what the gateway reads from `file:PATH`.
 * @throws what `unusable` makes of why there is none; never with the text in it
 */
export async function resolveReference(
  text: string,
  unusable: (why: string, cause?: unknown) => Error,
): Promise<string> {
  const [, scheme, place = ''] = /^(env|file):(.+)$/s.exec(text) ?? [];
  if (scheme === undefined) return text;
  if (scheme === 'env') {
    const value = process.env[place];
    if (value === undefined || value === '')
      throw unusable(`is in the environment variable ${place}, which is not set`);
    return value;
  }
  const read = await readFile(place, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw unusable(`is in the file ${place}, which cannot be read (${cause.code ?? 'unknown'})`, cause);
  });
  if (read.trim() === '') throw unusable(`is in the file ${place}, which is empty`);
  return read.trim();
}
