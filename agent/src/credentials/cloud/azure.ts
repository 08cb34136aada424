import {
  EnvironmentCredential,
  ManagedIdentityCredential,
  type TokenCredential,
  WorkloadIdentityCredential,
} from '@azure/identity';
import { type Answer, ask, jsonOf, NoAnswer } from '../http/ask.ts';
import { fieldOf, placeOf } from '../reference.ts';
import { type Environment, SecretMissing, type SecretSource } from '../source.ts';

export interface AzureOptions {
  /** Where a vault's host is reached; its https address where absent. */
  readonly origin?: (host: string) => string;
  /** PEM of the authorities to trust instead of the system's. */
  readonly ca?: string;
}

const apiVersion = '7.4';
const named = /^([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)\/([A-Za-z0-9-]{1,127})(?:\/([0-9a-f]{32}))?$/;
/** Key Vault's domains of the public and the sovereign clouds: a token must go nowhere else. */
const domains = ['vault.azure.net', 'vault.azure.cn', 'vault.usgovcloudapi.net', 'vault.microsoftazure.de'];

/**
 * `azure-kv:VAULT/NAME#FIELD`; VAULT is a name, or a full host name of another cloud. The login is a service principal's
 * (AZURE_CLIENT_SECRET, AZURE_CLIENT_CERTIFICATE_PATH), a workload's (AZURE_FEDERATED_TOKEN_FILE) or a managed identity.
 * @see https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret
 */
export function azureSource(environment: Environment, options: AzureOptions = {}): SecretSource {
  let credential: TokenCredential | undefined;
  return {
    async secret(name, signal) {
      const { place, field } = placeOf(name);
      const [, vault, secret, version] = named.exec(place) ?? [];
      if (vault === undefined) throw new SecretMissing('the reference is not of the form VAULT/NAME');
      const host = vault.includes('.') ? vault : `${vault}.vault.azure.net`;
      const domain = domains.find((one) => host.endsWith(`.${one}`));
      if (domain === undefined) throw new SecretMissing('that host is none of Azure Key Vault’s');
      const path = `/secrets/${secret}${version === undefined ? '' : `/${version}`}?api-version=${apiVersion}`;
      const url = new URL(path, options.origin?.(host) ?? `https://${host}`);
      const resource = challenged(await asked(url, undefined, signal), domain);
      const answer = await asked(url, await token(resource, signal), signal);
      if (answer.status !== 200) throw new SecretMissing(refusal(answer));
      const { value } = jsonOf(answer);
      if (typeof value !== 'string') throw new SecretMissing('Azure’s answer holds no secret');
      return fieldOf(value, field);
    },
  };

  async function asked(url: URL, token: string | undefined, signal: AbortSignal): Promise<Answer> {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    try {
      return await ask({ method: 'GET', url, headers, ca: options.ca, signal });
    } catch (error) {
      throw new SecretMissing(`${url.host}: ${error instanceof NoAnswer ? error.message : 'it could not be asked'}`);
    }
  }

  async function token(resource: string, abortSignal: AbortSignal): Promise<string> {
    credential ??= credentialOf(environment);
    // The library's errors are left out: they may carry requests.
    const answer = await credential.getToken(`${resource}/.default`, { abortSignal }).catch(() => null);
    if (answer !== null) return answer.token;
    throw new SecretMissing(
      'Azure gave the agent no login; check AZURE_CLIENT_ID, AZURE_TENANT_ID and what goes with them, or the managed identity',
    );
  }
}

/** One way, chosen by what is set: trying all of them one after the other would hide which one failed. */
function credentialOf(environment: Environment): TokenCredential {
  const { AZURE_CLIENT_ID: clientId } = environment;
  const isPrincipal = environment['AZURE_CLIENT_SECRET'] ?? environment['AZURE_CLIENT_CERTIFICATE_PATH'];
  if (isPrincipal !== undefined) return new EnvironmentCredential();
  if (environment['AZURE_FEDERATED_TOKEN_FILE'] !== undefined) return new WorkloadIdentityCredential();
  return clientId === undefined ? new ManagedIdentityCredential() : new ManagedIdentityCredential({ clientId });
}

/** For which resource Key Vault wants a token; it has to be its own cloud's, or another could be given our token. */
function challenged({ status, headers }: Answer, domain: string): string {
  const challenge = headers['www-authenticate'];
  const [, resource] = /\b(?:resource|scope)="([^"]+)"/.exec(typeof challenge === 'string' ? challenge : '') ?? [];
  if (status !== 401 || resource === undefined) {
    throw new SecretMissing(
      status === 403
        ? 'the vault’s firewall does not let the agent in'
        : `the vault did not ask for a login as Key Vault does (status ${status}); check the vault’s name`,
    );
  }
  const bare = resource.replace(/\/\.default$/, '').replace(/\/$/, '');
  if (bare !== `https://${domain}`)
    throw new SecretMissing('the vault asks for a token of another service; it is not given');
  return bare;
}

function refusal(answer: Answer): string {
  const { status } = answer;
  if (status === 401) return 'Azure does not accept the agent’s token; check that the vault is in the same tenant';
  if (status === 403) {
    return 'the agent’s identity may not read it, or the secret is disabled; give it the role Key Vault Secrets User on the secret';
  }
  if (status === 404) return 'the vault has no secret of that name';
  if (status === 429) return 'Azure refuses for too many requests; try again later';
  return `Azure answered with status ${status}`;
}
