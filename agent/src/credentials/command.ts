import { type ChildProcess, spawn } from 'node:child_process';
import { isAbsolute } from 'node:path';
import { commandWords } from './command-words.ts';
import { textOf } from './reference.ts';
import { type Environment, SecretMissing, type SecretSource } from './source.ts';

const LARGEST_OUTPUT_BYTES = 64 * 1024;
/** What a program gets of the agent's environment, which holds other targets' secrets. */
const passed = ['HOME', 'USER', 'LANG', 'TZ', 'TMPDIR'];
const usualPath = '/usr/local/bin:/usr/bin:/bin';

/**
 * `command:/abs/program arg…`: what a program writes, without its last line break. No shell. Only programs that the
 * agent's operator lists in SALLYPORT_COMMANDS (absolute paths, `:` between them) are run, because references come from
 * the gateway; SALLYPORT_COMMAND_ENV lists further variables to pass on.
 */
export function commandSource(environment: Environment, timeoutMs = 10_000): SecretSource {
  const allowed = new Set((environment['SALLYPORT_COMMANDS'] ?? '').split(':').filter((path) => path !== ''));
  const names = [...passed, ...(environment['SALLYPORT_COMMAND_ENV'] ?? '').split(',')];
  const given = names.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]] as const]));
  const env: Record<string, string> = { PATH: usualPath, ...Object.fromEntries(given) };

  return {
    shown: programOf,
    async secret(line, signal) {
      const [program = '', ...args] = commandWords(line);
      if (!isAbsolute(program)) throw new SecretMissing('the program’s path must be absolute');
      if (!allowed.has(program)) {
        throw new SecretMissing(
          'this agent does not run that program; its operator allows it by the path in SALLYPORT_COMMANDS',
        );
      }
      const limit = AbortSignal.timeout(timeoutMs);
      const text = textOf(await output(program, args, env, AbortSignal.any([signal, limit]), limit));
      const secret = text.replace(/\r?\n$/, '');
      if (secret === '') throw new SecretMissing('the program wrote nothing');
      return secret;
    },
  };

  function output(
    program: string,
    args: readonly string[],
    env: Record<string, string>,
    signal: AbortSignal,
    limit: AbortSignal,
  ): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(new SecretMissing('the attempt was given up before the program started'));
      // A group of its own, so that what the program started ends with it.
      const child = spawn(program, args, { cwd: '/', env, detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
      const chunks: Buffer[] = [];
      let lengthBytes = 0;
      const stop = (why: string) => {
        kill(child);
        child.stdout.destroy();
        settle(() => reject(new SecretMissing(why)));
      };
      const giveUp = () =>
        stop(limit.aborted ? `the program took more than ${timeoutMs} ms` : 'the attempt was given up before it ended');
      const settle = (act: () => void) => {
        signal.removeEventListener('abort', giveUp);
        act();
      };
      signal.addEventListener('abort', giveUp, { once: true });
      child.stdout.on('data', (chunk: Buffer) => {
        lengthBytes += chunk.length;
        if (lengthBytes <= LARGEST_OUTPUT_BYTES) chunks.push(chunk);
        else stop(`the program wrote more than ${LARGEST_OUTPUT_BYTES} bytes`);
      });
      child.once('error', (error) => settle(() => reject(new SecretMissing(startReason(error)))));
      child.once('close', (status, by) =>
        settle(() => {
          if (status === 0) resolve(Buffer.concat(chunks));
          else reject(new SecretMissing(endReason(status, by)));
        }),
      );
    });
  }
}

/** Arguments are not shown: people put into them what they should not. */
function programOf(line: string): string {
  return /^\/[^\s'"]*/.exec(line)?.[0] ?? '…';
}

function kill({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

function startReason({ code }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT') return 'there is no such program';
  if (code === 'EACCES') return 'the agent’s user may not run the program';
  return `the program cannot be started (${code ?? 'unknown reason'})`;
}

const endReason = (status: number | null, by: NodeJS.Signals | null): string =>
  `the program ${status === null ? `was ended by ${by}` : `ended with status ${status}`}; run it by hand as the agent’s user to see why`;
