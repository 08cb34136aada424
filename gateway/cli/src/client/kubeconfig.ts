import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { parse, stringify } from 'yaml';
import { Failure } from '../failures.ts';

interface Named {
  readonly name: string;
}

/** What is read and written of a kubeconfig; whatever else is in it stays. */
interface KubeConfig {
  clusters?: Named[];
  users?: Named[];
  contexts?: Named[];
  'current-context'?: string;
  [key: string]: unknown;
}

/** One connection as kubectl reaches it. */
export interface KubeEntry {
  readonly connection: string;
  /** `https://gateway:16443/NAME` */
  readonly server: string;
  /** PEM; undefined where the machine's own authorities vouch for the gateway. */
  readonly ca: string | undefined;
  /** A token that is good for this connection, or the command that prints one. */
  readonly user: { readonly token: string } | { readonly command: string; readonly args: readonly string[] };
}

/** Entries of ours, in one file with everybody else's. */
const prefix = 'sallyport-';

/** The first file of KUBECONFIG, or the usual one. */
export const kubeConfigFile = (env: NodeJS.ProcessEnv): string =>
  env['KUBECONFIG']?.split(delimiter).find((path) => path !== '') ?? join(homedir(), '.kube', 'config');

/** Writes the entries, and chooses the only one where there is just one. Resolves to the names of their contexts. */
export async function writeEntries(file: string, entries: readonly KubeEntry[]): Promise<string[]> {
  const config = await read(file);
  const names = entries.map(({ connection }) => connection);
  const kept = withoutOurs(config, (name) => names.includes(name.slice(prefix.length)));
  const [only] = entries.length === 1 ? names : [];
  await write(file, {
    ...kept,
    clusters: [...(kept.clusters ?? []), ...entries.map(clusterOf)],
    users: [...(kept.users ?? []), ...entries.map(userOf)],
    contexts: [...(kept.contexts ?? []), ...entries.map(contextOf)],
    ...(only === undefined ? {} : { 'current-context': contextName(only) }),
  });
  return names.map(contextName);
}

/** Takes all entries of ours away. Resolves to how many there were. */
export async function removeEntries(file: string): Promise<number> {
  const config = await read(file);
  const count = (config.clusters ?? []).filter(({ name }) => name.startsWith(prefix)).length;
  if (count > 0)
    await write(
      file,
      withoutOurs(config, () => true),
    );
  return count;
}

/** A context is called as its connection is; only what it refers to carries our mark. */
const contextName = (connection: string): string => connection;

const clusterOf = ({ connection, server, ca }: KubeEntry) => ({
  name: `${prefix}${connection}`,
  cluster: {
    server,
    ...(ca === undefined ? {} : { 'certificate-authority-data': Buffer.from(ca).toString('base64') }),
  },
});

const userOf = ({ connection, user }: KubeEntry) => ({
  name: `${prefix}${connection}`,
  user:
    'token' in user
      ? { token: user.token }
      : {
          exec: {
            apiVersion: 'client.authentication.k8s.io/v1',
            interactiveMode: 'IfAvailable',
            provideClusterInfo: false,
            command: user.command,
            args: [...user.args],
          },
        },
});

const contextOf = ({ connection }: KubeEntry) => ({
  name: contextName(connection),
  context: { cluster: `${prefix}${connection}`, user: `${prefix}${connection}` },
});

function withoutOurs(config: KubeConfig, isMeant: (name: string) => boolean): KubeConfig {
  const isOurs = ({ name }: Named): boolean => name.startsWith(prefix) && isMeant(name);
  const contexts = (config.contexts ?? []) as (Named & { context?: { cluster?: string } })[];
  const gone = contexts.filter(({ context }) => isOurs({ name: context?.cluster ?? '' })).map(({ name }) => name);
  const { 'current-context': current, ...rest } = config;
  return {
    ...rest,
    clusters: (config.clusters ?? []).filter((one) => !isOurs(one)),
    users: (config.users ?? []).filter((one) => !isOurs(one)),
    contexts: contexts.filter(({ name }) => !gone.includes(name)),
    ...(current === undefined || gone.includes(current) ? {} : { 'current-context': current }),
  };
}

async function read(file: string): Promise<KubeConfig> {
  const empty: KubeConfig = { apiVersion: 'v1', kind: 'Config' };
  try {
    const found: unknown = parse(await readFile(file, 'utf8'));
    if (found === null) return empty;
    if (typeof found === 'object' && !Array.isArray(found)) return found as KubeConfig;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return empty;
    throw new Failure(`${file} cannot be read as a kubeconfig`, {
      cause: error,
      hint: 'Name another with --kubeconfig',
    });
  }
  throw new Failure(`${file} is no kubeconfig`, { hint: 'Name another with --kubeconfig' });
}

/** Whole or not at all, for its owner's eyes only: it may hold tokens. */
async function write(file: string, config: KubeConfig): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const next = `${file}.${process.pid}.new`;
  await writeFile(next, stringify(config, { lineWidth: 0 }), { mode: 0o600 });
  await rename(next, file);
}
