import type { SecretFence } from '../boundary/secret-fence.ts';
import type { Environment, SecretSources } from './source.ts';

export type Warn = (text: string) => void;

/** Every source of the agent's. Each file, and the client behind it, is loaded when a credential first asks for it. */
export function builtInSources(environment: Environment, warn: Warn, fence: SecretFence): SecretSources {
  return {
    env: async () => (await import('./env.ts')).environmentSource(environment, fence),
    file: async () => (await import('./file.ts')).fileSource(warn, fence),
    command: async () => (await import('./command.ts')).commandSource(environment),
    vault: async () => (await import('./vault/source.ts')).vaultSource(environment, warn),
    'aws-sm': async () => (await import('./cloud/aws.ts')).awsSource(),
    'gcp-sm': async () => (await import('./cloud/gcp.ts')).gcpSource(environment),
    'azure-kv': async () => (await import('./cloud/azure.ts')).azureSource(environment),
    'k8s-secret': async () => (await import('./cloud/kubernetes.ts')).kubernetesSource(environment),
  };
}
