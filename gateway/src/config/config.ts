import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { dirname, resolve } from 'node:path';
import { ConfigError } from '@sallyport/shared/errors/errors.ts';
import { z } from 'zod';
import { readSources } from './document.ts';
import { durationMs } from './duration.ts';
import { placedSecrets, secretsSchema } from './secrets.ts';

/** Where a listener listens. */
export interface ListenAddress {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

/** `127.0.0.1:8080`, `[::1]:8080`, `gateway.internal:8080`. */
function readAddress(text: string): ListenAddress | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host === undefined || port > 65_535 || (match?.[1] !== undefined && isIP(host) !== 6)
    ? undefined
    : { host, port };
}

const address = z
  .union([z.literal(['off', false]), z.null(), z.string()])
  .transform((value, context): ListenAddress | undefined => {
    if (typeof value !== 'string' || value === 'off') return undefined;
    const read = readAddress(value);
    if (read === undefined) {
      context.addIssue({
        code: 'custom',
        message: `"${value}" is no address such as 127.0.0.1:8080 or [::1]:8080; "off" turns it off`,
      });
    }
    return read;
  });

const listen = (fallback: string) => address.prefault(fallback);

const duration = (fallback: string) =>
  z
    .string()
    .transform((text, context) => {
      const ms = durationMs(text);
      if (ms !== undefined) return ms;
      context.addIssue({ code: 'custom', message: `"${text}" is no duration such as 90s, 15m, 2h or 7d` });
      return z.NEVER;
    })
    .prefault(fallback);

const notServed = (what: string, instead: string) =>
  z.undefined({ error: `${what} is not available in this version; ${instead}` }).optional();

const file = z.string().min(1);

const schema = z.strictObject({
  listen: z
    .strictObject({
      web: listen('127.0.0.1:8080'),
      tunnel: listen('127.0.0.1:8443'),
      postgres: listen('127.0.0.1:15432'),
      metrics: listen('off'),
      ssh: listen('127.0.0.1:2222'),
      kubernetes: listen('127.0.0.1:16443'),
    })
    .prefault({}),
  publicUrl: z.url({ protocol: /^https?$/, error: 'must be a URL such as https://access.example.com' }).optional(),
  tls: z.strictObject({ cert: file, key: file }).optional(),
  data: file.prefault('./data'),
  store: notServed('a store in PostgreSQL', 'leave it out for the embedded one'),
  nats: z
    .strictObject({
      url: z.union([z.string(), z.array(z.string()).min(1)]),
      credentials: file.optional(),
      nkey: file.optional(),
      user: z.string().optional(),
      passwordFile: file.optional(),
      tokenFile: file.optional(),
      tls: z.strictObject({ ca: file.optional(), cert: file.optional(), key: file.optional() }).optional(),
      replicas: z.int().min(1).max(5).prefault(1),
    })
    .optional(),
  recordings: notServed('a place for recordings of its own', 'they lie in the data folder'),
  resources: file.optional(),
  journal: z.strictObject({ sync: z.enum(['interval', 'always']).prefault('interval') }).prefault({}),
  tokens: z
    .strictObject({ ttl: duration('1h'), maxTtl: duration('30d'), certificateTtl: duration('12h') })
    .prefault({}),
  retention: z.strictObject({ records: duration('400d') }).prefault({}),
  secrets: secretsSchema,
  log: z.strictObject({ format: z.enum(['text', 'json']).prefault('text') }).prefault({}),
});

type Read = z.output<typeof schema>;

/** A gateway's configuration: every key has a value, every path is absolute. */
export interface Config extends Omit<Read, 'store' | 'recordings' | 'tls' | 'listen'> {
  readonly listen: {
    readonly web: ListenAddress | undefined;
    readonly tunnel: ListenAddress | undefined;
    readonly postgres: ListenAddress | undefined;
    readonly ssh: ListenAddress | undefined;
    /** In the clear, for Prometheus; the web port has the metrics too, for auditors. */
    readonly metrics: ListenAddress | undefined;
    /** HTTP APIs too. */
    readonly kubernetes: ListenAddress | undefined;
  };
  /** PEM texts. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
}

/** Reads a configuration file; without one everything has its default. @throws ConfigError with file, line and the nearest right key */
export function loadConfig(path: string | undefined): Config {
  if (path === undefined) return parseConfig('', 'defaults', process.cwd());
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError(path, undefined, `the file cannot be read: ${(error as Error).message}`);
  }
  return parseConfig(text, path, dirname(resolve(path)));
}

/** `folder` is what relative paths are relative to. @throws ConfigError */
export function parseConfig(text: string, name: string, folder: string): Config {
  const [source, second] = readSources(text, name);
  if (second !== undefined) throw second.problem([], 'a configuration is one document');
  const read = source === undefined ? schema.parse({}) : source.as(schema);
  const { ttl, maxTtl } = read.tokens;
  if (ttl > maxTtl) {
    const message = 'tokens.ttl: a token may not live longer than tokens.maxTtl (30d where it is not set)';
    throw source?.problem(['tokens', 'ttl'], message) ?? new ConfigError(name, undefined, message);
  }
  const at = (path: string): string => resolve(folder, path);
  const pem = (key: 'cert' | 'key', path: string): string => {
    try {
      return readFileSync(at(path), 'utf8');
    } catch (error) {
      throw (source as NonNullable<typeof source>).problem(['tls', key], `tls.${key}: ${(error as Error).message}`);
    }
  };
  const { store: _, recordings: __, tls, nats, ...rest } = read;
  const { web, tunnel, postgres, ssh, kubernetes, metrics } = read.listen;
  return {
    ...rest,
    listen: { web, tunnel, postgres, ssh, kubernetes, metrics },
    data: at(read.data),
    secrets: placedSecrets(read.secrets, folder),
    resources: read.resources === undefined ? undefined : at(read.resources),
    tls: tls === undefined ? undefined : { cert: pem('cert', tls.cert), key: pem('key', tls.key) },
    nats: nats === undefined ? undefined : withPaths(nats, at),
  };
}

function withPaths(nats: NonNullable<Read['nats']>, at: (path: string) => string): NonNullable<Read['nats']> {
  const made = { ...nats };
  for (const key of ['credentials', 'nkey', 'passwordFile', 'tokenFile'] as const) {
    const path = nats[key];
    if (path !== undefined) made[key] = at(path);
  }
  if (nats.tls !== undefined) {
    made.tls = Object.fromEntries(
      Object.entries(nats.tls).map(([key, path]) => [key, path === undefined ? path : at(path)]),
    );
  }
  return made;
}
