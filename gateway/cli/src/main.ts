import { Command, CommanderError } from 'commander';
import { addAgents } from './commands/agents.ts';
import { addApprovals } from './commands/approvals.ts';
import { addAudit } from './commands/audit.ts';
import { addCompletion } from './commands/completion.ts';
import { addConnect } from './commands/connect.ts';
import { addGrants } from './commands/grants.ts';
import { addIdentity } from './commands/identity.ts';
import { addKube } from './commands/kube.ts';
import { addLeases } from './commands/leases.ts';
import { addNotifiers } from './commands/notifiers.ts';
import { addPolicy } from './commands/policy.ts';
import { addProcesses } from './commands/processes.ts';
import { addRequest } from './commands/request.ts';
import { addResources } from './commands/resources.ts';
import { addScim } from './commands/scim.ts';
import { addServiceAccounts } from './commands/service-accounts.ts';
import { addSessions } from './commands/sessions.ts';
import { addSsh } from './commands/ssh.ts';
import { addTokens } from './commands/tokens.ts';
import { exits, failureOf } from './failures.ts';
import { Run } from './session.ts';
import { visible } from './terminal/escape.ts';

/** The whole command line. */
export function commandLine(run: Run): Command {
  const program = new Command('sallyport')
    .description('Reach databases and hosts through a Sallyport gateway.')
    .showSuggestionAfterError()
    .showHelpAfterError('(more with --help)')
    .enablePositionalOptions()
    .exitOverride();
  for (const add of [
    addIdentity,
    addTokens,
    addConnect,
    addKube,
    addSsh,
    addRequest,
    addGrants,
    addResources,
    addAgents,
    addLeases,
    addApprovals,
    addSessions,
    addAudit,
    addNotifiers,
    addPolicy,
    addScim,
    addServiceAccounts,
  ]) {
    add(program, run);
  }
  addWhere(program);
  addProcesses(program, run);
  addCompletion(program, run);
  return program;
}

/** Which gateway may be said before the command's word and behind it. */
function addWhere(command: Command): void {
  command
    .option('--url <url>', 'the gateway (SALLYPORT_URL)')
    .option('--ca <file>', 'PEM of the authority to trust (SALLYPORT_CA)');
  for (const each of command.commands) addWhere(each);
}

/** Runs one command. Resolves to what the process ends with; never rejects. */
export async function main(args: readonly string[]): Promise<number> {
  const run = new Run();
  leaveQuietly(run);
  try {
    await commandLine(run).parseAsync(args, { from: 'user' });
    return run.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exits.ok : exits.usage;
    if (run.stop.signal.aborted) return 130;
    const { message, hint, exitCode } = failureOf(error, run.url);
    const { red, dim } = run.errorStyle;
    process.stderr.write(
      `${red('error:')} ${visible(message)}\n${hint === undefined ? '' : `${dim(visible(hint))}\n`}`,
    );
    return exitCode;
  }
}

/** A reader that has had enough (`| head`) is no error; Ctrl-C ends streams, a second one everything. */
function leaveQuietly(run: Run): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? exits.ok : exits.failed);
  });
  process.once('SIGINT', () => {
    run.stop.abort();
    process.once('SIGINT', () => process.exit(130));
  });
}
