import { type Connection, ConnectionSchema } from '@sallyport/proto/api/v1/connections_pb';
import type { Command } from 'commander';
import type { Api } from '../client/api.ts';
import { exits, Failure } from '../failures.ts';
import { formatOf } from '../output/format.ts';
import { runProcess } from '../processes.ts';
import type { Run } from '../session.ts';
import { visible } from '../terminal/escape.ts';
import type { TableColumn } from '../terminal/table.ts';
import { minted } from './identity.ts';

interface ConnectOptions {
  readonly exec?: boolean;
  readonly output: string;
}

const columns: readonly TableColumn<Connection>[] = [
  { title: 'name', of: ({ name }) => name },
  { title: 'protocol', of: ({ protocol }) => protocol },
  { title: 'agent', of: ({ online }) => (online ? 'online' : 'away') },
  { title: 'approval', of: ({ needsApproval }) => (needsApproval ? 'needed' : '') },
  {
    title: 'labels',
    of: ({ labels }) =>
      Object.entries(labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(' '),
  },
];

/** `connect [NAME] [--exec] [-- ARGS]`: what may be reached, and the line that reaches it. */
export function addConnect(program: Command, run: Run): void {
  program
    .command('connect [name] [args...]')
    .description('print the line that reaches a connection, or run it; without a name, what you may reach')
    .option('--exec', 'run the client with a fresh token; arguments behind -- are the client’s')
    .option('-o, --output <format>', 'table, json or yaml', 'table')
    .action(async (name: string | undefined, args: readonly string[], options: ConnectOptions, command: Command) => {
      const api = await run.api(command);
      if (name === undefined) return listAll(run, api, options.output);
      const { connection } = await run.awaited('asking', api.connections.getConnection({ name }));
      if (connection === undefined) throw new Failure('the gateway answered without a connection');
      if (options.exec === true) return execute(run, api, connection, args);
      return show(run, connection, options.output);
    });
}

async function listAll(run: Run, api: Api, output: string): Promise<void> {
  const { connections } = await run.awaited('asking', api.connections.listConnections({}));
  await run.list(
    output,
    ConnectionSchema,
    connections,
    columns,
    'there is nothing that you may reach; ask an administrator for a rule',
  );
}

/** The ready line. */
export async function show(run: Run, connection: Connection, output: string): Promise<void> {
  if (formatOf(output) !== 'table') return run.show(output, ConnectionSchema, connection, []);
  const line = connection.protocol === 'postgres' ? `psql "${conninfo(connection)}"` : connection.command;
  await run.out.write(`${visible(line)}\n`);
  if (connection.protocol === 'http') {
    run.note(`curl asks for the password: it is what "sallyport token ${connection.name}" prints`);
  } else {
    run.note(
      `the password is a token: PGPASSWORD=$(sallyport token ${connection.name}), or run it at once with --exec`,
    );
  }
  if (!connection.online) run.note('its agent is away right now');
}

/** The token is in the client's environment, never among its arguments, where every user of the machine could read it. */
async function execute(run: Run, api: Api, connection: Connection, args: readonly string[]): Promise<void> {
  if (connection.protocol !== 'postgres') {
    throw new Failure(`--exec knows PostgreSQL; ${connection.name} is ${connection.protocol}`, {
      hint: connection.command,
    });
  }
  const answer = await api.identity.mintToken({ connection: connection.name, label: 'connect --exec' });
  const env = { ...run.env, PGPASSWORD: minted(answer.token).secret };
  try {
    run.exitCode = await runProcess('psql', [...args, '-d', conninfo(connection)], env);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new Failure('psql is not installed', {
      hint: 'On Debian: apt install postgresql-client',
      exitCode: exits.failed,
    });
  }
}

/** libpq's keywords (PostgreSQL manual, 34.1.1.1). */
function conninfo({ host, port, name, user, tls }: Connection): string {
  const settings = { host, port: String(port), dbname: name, user, sslmode: tls ? 'require' : 'disable' };
  return Object.entries(settings)
    .map(([key, value]) => `${key}=${quoted(value)}`)
    .join(' ');
}

const quoted = (value: string): string =>
  /^[A-Za-z0-9._:/@%-]+$/.test(value) ? value : `'${value.replace(/['\\]/g, '\\$&')}'`;
