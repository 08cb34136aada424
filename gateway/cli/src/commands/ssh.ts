import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError } from '@connectrpc/connect';
import { type GetSshServerResponse, type Key, KeySchema } from '@sallyport/proto/api/v1/keys_pb';
import type { Command } from 'commander';
import { type Api, openApi } from '../client/api.ts';
import { knownHosts, sshConfig } from '../client/ssh/config.ts';
import { type KeptCertificate, keepCertificate, keptCertificate, sshFolder, writePrivate } from '../client/ssh/kept.ts';
import { exits, Failure, usage } from '../failures.ts';
import { formatOf, written } from '../output/format.ts';
import { clockTime, durationOf, fromNow } from '../output/times.ts';
import type { Run } from '../session.ts';
import { askSecret } from '../terminal/prompt.ts';
import type { TableColumn } from '../terminal/table.ts';

const columns: readonly TableColumn<Key>[] = [
  { title: 'id', of: ({ id }) => id },
  { title: 'principal', of: ({ principal }) => principal?.id ?? '' },
  { title: 'name', of: ({ name }) => name },
  { title: 'type', of: ({ type }) => type },
  { title: 'fingerprint', of: ({ fingerprint }) => fingerprint },
  { title: 'added', of: ({ addedAt, addedFrom }) => `${clockTime(addedAt)} from ${addedFrom}` },
  {
    title: 'last used',
    of: ({ lastUsedAt, lastUsedFrom }) => (lastUsedAt ? `${fromNow(lastUsedAt)} from ${lastUsedFrom}` : 'never'),
  },
];

/** A certificate that lives on for longer than this is not renewed before a connection. */
const MARGIN_MS = 5 * 60_000;

/** `ssh config`, `ssh cert`, `ssh keys list|add|remove`. */
export function addSsh(program: Command, run: Run): void {
  const ssh = program.command('ssh').description('what ssh needs to reach hosts: configuration, certificates, keys');
  ssh
    .command('config [connections...]')
    .description('print Host blocks: sallyport ssh config >> ~/.ssh/config; then: ssh NAME')
    .option('--no-renew', 'leave out the line with which ssh renews the certificate by itself')
    .option('-o, --output <format>', 'table, json or yaml', 'table')
    .action((names: string[], options: ConfigOptions, command: Command) => config(run, names, options, command));
  ssh
    .command('cert')
    .description('get a certificate into the running ssh-agent, or into files')
    .option('--ttl <time>', 'how long it lives: 15m, 8h; never longer than your sign-in')
    .option('--renew', 'only where the one that you have ends soon; never fails, for ssh to call')
    .option('-o, --output <format>', 'table, json or yaml', 'table')
    .action((options: CertOptions, command: Command) => cert(run, options, command));
  const keys = ssh.command('keys').description('public keys that you log in with');
  keys
    .command('list', { isDefault: true })
    .description('your registered keys')
    .option('--all', "everybody's, as an administrator or auditor")
    .option('-o, --output <format>', 'table, json or yaml', 'table')
    .action(async ({ all = false, output }: { all?: boolean; output: string }, command: Command) => {
      const found = await run.awaited('asking', (await run.api(command)).keys.listKeys({ all }));
      await run.list(output, KeySchema, found.keys, columns, 'there are no keys');
    });
  keys
    .command('add <file>')
    .description('register a public key, such as ~/.ssh/id_ed25519.pub')
    .option('--name <name>', 'what it is called in listings; its comment where nothing is said')
    .option('-o, --output <format>', 'table, json or yaml', 'table')
    .action((file: string, options: { name?: string; output: string }, command: Command) =>
      add(run, file, options, command),
    );
  keys
    .command('remove <id>')
    .description('take a key back, and end the sessions opened with it')
    .action(async (id: string, _: unknown, command: Command) => {
      await run.awaited('removing', (await run.api(command)).keys.removeKey({ id }));
      run.note(`${id} is removed`);
    });
}

interface ConfigOptions {
  readonly renew: boolean;
  readonly output: string;
}

async function config(run: Run, names: readonly string[], { renew, output }: ConfigOptions, command: Command) {
  const api = await run.api(command);
  const server = await run.awaited('asking', api.keys.getSshServer({}));
  if (server.port === 0) throw new Failure(`${run.url} serves no SSH`, { hint: 'Its administrators set listen.ssh.' });
  const connections = names.length > 0 ? names : await reachable(api);
  if (connections.length === 0)
    throw new Failure('there is no SSH connection that you may open', { exitCode: exits.notFound });
  const knownHostsFile = join(sshFolder(run.env), 'known_hosts');
  await writePrivate(knownHostsFile, knownHosts(server));
  const kept = await keptCertificate(run.env);
  const inFiles = kept === undefined ? run.env['SSH_AUTH_SOCK'] === undefined : kept.file !== undefined;
  const identityFile = inFiles ? join(sshFolder(run.env), 'id_ed25519') : undefined;
  const renewal = renew ? `sallyport ssh cert --renew --url ${run.url}` : undefined;
  const block = sshConfig({ server, connections, knownHostsFile, identityFile, renew: renewal });
  const format = formatOf(output);
  if (format === 'table') await run.out.write(block);
  else await run.out.write(written(described(server, connections, block), format));
  run.note(`${knownHostsFile} holds the key of ${server.host}; ${fingerprintNote(server)}`);
}

const described = (
  { host, port, knownHosts: lines, userAuthority }: GetSshServerResponse,
  connections: readonly string[],
  block: string,
) => ({
  ...{ host, port, userAuthority, config: block },
  knownHosts: [...lines],
  connections: [...connections],
});

const fingerprintNote = ({ userAuthorityFingerprint }: GetSshServerResponse): string =>
  `certificates are signed by ${userAuthorityFingerprint}`;

async function reachable({ connections }: Api): Promise<string[]> {
  const { connections: all } = await connections.listConnections({});
  return all.filter(({ protocol }) => protocol === 'ssh').map(({ name }) => name);
}

interface CertOptions {
  readonly ttl?: string;
  readonly renew?: boolean;
  readonly output: string;
}

async function cert(run: Run, { ttl, renew = false, output }: CertOptions, command: Command): Promise<void> {
  if (renew) return renewed(run, command);
  const api = await run.api(command);
  const kept = await keepCertificate(run.env, api, run.url, ttl === undefined ? undefined : durationOf(ttl));
  const format = formatOf(output);
  if (format === 'table') run.note(told(kept));
  else await run.out.write(written({ ...kept, file: kept.file ?? null }, format));
}

/** For ssh to call before each connection: it goes on whatever happens here, and asks for something else then. */
async function renewed(run: Run, command: Command): Promise<void> {
  try {
    const { url } = await run.settings(command);
    const kept = await keptCertificate(run.env);
    if (kept?.url === url && Date.parse(kept.expiresAt) - Date.now() > MARGIN_MS) return;
    await keepCertificate(run.env, await run.api(command), url, undefined);
  } catch (error) {
    run.note(`no fresh certificate: ${error instanceof Error ? error.message : error}`);
  }
}

function told({ principal, expiresAt, file }: KeptCertificate): string {
  const where = file === undefined ? 'the ssh-agent has it' : `it is at ${file}-cert.pub`;
  return `an SSH certificate for ${principal} until ${expiresAt}: ${where}`;
}

/** What `login` leaves for ssh, where the gateway serves it. A login never fails by it. */
export async function leaveCertificate(
  run: Run,
  { url, ca, token }: { url: string; ca: string | undefined; token: string },
): Promise<void> {
  const api = openApi({ url, ca, token });
  try {
    if ((await api.keys.getSshServer({})).port === 0) return;
    run.note(told(await keepCertificate(run.env, api, url, undefined)));
  } catch (error) {
    // A gateway of before there were certificates.
    if (error instanceof ConnectError && [Code.Unimplemented, Code.NotFound].includes(error.code)) return;
    run.note(`there is no SSH certificate: ${error instanceof Error ? error.message : error}`);
  }
}

async function add(run: Run, file: string, { name = '', output }: { name?: string; output: string }, command: Command) {
  const publicKey = await publicKeyIn(file);
  const { keys } = await run.api(command);
  const order = { name, publicKey };
  const answer = await run.awaited('registering', keys.addKey(order)).catch(async (error: unknown) => {
    if (!(error instanceof ConnectError) || error.code !== Code.PermissionDenied) throw error;
    run.note(error.rawMessage);
    return keys.addKey({ ...order, currentPassword: await askSecret('Current password: ') });
  });
  if (answer.key === undefined) throw new Failure('the gateway answered without the key');
  const { id, fingerprint, name: called, addedAt } = answer.key;
  await run.show(output, KeySchema, answer.key, [
    ['id', id],
    ['name', called],
    ['fingerprint', fingerprint],
    ['added', addedAt === undefined ? '' : timestampDate(addedAt).toISOString()],
  ]);
}

/** @throws Failure where it is a private key, or none at all: nothing of it is sent then */
async function publicKeyIn(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Failure(`${file} cannot be read`, { cause });
  });
  if (text.includes('PRIVATE KEY')) throw usage(`${file} is a private key`, `The public one is most often ${file}.pub`);
  const line = text.split('\n').find((each) => each.trim() !== '' && !each.startsWith('#'));
  if (line === undefined) throw usage(`${file} holds no key`);
  return line.trim();
}
