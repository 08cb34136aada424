import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';

export interface SshResult {
  readonly status: number;
  readonly out: string;
  readonly err: string;
  readonly bytes: Buffer;
}

/** Stock OpenSSH clients that sign in to a gateway: a token is answered to their question for a password. */
export class SshClients {
  readonly folder = mkdtempSync(join(tmpdir(), 'sallyport-ssh-'));
  readonly port: number;

  /** `knownHosts`: as the gateway publishes them. */
  constructor(port: number, knownHosts: string) {
    this.port = port;
    writeFileSync(join(this.folder, 'known_hosts'), knownHosts);
    const askpass = join(this.folder, 'askpass');
    writeFileSync(askpass, '#!/bin/sh\nprintf "%s\\n" "$SALLYPORT_TEST_SECRET"\n');
    chmodSync(askpass, 0o700);
    writeFileSync(
      join(this.folder, 'config'),
      [
        'Host *',
        `  Port ${port}`,
        `  UserKnownHostsFile ${join(this.folder, 'known_hosts')}`,
        '  GlobalKnownHostsFile /dev/null',
        '  StrictHostKeyChecking yes',
        '  IdentityFile none',
        '  IdentityAgent none',
        '  NumberOfPasswordPrompts 1',
        '  PreferredAuthentications password',
        '',
      ].join('\n'),
    );
  }

  env(secret: string): NodeJS.ProcessEnv {
    return {
      PATH: process.env['PATH'],
      HOME: this.folder,
      LANG: 'C.UTF-8',
      SSH_ASKPASS: join(this.folder, 'askpass'),
      SSH_ASKPASS_REQUIRE: 'force',
      SALLYPORT_TEST_SECRET: secret,
    };
  }

  get configFile(): string {
    return join(this.folder, 'config');
  }

  spawn(secret: string, args: readonly string[], command = 'ssh'): ChildProcessWithoutNullStreams {
    return spawn(command, ['-F', this.configFile, ...args], { env: this.env(secret), cwd: this.folder });
  }

  /** Runs ssh, scp, sftp to its end. */
  async run(
    secret: string,
    args: readonly string[],
    { command = 'ssh', input = '' }: { readonly command?: string; readonly input?: string | Buffer } = {},
  ): Promise<SshResult> {
    const child = this.spawn(secret, args, command);
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    const closed = once(child, 'close');
    const [bytes, err] = await Promise.all([buffer(child.stdout), buffer(child.stderr)]);
    await closed;
    return { status: child.exitCode ?? -1, out: bytes.toString(), err: err.toString(), bytes };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
