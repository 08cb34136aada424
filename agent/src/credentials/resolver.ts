import { Unavailable } from '@sallyport/shared/errors/errors.ts';

/** Finds secrets of one kind: `name` is what stands behind the prefix. Rejects with a reason that holds no secret. */
export interface SecretSource {
  secret(name: string, signal: AbortSignal): Promise<string>;
}

/** Sources by prefix, loaded at their first use so that a heavy client costs nothing where it is not asked for. */
export type SecretSources = Readonly<Record<string, () => Promise<SecretSource>>>;

/** Turns a credential's `password` (`env:NAME`, `file:/path`, `literal:…`, or a plain literal) into the secret. */
export interface CredentialResolver {
  /** @throws Unavailable `ERR_CREDENTIAL_UNRESOLVED`: which source, which name, why; never the secret */
  resolve(reference: string, signal: AbortSignal): Promise<string>;
}

/** Why a source has no secret, in words for the person who wrote the reference. */
export class SecretMissing extends Error {}

const builtIn: SecretSources = {
  env: async () => (await import('./env.ts')).environmentSource(process.env),
  file: async () => (await import('./file.ts')).fileSource((text) => process.emitWarning(text)),
};

const prefixed = /^([a-z][a-z0-9-]*):(.*)$/s;

/** `more` adds sources to `env` and `file`. */
export function credentialResolver(more: SecretSources = {}): CredentialResolver {
  const sources = new Map(Object.entries({ ...builtIn, ...more }));
  return {
    async resolve(reference, signal) {
      const match = prefixed.exec(reference);
      const [, prefix = '', name = ''] = match ?? [];
      if (match === null) return reference;
      if (prefix === 'literal') return name;
      const load = sources.get(prefix);
      if (load === undefined) throw unknownPrefix(prefix, [...sources.keys()]);
      return await secretFrom(prefix, name, load, signal);
    },
  };
}

async function secretFrom(
  prefix: string,
  name: string,
  load: () => Promise<SecretSource>,
  signal: AbortSignal,
): Promise<string> {
  try {
    const source = await load();
    return await source.secret(name, signal);
  } catch (error) {
    const why =
      error instanceof SecretMissing ? error.message : 'the source failed; its own error is in the agent’s log';
    const text = `The credential ${prefix}:${name} could not be resolved: ${why}.`;
    throw new Unavailable('credentials', 'ERR_CREDENTIAL_UNRESOLVED', text, { cause: error });
  }
}

/** A literal password may look like a prefix, so what was written is not repeated. */
function unknownPrefix(prefix: string, known: readonly string[]): Unavailable {
  const nearest = known.map((name) => ({ name, edits: distance(prefix, name) })).sort((a, b) => a.edits - b.edits)[0];
  const hint = nearest !== undefined && nearest.edits <= 2 ? ` Did you mean ${nearest.name}:?` : '';
  const text =
    `The credential’s prefix is not one of ${known.map((name) => `${name}:`).join(', ')}.${hint} ` +
    'A password that itself looks like this is written literal:….';
  return new Unavailable('credentials', 'ERR_CREDENTIAL_UNRESOLVED', text);
}

/** Levenshtein's. */
function distance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let at = 0; at < left.length; at++) {
    const next = [at + 1];
    for (let to = 0; to < right.length; to++) {
      next.push(Math.min(row[to + 1]! + 1, next[to]! + 1, row[to]! + (left[at] === right[to] ? 0 : 1)));
    }
    row = next;
  }
  return row[right.length]!;
}
