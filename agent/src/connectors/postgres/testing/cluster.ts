import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const bin = '/usr/lib/postgresql/15/bin';

/** A throw-away PostgreSQL with TLS; users are named after how they must log in, all with the password `hush`. */
export interface Cluster {
  readonly port: number;
  /** PEM of the authority that signed the server's certificate for `localhost`. */
  readonly ca: string;
  /** PEM of an authority that signed nothing here. */
  readonly otherCa: string;
  /** Its key, for a server in the middle. */
  readonly otherKey: string;
  /** Ends one server process at once, as a crash would. */
  kill(processId: number): void;
  stop(): Promise<void>;
}

const hba = `
local    all all                      trust
hostnossl all tlsonly   127.0.0.1/32  reject
hostssl  all plainonly  127.0.0.1/32  reject
host     all trusted    127.0.0.1/32  trust
host     all tlsonly    127.0.0.1/32  trust
host     all plainonly  127.0.0.1/32  trust
host     all md5user    127.0.0.1/32  md5
host     all clear      127.0.0.1/32  password
host     all scram      127.0.0.1/32  scram-sha-256
`;
const users = `
SET password_encryption = 'scram-sha-256';
CREATE USER scram PASSWORD 'hush'; CREATE USER clear PASSWORD 'hush';
CREATE USER trusted SUPERUSER; CREATE USER tlsonly; CREATE USER plainonly;
SET password_encryption = 'md5'; CREATE USER md5user PASSWORD 'hush';
`;

export async function startCluster(): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-pg-'));
  const owner = ownerIds();
  chownSync(folder, owner.uid, owner.gid);
  const run = (file: string, args: string[], input?: string) =>
    execFileSync(file, args, { cwd: folder, ...owner, stdio: ['pipe', 'pipe', 'pipe'], ...(input ? { input } : {}) });
  const { ca, otherCa, otherKey } = certificates(folder, run);
  const data = join(folder, 'data');
  run(`${bin}/initdb`, ['-D', data, '-U', 'postgres', '-A', 'trust', '-N', '-E', 'UTF8', '--locale=C']);
  writeFileSync(join(data, 'pg_hba.conf'), hba);
  const port = await freePort();
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: folder,
    fsync: 'off',
    ssl: 'on',
    ssl_cert_file: join(folder, 'server.crt'),
    ssl_key_file: join(folder, 'server.key'),
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = spawn(`${bin}/postgres`, ['-D', data, ...flags], {
    cwd: folder,
    ...owner,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await ready(server.stderr);
  run(`${bin}/psql`, ['-q', '-h', folder, '-p', String(port), '-U', 'postgres', '-v', 'ON_ERROR_STOP=1'], users);
  return {
    port,
    ca,
    otherCa,
    otherKey,
    kill: (processId) => process.kill(processId, 'SIGKILL'),
    async stop() {
      const gone = once(server, 'exit');
      server.kill('SIGQUIT');
      await gone;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The server refuses to run as root. */
function ownerIds(): { uid: number; gid: number } {
  const { getuid, getgid } = process;
  if (getuid?.() !== 0) return { uid: getuid?.() ?? 0, gid: getgid?.() ?? 0 };
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

function certificates(
  folder: string,
  run: (file: string, args: string[]) => Buffer,
): Pick<Cluster, 'ca' | 'otherCa' | 'otherKey'> {
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  for (const name of ['ca', 'other']) {
    run('openssl', [...request, '-keyout', `${name}.key`, '-out', `${name}.crt`, '-subj', `/CN=${name}`]);
  }
  const signed = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-addext', 'subjectAltName=DNS:localhost', '-sha384'];
  run('openssl', [...request, ...signed, '-keyout', 'server.key', '-out', 'server.crt', '-subj', '/CN=localhost']);
  chmodSync(join(folder, 'server.key'), 0o600);
  const pem = (name: string) => readFileSync(join(folder, name), 'utf8');
  return { ca: pem('ca.crt'), otherCa: pem('other.crt'), otherKey: pem('other.key') };
}

export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** The log goes on being read, or the server would block on it. */
function ready(log: NodeJS.ReadableStream): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = '';
    log.on('data', (chunk: Buffer) => {
      text = (text + chunk.toString()).slice(-4_000);
      if (text.includes('ready to accept connections')) resolve();
    });
    log.once('end', () => reject(new Error(`PostgreSQL did not start: ${text}`)));
  });
}
