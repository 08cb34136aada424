import { resolve } from 'node:path';
import { z } from 'zod';

const source = z.string().transform((text, context) => {
  const [, from, rest = ''] = /^(file|env|command):(.+)$/s.exec(text) ?? [];
  if (from === 'file') return { from, path: rest } as const;
  if (from === 'env') return { from, name: rest } as const;
  if (from === 'command') return { from, line: rest } as const;
  // A key that was written here itself must not get into a log.
  context.addIssue({ code: 'custom', message: 'must say where a key is: file:PATH, env:NAME or command:LINE' });
  return z.NEVER;
});

export const secretsSchema = z
  .strictObject({ key: source.optional(), older: z.array(source).max(20).prefault([]) })
  .prefault({});

type Secrets = z.output<typeof secretsSchema>;

/** Files relative to the configuration's folder. */
export function placedSecrets({ key, older }: Secrets, folder: string) {
  const placed = (one: NonNullable<Secrets['key']>): NonNullable<Secrets['key']> =>
    one.from === 'file' ? { from: 'file', path: resolve(folder, one.path) } : one;
  return { key: key && placed(key), older: older.map(placed) };
}
