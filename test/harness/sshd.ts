import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from './postgres.ts';

/** A real OpenSSH server on loopback, with a key that may log in as whoever runs the tests. */
export class TestSshd {
  readonly folder: string;
  readonly port: number;
  readonly user = userInfo().username;
  /** As `ssh-keygen -l` writes it. */
  readonly fingerprint: string;
  readonly privateKey: string;
  readonly #process: ChildProcess;
  /** What it said, for messages of failed tests. */
  readonly log: string[];

  private constructor(folder: string, port: number, process: ChildProcess, log: string[]) {
    this.folder = folder;
    this.port = port;
    this.#process = process;
    this.log = log;
    this.privateKey = readFileSync(join(folder, 'user'), 'utf8');
    this.fingerprint =
      execFileSync('ssh-keygen', ['-lf', join(folder, 'host.pub')], { encoding: 'utf8' }).split(' ')[1] ?? '';
  }

  static async start(config: readonly string[] = []): Promise<TestSshd> {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-sshd-'));
    const port = await freePort();
    for (const name of ['host', 'user', 'stranger']) {
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', join(folder, name)]);
    }
    writeFileSync(join(folder, 'authorized_keys'), readFileSync(join(folder, 'user.pub')), { mode: 0o600 });
    writeFileSync(
      join(folder, 'sshd_config'),
      [
        `Port ${port}`,
        'ListenAddress 127.0.0.1',
        `HostKey ${join(folder, 'host')}`,
        `PidFile ${join(folder, 'pid')}`,
        `AuthorizedKeysFile ${join(folder, 'authorized_keys')}`,
        'StrictModes no',
        'UsePAM no',
        'PasswordAuthentication no',
        'PermitRootLogin yes',
        'PermitUserEnvironment no',
        'AcceptEnv LANG LC_* COLORTERM',
        'AllowTcpForwarding yes',
        'MaxSessions 50',
        'Subsystem sftp internal-sftp',
        'LogLevel VERBOSE',
        ...config,
        '',
      ].join('\n'),
    );
    // As root it parts privileges, for which it wants this folder.
    if (process.getuid?.() === 0 && !existsSync('/run/sshd')) mkdirSync('/run/sshd', { mode: 0o755 });
    const child = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', join(folder, 'sshd_config')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const log: string[] = [];
    createInterface({ input: child.stderr }).on('line', (line) => log.push(line));
    const sshd = new TestSshd(folder, port, child, log);
    await sshd.#up();
    return sshd;
  }

  /** A connection's resource, which logs in with the key that may. `env:` of the agent holds it. */
  connection(name: string, more = ''): string {
    return `
kind: Connection
name: ${name}
spec:
  protocol: ssh
  agent: test-agent
  target: { host: 127.0.0.1, port: ${this.port}, hostKey: "${this.fingerprint}" }
  credential: { username: ${this.user}, privateKey: "env:SSH_KEY" }
${more}`;
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null) {
      const exit = once(this.#process, 'exit');
      this.#process.kill('SIGTERM');
      await exit;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #up(): Promise<void> {
    for (const until = Date.now() + 10_000; Date.now() < until; ) {
      if (this.#process.exitCode !== null) throw new Error(`sshd did not start: ${this.log.join('\n')}`);
      const socket = connect(this.port, '127.0.0.1');
      const isUp = await Promise.race([
        once(socket, 'connect').then(() => true),
        once(socket, 'error').then(() => false),
      ]).catch(() => false);
      socket.destroy();
      if (isUp) return;
      await new Promise((again) => setTimeout(again, 20));
    }
    throw new Error(`sshd did not come up: ${this.log.join('\n')}`);
  }
}
