import { type Agent, AgentSchema, CreateJoinTokenResponseSchema } from '@sallyport/proto/api/v1/agents_pb';
import type { Command } from 'commander';
import { formatOf, plainOf, written } from '../output/format.ts';
import { clockTime, durationOf, fromNow } from '../output/times.ts';
import type { Run } from '../session.ts';
import { visible } from '../terminal/escape.ts';
import type { TableColumn } from '../terminal/table.ts';

const columns: readonly TableColumn<Agent>[] = [
  { title: 'name', of: ({ name }) => name },
  { title: 'state', of: ({ online }) => (online ? 'online' : 'away') },
  { title: 'since', of: ({ since }) => fromNow(since) },
  { title: 'address', of: ({ address }) => address },
  { title: 'exchanges', of: ({ exchanges }) => String(exchanges), align: 'right' },
  { title: 'version', of: ({ version }) => version },
  {
    title: 'labels',
    of: ({ labels }) =>
      Object.entries(labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(' '),
  },
];

interface JoinOptions {
  readonly ttl?: string;
  readonly output: string;
}

/** `agents list|join-token|remove`. */
export function addAgents(program: Command, run: Run): void {
  const agents = program.command('agents').description('the agents that dialled out to the gateway');
  agents
    .command('list', { isDefault: true })
    .description('who is there')
    .option('-o, --output <format>', 'table, json or yaml', 'table')
    .action(async ({ output }: { output: string }, command: Command) => {
      const found = await run.awaited('asking', (await run.api(command)).agents.listAgents({}));
      await run.list(
        output,
        AgentSchema,
        found.agents,
        columns,
        'no agent has enrolled; make it a token with: sallyport agents join-token NAME',
      );
    });
  agents
    .command('join-token <name>')
    .description('a one-time token with which an agent enrols')
    .option('--ttl <time>', 'how long it may be used: 1h')
    .option('-o, --output <format>', 'table, json or yaml', 'table')
    .action((name: string, options: JoinOptions, command: Command) => joinToken(run, name, options, command));
  agents
    .command('remove <name>')
    .description('forget an agent’s key and end its tunnel')
    .action(async (name: string, _: unknown, command: Command) => {
      await run.awaited('removing', (await run.api(command)).agents.removeAgent({ name }));
      run.note(`agent ${name} is removed`);
    });
}

/** The token alone on standard output; how to use it beside that. */
async function joinToken(run: Run, name: string, { ttl, output }: JoinOptions, command: Command): Promise<void> {
  const format = formatOf(output);
  const life = ttl === undefined ? {} : { ttl: durationOf(ttl) };
  const answer = await run.awaited('asking', (await run.api(command)).agents.createJoinToken({ name, ...life }));
  if (format !== 'table') return run.out.write(written(plainOf(CreateJoinTokenResponseSchema, answer), format));
  await run.out.write(`${visible(answer.token)}\n`);
  run.note(`good once, until ${clockTime(answer.expiresAt)}`);
  if (answer.command !== '') run.note(`start the agent with: ${answer.command}`);
}
