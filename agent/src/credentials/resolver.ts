import type { CredentialReference } from '@sallyport/shared/access/connection.ts';
import { Unavailable } from '@sallyport/shared/errors/errors.ts';
import { SecretFence } from '../boundary/secret-fence.ts';
import type { Login, SourcedLogin } from './login.ts';
import { RenewedLease } from './renewed-lease.ts';
import { type Environment, SecretMissing, type SecretSource, type SecretSources } from './source.ts';
import { builtInSources, type Warn } from './sources.ts';

export { SecretMissing, type SecretSource, type SecretSources } from './source.ts';

/** Turns a credential's `password` (`env:NAME`, `vault:PATH`, `literal:…`, a plain literal, …) into what logs in. */
export interface CredentialResolver {
  /** @throws Unavailable `ERR_CREDENTIAL_UNRESOLVED`: which source, which name, why; never the secret */
  resolve(reference: string, signal: AbortSignal): Promise<string>;
  /**
   * Username and password. A source that issues logins says the username itself, and the login comes with a lease that
   * the session has to release. `reference.postgresRole` is not looked at.
   * @throws Unavailable `ERR_CREDENTIAL_UNRESOLVED`, also where neither the reference nor the source has a username
   */
  login(reference: CredentialReference, signal: AbortSignal): Promise<Login>;
  /** Releases all leases that are open and the sources' own logins. Never rejects; takes 20 s at the longest. */
  close(): Promise<void>;
}

const prefixed = /^([a-z][a-z0-9-]*):(.*)$/s;

interface Found {
  readonly prefix: string;
  readonly name: string;
  readonly load: () => Promise<SecretSource>;
}

/**
 * `more` adds sources to those that are built in, or replaces them. `warn` gets lines for the agent's log. `fence` says what
 * is given away at all.
 */
export function credentialResolver(
  more: SecretSources = {},
  warn: Warn = (text) => process.emitWarning(text),
  environment: Environment = process.env,
  fence: SecretFence = new SecretFence(environment),
): CredentialResolver {
  const sources = new Map(Object.entries({ ...builtInSources(environment, warn, fence), ...more }));
  const loaded = new Map<string, Promise<SecretSource>>();
  const leases = new Set<RenewedLease>();

  return {
    async resolve(reference, signal) {
      const found = find(reference);
      return typeof found === 'string' ? found : await secretFrom(found, (source) => source.secret(found.name, signal));
    },
    async login({ username, password }, signal) {
      if (password === undefined) return { username: named(username), password };
      const found = find(password);
      if (typeof found === 'string') return { username: named(username), password: found };
      const sourced = await secretFrom(found, async (source): Promise<SourcedLogin> => {
        if (source.login !== undefined) return await source.login(found.name, signal);
        return { password: await source.secret(found.name, signal) };
      });
      return madeOf(sourced, username);
    },
    async close() {
      await Promise.all([...leases].map((lease) => lease.release()));
      const all = await Promise.allSettled(loaded.values());
      await Promise.all(all.map((one) => (one.status === 'fulfilled' ? one.value.close?.() : undefined)));
    },
  };

  /** A literal's text, or where to look. */
  function find(reference: string): string | Found {
    const match = prefixed.exec(reference);
    const [, prefix = '', name = ''] = match ?? [];
    if (match === null) return reference;
    if (prefix === 'literal') return name;
    const load = sources.get(prefix);
    if (load === undefined) throw unknownPrefix(prefix, [...sources.keys()]);
    return { prefix, name, load: () => (fence.mayResolve(reference) ? loadOnce(prefix, load) : unlisted()) };
  }

  /** One that could not be set up is tried anew next time: what it lacked may be there by then. */
  function loadOnce(prefix: string, load: () => Promise<SecretSource>): Promise<SecretSource> {
    const earlier = loaded.get(prefix);
    if (earlier !== undefined) return earlier;
    const loading = load();
    loaded.set(prefix, loading);
    loading.catch(() => loaded.delete(prefix));
    return loading;
  }

  function madeOf({ username, password, issued }: SourcedLogin, configured: string): Login {
    if (issued === undefined) return { username: username ?? named(configured), password };
    const lease = new RenewedLease(issued, warn);
    leases.add(lease);
    lease.onRelease(() => leases.delete(lease));
    return { username: username ?? named(configured), password, lease };
  }
}

async function unlisted(): Promise<never> {
  throw new SecretMissing('this agent does not look that up; its operator lists references in SALLYPORT_SECRETS');
}

async function secretFrom<T>({ prefix, name, load }: Found, take: (source: SecretSource) => Promise<T>): Promise<T> {
  let shown = '…';
  try {
    const source = await load();
    shown = source.shown?.(name) ?? name;
    return await take(source);
  } catch (error) {
    // Only our own words: a client's error may hold the request with its token, or the secret.
    const kind = error instanceof Error ? error.name : 'no error object';
    const why = error instanceof SecretMissing ? error.message : `the source itself failed (${kind})`;
    const text = `The credential ${prefix}:${shown} could not be resolved: ${why}.`;
    throw new Unavailable('credentials', 'ERR_CREDENTIAL_UNRESOLVED', text);
  }
}

function named(username: string): string {
  if (username !== '') return username;
  const text = 'The credential names no username, and its source issues none; set credential.username.';
  throw new Unavailable('credentials', 'ERR_CREDENTIAL_UNRESOLVED', text);
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
