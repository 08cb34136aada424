import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { Connection } from '@sallyport/proto/api/v1/connections_pb';
import type { Command } from 'commander';
import type { Api } from '../client/api.ts';
import { type KubeEntry, kubeConfigFile, removeEntries, writeEntries } from '../client/kubeconfig.ts';
import { Failure } from '../failures.ts';
import { durationOf } from '../output/times.ts';
import type { Run } from '../session.ts';
import { minted } from './identity.ts';

interface LoginOptions {
  readonly static?: boolean;
  readonly ttl?: string;
  readonly kubeconfig?: string;
}

/** `kube login|token|logout`. */
export function addKube(program: Command, run: Run): void {
  const kube = program.command('kube').description('clusters, for kubectl and everything that reads its configuration');
  kube
    .command('login [names...]')
    .description('write a context for each cluster that you may reach, or for those named')
    .option('--static', 'with a token in the file, for jobs: otherwise kubectl asks this command for one')
    .option('--ttl <time>', 'how long a token in the file lives: 1h')
    .option('--kubeconfig <file>', 'in place of KUBECONFIG and ~/.kube/config')
    .action((names: readonly string[], options: LoginOptions, command: Command) => login(run, names, options, command));
  kube
    .command('token <connection>')
    .description('print a credential for kubectl, which runs this by itself')
    .action((connection: string, _: unknown, command: Command) => credential(run, connection, command));
  kube
    .command('logout')
    .description('take all contexts of ours out of the configuration')
    .option('--kubeconfig <file>', 'in place of KUBECONFIG and ~/.kube/config')
    .action(async ({ kubeconfig }: { kubeconfig?: string }) => {
      const count = await removeEntries(kubeconfig ?? kubeConfigFile(run.env));
      run.note(
        count === 0 ? 'there was nothing of ours' : `${count} ${count === 1 ? 'cluster is' : 'clusters are'} taken out`,
      );
    });
}

async function login(run: Run, names: readonly string[], options: LoginOptions, command: Command): Promise<void> {
  const file = options.kubeconfig ?? kubeConfigFile(run.env);
  const api = await run.api(command);
  const { connections } = await run.awaited('asking', api.connections.listConnections({}));
  const clusters = connections.filter(({ protocol }) => protocol === 'kubernetes');
  const chosen = names.length === 0 ? clusters : names.map((name) => named(clusters, name));
  if (chosen.length === 0)
    throw new Failure('there is no cluster that you may reach', { hint: 'sallyport connect lists what you may' });
  const { url } = await run.settings(command);
  const ca = await authorityOf(url);
  const entries: KubeEntry[] = [];
  for (const { name, host, port } of chosen) {
    const server = `https://${host.includes(':') ? `[${host}]` : host}:${port}/${name}`;
    const user = options.static === true ? { token: await staticToken(api, name, options.ttl) } : plugin(name, url);
    entries.push({ connection: name, server, ca, user });
  }
  const contexts = await writeEntries(file, entries);
  for (const context of contexts) run.note(`kubectl --context ${context} get pods`);
}

function named(clusters: readonly Connection[], name: string): Connection {
  const found = clusters.find((one) => one.name === name);
  if (found !== undefined) return found;
  const known = clusters.map((one) => one.name).join(', ');
  throw new Failure(`there is no cluster ${name} that you may reach`, {
    hint: known === '' ? 'There is none.' : `There are: ${known}`,
  });
}

/** This very command, wherever it lies. */
const plugin = (name: string, url: string) => ({
  command: process.execPath,
  args: [process.argv[1] ?? 'sallyport', 'kube', 'token', name, '--url', url],
});

async function staticToken(api: Api, connection: string, ttl: string | undefined): Promise<string> {
  const life = ttl === undefined ? {} : { ttl: durationOf(ttl) };
  const { token } = await api.identity.mintToken({ connection, label: 'kubeconfig', ...life });
  return minted(token).secret;
}

/** A gateway with a certificate of its own making says by which authority. */
async function authorityOf(url: string): Promise<string | undefined> {
  const response = await fetch(new URL('/.well-known/gateway-ca.pem', url), { signal: AbortSignal.timeout(10_000) });
  const text = await response.text();
  return response.ok && text.includes('BEGIN CERTIFICATE') ? text : undefined;
}

/** @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins */
async function credential(run: Run, connection: string, command: Command): Promise<void> {
  const { identity } = await run.api(command);
  const { token } = await identity.mintToken({ connection, label: 'kubectl' });
  const { secret, expiresAt } = minted(token);
  // A little early, so that none is used in its last moment.
  const expirationTimestamp = new Date(timestampDate(expiresAt).getTime() - 10_000).toISOString();
  const answer = {
    apiVersion: 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    status: { token: secret, expirationTimestamp },
  };
  await run.out.write(`${JSON.stringify(answer)}\n`);
}
