import { readFile } from 'node:fs/promises';
import { Unavailable } from '@sallyport/shared/errors/errors.ts';

/**
 * The text that a field stands for: itself, `env:NAME` of the gateway, or what the gateway reads from `file:PATH`.
 * @throws Unavailable that names the provider and the field, never the text
 */
export async function dereference(text: string, provider: string, field: string): Promise<string> {
  const [, scheme, place = ''] = /^(env|file):(.+)$/s.exec(text) ?? [];
  if (scheme === undefined) return text;
  const unusable = (why: string, cause?: unknown) =>
    new Unavailable(
      'identity',
      'ERR_IDENTITY_UNAVAILABLE',
      `the identity provider ${provider} cannot be used: its ${field} ${why}`,
      { cause },
    );
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
