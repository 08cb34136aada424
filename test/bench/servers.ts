import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, postgresUser } from '../harness/postgres.ts';
import type { Contender } from './contender.ts';

const trusting = { database: 'postgres', user: 'postgres', password: '' };

export function direct(port: number): Contender {
  return { name: 'direct', port, ...trusting, processes: {}, stop: async () => undefined };
}

/** Session pooling, as an access gateway does it too: one server connection for each client. */
export async function pgBouncer(target: number): Promise<Contender> {
  const port = await freePort();
  const folder = folderOf('pgbouncer');
  const settings = [
    ['listen_addr', '127.0.0.1'],
    ['listen_port', port],
    ['unix_socket_dir', ''],
    ['auth_type', 'any'],
    ['pool_mode', 'session'],
    ['max_client_conn', 500],
    ['default_pool_size', 200],
    ['logfile', join(folder, 'log')],
    ['pidfile', ''],
  ];
  const text = `[databases]\npostgres = host=127.0.0.1 port=${target} user=postgres\n[pgbouncer]\n`;
  writeFileSync(join(folder, 'ini'), `${text}${settings.map(([key, value]) => `${key} = ${value}\n`).join('')}`);
  const { uid, gid } = postgresUser();
  if (uid !== undefined && gid !== undefined) for (const file of ['', 'ini']) chownSync(join(folder, file), uid, gid);
  const child = spawn('pgbouncer', ['-q', join(folder, 'ini')], {
    ...postgresUser(),
    stdio: 'ignore',
    env: withSbin(),
  });
  return running('PgBouncer', port, { pgbouncer: child }, folder);
}

export async function haProxy(target: number): Promise<Contender> {
  const port = await freePort();
  const folder = folderOf('haproxy');
  writeFileSync(
    join(folder, 'cfg'),
    `defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
frontend in
  bind 127.0.0.1:${port}
  default_backend out
backend out
  server one 127.0.0.1:${target}
`,
  );
  const child = spawn('haproxy', ['-f', join(folder, 'cfg'), '-db', '-q'], { stdio: 'ignore', env: withSbin() });
  return running('HAProxy', port, { haproxy: child }, folder);
}

/** Two plain Node processes that copy bytes: the least that a gateway and an agent in Node can cost. */
export async function twoRelays(target: number): Promise<Contender> {
  const [inner, outer] = [await freePort(), await freePort()];
  const start = (from: number, to: number): ChildProcess =>
    spawn(process.execPath, [join(import.meta.dirname, 'plain-relay.ts'), String(from), String(to)], {
      stdio: 'ignore',
    });
  const agent = start(inner, target);
  await listening(inner);
  return running('two Node relays', outer, { gateway: start(outer, inner), agent }, undefined);
}

async function running(
  name: string,
  port: number,
  children: Readonly<Record<string, ChildProcess>>,
  folder: string | undefined,
): Promise<Contender> {
  await listening(port);
  const processes = Object.fromEntries(Object.entries(children).map(([role, { pid }]) => [role, pid ?? 0]));
  return {
    name,
    port,
    ...trusting,
    processes,
    async stop() {
      await Promise.all(Object.values(children).map(ended));
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}

/** Resolves once something accepts connections there. @throws Error after ten seconds */
export async function listening(port: number): Promise<void> {
  for (const until = Date.now() + 10_000; Date.now() < until; ) {
    const socket = connect({ host: '127.0.0.1', port });
    const open = await Promise.race([
      once(socket, 'connect').then(
        () => true,
        () => false,
      ),
    ]);
    socket.destroy();
    if (open) return;
    await new Promise((again) => setTimeout(again, 20));
  }
  throw new Error(`nothing listens on port ${port}`);
}

const folderOf = (name: string): string => mkdtempSync(join(tmpdir(), `sallyport-bench-${name}-`));
const withSbin = (): NodeJS.ProcessEnv => ({ PATH: `${process.env['PATH']}:/usr/sbin:/usr/local/sbin` });
