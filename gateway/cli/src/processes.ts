import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Failure } from './failures.ts';

/** Where a process' code is: what was built beside this file, else the checkout's source. */
const places = {
  gateway: ['../../../dist/gateway.mjs', '../../dist/gateway.mjs', '../../src/main.ts'],
  agent: ['../../../dist/agent.mjs', '../../../agent/dist/agent.mjs', '../../../agent/src/main.ts'],
} as const;

export type ProcessName = keyof typeof places;

/** @throws Failure where it was not installed. */
export function findProcess(name: ProcessName, exists: (path: string) => boolean = existsSync): string {
  const found = places[name].map((place) => fileURLToPath(new URL(place, import.meta.url))).find(exists);
  if (found !== undefined) return found;
  throw new Failure(`the ${name} is not part of this installation`, {
    hint: 'Install the whole of Sallyport, or use its image.',
  });
}

/** What Node is to be told when it runs that file: the package of the process says so, and docs/decisions/memory.md why. */
export function nodeFlags(file: string): readonly string[] {
  const described = new URL('../package.json', pathToFileURL(file));
  if (!existsSync(described)) return [];
  const { sallyport } = JSON.parse(readFileSync(described, 'utf8')) as { sallyport?: { nodeFlags?: string[] } };
  return sallyport?.nodeFlags ?? [];
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Runs it in the foreground until it ends; resolves to what it ended with. */
export function runProcess(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const child = spawn(command, args, { stdio: 'inherit', env });
  // A terminal sends Ctrl-C to both; passing it on as well would count as the impatient second one.
  const handlers = signals.map((signal) => {
    const pass = (): void => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    };
    process.on(signal, pass);
    return () => process.off(signal, pass);
  });
  return new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  }).finally(() => {
    for (const remove of handlers) remove();
  });
}
