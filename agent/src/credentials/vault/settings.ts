import { readFile } from 'node:fs/promises';
import { globOf } from '@sallyport/shared/access/glob.ts';
import { type Environment, SecretMissing } from '../source.ts';

/** A secret of the agent's own: read anew at each use, so that a rotated file counts at once. */
export type OwnSecret = () => Promise<string>;

export type VaultMethod =
  | { readonly kind: 'token'; readonly token: OwnSecret }
  | { readonly kind: 'approle'; readonly mount: string; readonly roleId: OwnSecret; readonly secretId?: OwnSecret }
  | { readonly kind: 'kubernetes'; readonly mount: string; readonly role: string; readonly jwt: OwnSecret };

export interface VaultSettings {
  readonly address: URL;
  readonly namespace: string | undefined;
  /** Whether the token may be sent to this host too, where a standby says that the active node is there. */
  readonly mayRedirectTo: (host: string) => boolean;
  /** PEM; the system's authorities where undefined. */
  readonly ca: () => Promise<string | undefined>;
  readonly method: VaultMethod;
}

const serviceAccountToken = '/var/run/secrets/kubernetes.io/serviceaccount/token';
const loopback = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** From the agent's environment, BAO_ before VAULT_ as OpenBao does it. @throws SecretMissing that says what to set */
export function vaultSettings(environment: Environment): VaultSettings {
  const variable = (name: string) => environment[`BAO_${name}`] || environment[`VAULT_${name}`] || undefined;
  const caFile = variable('CACERT');
  const others = (variable('REDIRECT_HOSTS') ?? '').split(',').map((name) => globOf(name.trim()));
  return {
    address: addressOf(variable('ADDR'), variable('ALLOW_HTTP') === 'true'),
    namespace: variable('NAMESPACE'),
    mayRedirectTo: (host) => others.some((matches) => matches(host)),
    ca: async () => (caFile === undefined ? undefined : await fileText(caFile, 'VAULT_CACERT')),
    method: methodOf(variable),
  };
}

function addressOf(text: string | undefined, mayBePlain: boolean): URL {
  if (text === undefined) {
    throw new SecretMissing('the agent knows no Vault; set VAULT_ADDR (or BAO_ADDR) in its environment');
  }
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new SecretMissing('VAULT_ADDR is no http or https address such as https://vault.example.com:8200');
  }
  if (url.username !== '' || url.password !== '') throw new SecretMissing('VAULT_ADDR must hold no login');
  if (url.protocol === 'http:' && !mayBePlain && !loopback.test(url.hostname)) {
    throw new SecretMissing(
      'VAULT_ADDR is plain http to another machine, where secrets could be read on the way; use https, or set VAULT_ALLOW_HTTP=true where the way is protected otherwise',
    );
  }
  return url;
}

function methodOf(variable: (name: string) => string | undefined): VaultMethod {
  const token = ownSecret('TOKEN', variable);
  const roleId = ownSecret('ROLE_ID', variable);
  const kubernetesRole = variable('K8S_ROLE');
  const given = [token, roleId, kubernetesRole].filter((one) => one !== undefined);
  if (given.length > 1) {
    throw new SecretMissing(
      'the agent has more than one way to log in to Vault; keep one of VAULT_TOKEN, VAULT_ROLE_ID and VAULT_K8S_ROLE',
    );
  }
  if (token !== undefined) return { kind: 'token', token };
  if (roleId !== undefined) {
    const secretId = ownSecret('SECRET_ID', variable);
    const mount = variable('APPROLE_MOUNT') ?? 'approle';
    return { kind: 'approle', mount, roleId, ...(secretId === undefined ? {} : { secretId }) };
  }
  if (kubernetesRole !== undefined) {
    const file = variable('K8S_TOKEN_FILE') ?? serviceAccountToken;
    const jwt = () => fileText(file, 'VAULT_K8S_TOKEN_FILE');
    return { kind: 'kubernetes', mount: variable('K8S_MOUNT') ?? 'kubernetes', role: kubernetesRole, jwt };
  }
  throw new SecretMissing(
    'the agent has no way to log in to Vault; set VAULT_TOKEN, VAULT_TOKEN_FILE, VAULT_ROLE_ID with VAULT_SECRET_ID_FILE, or VAULT_K8S_ROLE',
  );
}

/** The variable NAME, or the file that NAME_FILE points to. */
function ownSecret(name: string, variable: (name: string) => string | undefined): OwnSecret | undefined {
  const file = variable(`${name}_FILE`);
  const value = variable(name);
  if (file !== undefined) return () => fileText(file, `VAULT_${name}_FILE`);
  return value === undefined ? undefined : async () => value;
}

async function fileText(file: string, variable: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new SecretMissing(`the file ${file} of ${variable} cannot be read (${error.code ?? 'unknown reason'})`);
  });
  if (text.trim() === '') throw new SecretMissing(`the file ${file} of ${variable} is empty`);
  return text.trim();
}
