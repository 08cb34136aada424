import type { Command } from 'commander';
import { findProcess, nodeFlags, type ProcessName, runProcess } from '../processes.ts';
import type { Run } from '../session.ts';

/** `gateway` and `agent`: everything behind the word is the process' own. */
export function addProcesses(program: Command, run: Run): void {
  const add = (name: ProcessName, description: string): void => {
    program
      .command(`${name} [args...]`)
      .description(description)
      .allowUnknownOption()
      .passThroughOptions()
      .helpOption(false)
      .action(async (args: readonly string[]) => {
        const file = findProcess(name);
        run.exitCode = await runProcess(process.execPath, [...nodeFlags(file), file, ...args], run.env);
      });
  };
  add('gateway', 'start a gateway in the foreground');
  add('agent', 'start an agent in the foreground');
}
