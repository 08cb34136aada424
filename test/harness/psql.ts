import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

export interface PsqlResult {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the stock psql, unaligned, without the person's own settings; `script` goes in by standard input. */
export async function psql(
  conninfo: string,
  script: string,
  options: { password?: string; args?: readonly string[]; signal?: AbortSignal } = {},
): Promise<PsqlResult> {
  const env = {
    PATH: process.env['PATH'],
    LC_ALL: 'C.UTF-8',
    PGPASSWORD: options.password ?? '',
    PGCONNECT_TIMEOUT: '10',
  };
  const child = spawn('psql', ['-X', '-A', '-t', '-w', ...(options.args ?? []), conninfo], { env });
  const closed = once(child, 'close');
  // The right way to interrupt psql is Ctrl-C.
  options.signal?.addEventListener('abort', () => child.kill('SIGINT'), { once: true });
  child.stdin.end(script);
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  await closed;
  return { status: child.exitCode ?? -1, out, err };
}
