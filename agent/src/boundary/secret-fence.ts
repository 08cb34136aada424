import { realpath } from 'node:fs/promises';
import { isAbsolute, resolve, sep } from 'node:path';
import { globOf } from '@sallyport/shared/access/glob.ts';
import { type Environment, listed } from './environment.ts';

/**
 * The agent's own: its settings, its logins to secret stores and clouds, and what steers Node and its programs. A gateway
 * that was taken over could have them sent to a target as a password.
 */
const ownVariables = [
  ...['SALLYPORT_*', 'VAULT_*', 'BAO_*', 'AWS_*', 'AZURE_*', 'IDENTITY_*', 'MSI_*', 'GOOGLE_*', 'GCE_*', 'GCLOUD_*'],
  ...['CLOUDSDK_*', 'KUBERNETES_*', 'NODE_*', 'LD_*', 'HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NOTIFY_SOCKET'],
].map(globOf);

const usualFolders = ['/run/secrets', '/etc/sallyport/secrets'];
/** Within the usual ones: tokens of the machine's or the pod's own identity. */
const ownFolders = ['kubernetes.io', 'eks.amazonaws.com', 'azure', 'tokens'].map((name) => `/run/secrets/${name}`);

export interface SecretFenceOptions {
  /** Folders that are nobody's to read, such as the agent's own. */
  readonly closed?: readonly string[];
}

/**
 * Which secrets this agent gives away, whoever asks. Its operator says it: `SALLYPORT_SECRETS` lists references,
 * `SALLYPORT_SECRET_ENV` variables (`*` for any run of characters, `,` between), `SALLYPORT_SECRET_FILES` folders (`:` between).
 */
export class SecretFence {
  readonly #references: readonly ((reference: string) => boolean)[] | undefined;
  readonly #variables: readonly ((name: string) => boolean)[] | undefined;
  readonly #folders: readonly string[];
  readonly #closed: readonly string[];

  constructor(environment: Environment, { closed = [] }: SecretFenceOptions = {}) {
    this.#references = listed(environment, 'SALLYPORT_SECRETS')?.map(globOf);
    this.#variables = listed(environment, 'SALLYPORT_SECRET_ENV')?.map(globOf);
    const { CREDENTIALS_DIRECTORY: credentials } = environment;
    const usual = credentials === undefined ? usualFolders : [...usualFolders, credentials];
    this.#folders = (listed(environment, 'SALLYPORT_SECRET_FILES', ':') ?? usual).filter(isAbsolute);
    this.#closed = [
      ...ownFolders.filter((folder) => !this.#folders.includes(folder)),
      ...closed.map((folder) => resolve(folder)),
    ];
  }

  /** Whether a reference may be looked up at all. */
  mayResolve(reference: string): boolean {
    return this.#references?.some((matches) => matches(reference)) ?? true;
  }

  /** The agent's own settings and logins: given to nobody, whatever is listed. */
  isOwnVariable(name: string): boolean {
    // Some systems do not tell cases apart.
    return ownVariables.some((matches) => matches(name.toUpperCase()));
  }

  mayReadVariable(name: string): boolean {
    if (this.isOwnVariable(name)) return false;
    return this.#variables?.some((matches) => matches(name)) ?? true;
  }

  /** The file's true path, where links lead into no other folder; undefined where it may not be read. @throws as `realpath` does */
  async openPath(path: string): Promise<string | undefined> {
    // Nobody learns by asking what there is outside.
    if (!(await this.#isOpen(resolve(path)))) return undefined;
    const actual = await realpath(path);
    return (await this.#isOpen(actual)) ? actual : undefined;
  }

  async #isOpen(path: string): Promise<boolean> {
    const [open, closed] = await Promise.all([withTruePaths(this.#folders), withTruePaths(this.#closed)]);
    const isIn = (folder: string): boolean => path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
    return open.some(isIn) && !closed.some(isIn);
  }
}

/** Folders may be links themselves, and need not be there. */
async function withTruePaths(folders: readonly string[]): Promise<readonly string[]> {
  const actual = await Promise.all(folders.map((folder) => realpath(folder).catch(() => folder)));
  return [...new Set([...folders, ...actual])];
}
