import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A PostgreSQL of the test's own, in a temporary folder on a free loopback port. */
export interface TestPostgres {
  readonly port: number;
  /** The postmaster's. */
  readonly pid: number;
  /** Killed as by a crash, and started again on the same data. */
  crash(): Promise<void>;
  /** SIGINT: the server's fast shutdown; resolves when it is gone and its folder removed. */
  stop(): Promise<void>;
}

/** Newest of Debian's clusters, or the folder in POSTGRES_BIN. @throws Error with what to install. */
function binaries(): string {
  const given = process.env['POSTGRES_BIN'];
  if (given !== undefined) return given;
  const root = '/usr/lib/postgresql';
  const [newest] = (existsSync(root) ? readdirSync(root) : []).sort((a, b) => Number(b) - Number(a));
  if (newest === undefined) throw new Error('no PostgreSQL server found; install the package "postgresql"');
  return join(root, newest, 'bin');
}

/** PostgreSQL does not run as root, so root lends it the user `postgres`. */
export function postgresUser(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}

/** Superuser `postgres`, no password asked on loopback; fsync off. `more` are lines of postgresql.conf. */
export async function startPostgres(more: Readonly<Record<string, string | number>> = {}): Promise<TestPostgres> {
  const [bin, as, port] = [binaries(), postgresUser(), await freePort()];
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-postgres-'));
  if (as.uid !== undefined && as.gid !== undefined) chownSync(folder, as.uid, as.gid);
  const data = join(folder, 'data');
  const options = { ...as, cwd: folder };
  execFileSync(join(bin, 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync'], {
    ...options,
    stdio: 'ignore',
  });
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: folder,
    fsync: 'off',
    lc_messages: 'C',
    ...more,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'\n`);
  appendFileSync(join(data, 'postgresql.conf'), lines.join(''));
  const start = async (): Promise<ChildProcess> => {
    const child = spawn(join(bin, 'postgres'), ['-D', data], { ...options, stdio: ['ignore', 'ignore', 'pipe'] });
    await ready(child);
    return child;
  };
  let server = await start();
  return {
    port,
    pid: server.pid ?? 0,
    async crash() {
      // SIGQUIT: PostgreSQL's immediate shutdown, which cleans up nothing and recovers at the next start.
      server.kill('SIGQUIT');
      await once(server, 'exit');
      server = await start();
    },
    async stop() {
      if (server.exitCode === null) {
        server.kill('SIGINT');
        await once(server, 'exit');
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
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
  throw new Error(`PostgreSQL did not start:\n${seen.join('\n')}`);
}
