import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from './postgres.ts';

/** A NATS server of the test's own, in a temporary folder on a free loopback port. */
export interface TestNats {
  readonly url: string;
  readonly port: number;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
  /** SIGKILL; what it stored stays. */
  kill(): Promise<void>;
  /** Starts it again on the same port and folder. */
  restart(): Promise<void>;
}

export interface NatsOptions {
  readonly jetstream?: boolean;
  /** PEM. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Further lines of the server's configuration: users, accounts, permissions. */
  readonly config?: string;
  readonly port?: number;
}

function binary(): string {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin'];
  const found = folders.map((folder) => join(folder, 'nats-server')).find((file) => existsSync(file));
  if (found === undefined) throw new Error('no NATS server found; install the package "nats-server"');
  return found;
}

/** JetStream is on unless it is switched off. */
export async function startNats(options: NatsOptions = {}): Promise<TestNats> {
  const port = options.port ?? (await freePort());
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-nats-'));
  const file = join(folder, 'nats.conf');
  writeFileSync(file, configuration(folder, port, options));
  let server = await launch(file);
  const kill = async () => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const gone = once(server, 'exit');
    server.kill('SIGKILL');
    await gone;
  };
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    kill,
    async stop() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
    async restart() {
      await kill();
      server = await launch(file);
    },
  };
}

function configuration(folder: string, port: number, { jetstream = true, tls, config = '' }: NatsOptions): string {
  const lines = [`listen: "127.0.0.1:${port}"`];
  if (jetstream) lines.push(`jetstream { store_dir: "${join(folder, 'store')}", max_file_store: 1073741824 }`);
  if (tls !== undefined) {
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    writeFileSync(cert, tls.cert);
    writeFileSync(key, tls.key, { mode: 0o600 });
    lines.push(`tls { cert_file: "${cert}", key_file: "${key}" }`);
  }
  return [...lines, config, ''].join('\n');
}

async function launch(file: string): Promise<ChildProcess> {
  const server = spawn(binary(), ['-c', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  if (server.stderr === null) throw new Error('NATS was started without its log');
  const seen: string[] = [];
  for await (const line of createInterface({ input: server.stderr })) {
    seen.push(line);
    if (!line.includes('Server is ready')) continue;
    server.stderr.resume();
    return server;
  }
  throw new Error(`NATS did not start:\n${seen.join('\n')}`);
}
