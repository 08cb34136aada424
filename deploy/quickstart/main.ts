import type { ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Api } from './api.ts';
import { instructions } from './instructions.ts';
import { startSample, stopSample } from './postgres.ts';
import { end, findProgram, portNear, start } from './processes.ts';

/*
 * A gateway, an agent and a sample database on this machine, to look at. Everything lies in `.quickstart`, which may be
 * deleted; Ctrl-C stops it all.
 */

const root = join(import.meta.dirname, '../..');
const folder = join(root, '.quickstart');
mkdirSync(folder, { recursive: true, mode: 0o700 });

const started: (() => Promise<unknown>)[] = [];
const say = (text: string): void => void process.stderr.write(`  ${text}\n`);

/** In the order in which things depend on each other, last started first. */
async function stop(): Promise<void> {
  for (const each of started.splice(0).reverse()) await each();
}

let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (interrupted) return;
    interrupted = true;
    say('stopping');
    stop().then(() => process.exit(0));
  });
}

try {
  await main();
} catch (error) {
  say(`it did not start: ${error instanceof Error ? error.message : String(error)}`);
  await stop();
  process.exit(1);
}

async function main(): Promise<void> {
  say('starting the sample database');
  const secret = remembered('shop-password', () => randomBytes(18).toString('base64url'));
  const sample = await startSample(databaseFolder(), await portNear(15_532), secret, say);
  started.push(() => stopSample(sample));

  const nats = await startNats();
  const ports = { web: await portNear(8080), tunnel: await portNear(8443), postgres: await portNear(15_432) };
  writeFileSync(join(folder, 'gateway.yaml'), configuration(ports, nats));
  say('starting the gateway');
  const gateway = await bundle('gateway/dist/gateway.mjs', ['--config', join(folder, 'gateway.yaml')], /"msg":"ready"/);
  started.push(() => end(gateway));

  const api = new Api(ports.web);
  await api.signIn(readFileSync(join(folder, 'gateway/initial-admin-password'), 'utf8').trim());
  say('starting the agent');
  await startAgent(api, ports.tunnel, sample.port, secret);
  const access = readFileSync(new URL('./access.yaml', import.meta.url), 'utf8');
  await api.apply('access.yaml', access.replaceAll('$' + '{PORT}', String(sample.port)));
  for (const user of ['alice', 'dana']) writeSecret(`${user}.token`, await api.token(user, 12));
  writeSecret('admin.token', api.secret);
  process.stdout.write(instructions(ports, nats));
}

async function startNats(): Promise<number | undefined> {
  const program = findProgram('nats-server');
  if (program === undefined) return undefined;
  say('starting NATS');
  const port = await portNear(4222);
  const args = ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', join(folder, 'nats')];
  const child = await start(program, args, { log: join(folder, 'nats.log'), wanted: /Server is ready/ });
  started.push(() => end(child));
  return port;
}

async function startAgent(api: Api, tunnel: number, database: number, secret: string): Promise<void> {
  const data = join(folder, 'agent');
  const args = ['--gateway', `127.0.0.1:${tunnel}`, '--data', data, '--log', 'json', '--name', 'warehouse'];
  const environment: Record<string, string> = {
    SHOP_PASSWORD: secret,
    // All that this agent may reach and give away.
    SALLYPORT_TARGETS: `127.0.0.1:${database}`,
    SALLYPORT_SECRETS: 'env:SHOP_PASSWORD',
  };
  if (!existsSync(join(data, 'identity.json'))) environment['SALLYPORT_JOIN_TOKEN'] = await api.joinToken('warehouse');
  const agent = await bundle('agent/dist/agent.mjs', args, /"msg":"connected"|connected/, environment);
  started.push(() => end(agent));
}

function bundle(
  file: string,
  args: readonly string[],
  wanted: RegExp,
  environment: Readonly<Record<string, string>> = {},
): Promise<ChildProcess> {
  const log = join(folder, `${file.split('/')[0]}.log`);
  return start(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', ...nodeFlags(file), join(root, file), ...args],
    {
      log,
      wanted,
      environment,
    },
  );
}

/** What Node is told when it runs a process: docs/decisions/memory.md. */
function nodeFlags(file: string): readonly string[] {
  const described = readFileSync(join(root, file.split('/')[0] ?? '', 'package.json'), 'utf8');
  return (JSON.parse(described) as { sallyport?: { nodeFlags?: string[] } }).sallyport?.nodeFlags ?? [];
}

function configuration(ports: { web: number; tunnel: number; postgres: number }, nats: number | undefined): string {
  return `listen: { web: 127.0.0.1:${ports.web}, tunnel: 127.0.0.1:${ports.tunnel}, postgres: 127.0.0.1:${ports.postgres}, ssh: off, kubernetes: off }
data: ${join(folder, 'gateway')}
log: { format: json }
${nats === undefined ? '' : `nats: { url: nats://127.0.0.1:${nats} }\n`}`;
}

/** The server's user must be able to reach its folder, which under root's home it cannot. */
function databaseFolder(): string {
  if (process.getuid?.() !== 0) return join(folder, 'postgres');
  return `/var/tmp/sallyport-quickstart-${createHash('sha256').update(root).digest('hex').slice(0, 12)}`;
}

function remembered(name: string, make: () => string): string {
  const file = join(folder, name);
  if (!existsSync(file)) writeSecret(name, make());
  return readFileSync(file, 'utf8');
}

function writeSecret(name: string, secret: string): void {
  writeFileSync(join(folder, name), secret, { mode: 0o600 });
}
