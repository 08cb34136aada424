import { timestampDate } from '@bufbuild/protobuf/wkt';
import { type Token, TokenSchema } from '@sallyport/proto/api/v1/identity_pb';
import type { Command } from 'commander';
import { usage } from '../failures.ts';
import { nameOf } from '../output/parties.ts';
import { clockTime, durationOf, fromNow } from '../output/times.ts';
import type { Run } from '../session.ts';
import type { TableColumn } from '../terminal/table.ts';
import { minted } from './identity.ts';

interface TokenOptions {
  readonly connection?: string;
  readonly ttl?: string;
  readonly for?: string;
  readonly label?: string;
  readonly from?: readonly string[];
}

const columns: readonly TableColumn<Token>[] = [
  { title: 'id', of: ({ id }) => id },
  {
    title: 'principal',
    of: ({ principal }) => (principal?.actor === undefined ? (principal?.id ?? '') : nameOf(principal)),
  },
  { title: 'connection', of: ({ connection }) => connection || 'any' },
  { title: 'state', of: stateOf },
  { title: 'issued', of: ({ issuedAt }) => clockTime(issuedAt) },
  { title: 'expires', of: ({ expiresAt }) => fromNow(expiresAt) },
  { title: 'from', of: ({ from }) => from.join(' and ') || 'anywhere' },
  { title: 'label', of: ({ label }) => label },
];

/** `token [CONNECTION]`, `tokens list|revoke`. */
export function addTokens(program: Command, run: Run): void {
  program
    .command('token [connection]')
    .description('print a fresh token and nothing else: PGPASSWORD=$(sallyport token prod-db) psql …')
    .option('--connection <name>', 'the only connection that it opens')
    .option('--ttl <time>', 'how long it lives: 15m, 8h')
    .option('--for <principal>', 'service:NAME or user:NAME, as an administrator')
    .option('--label <text>', 'what it is for, in the listing')
    .option('--from <ranges>', 'the addresses that it is bound to: 10.0.0.0/8,2001:db8::/32', listOf, [])
    .action((name: string | undefined, options: TokenOptions, command: Command) => mint(run, name, options, command));
  const tokens = program.command('tokens').description('the tokens that there are');
  tokens
    .command('list', { isDefault: true })
    .description('your tokens; never their secrets')
    .option('--all', "everybody's, as an administrator or auditor")
    .option('-o, --output <format>', 'table, json or yaml', 'table')
    .action(async ({ all = false, output }: { all?: boolean; output: string }, command: Command) => {
      const found = await run.awaited('asking', (await run.api(command)).identity.listTokens({ all }));
      await run.list(output, TokenSchema, found.tokens, columns, 'there are no tokens');
    });
  tokens
    .command('revoke <id>')
    .description('end a token at once, and the sessions opened with it')
    .action(async (id: string, _: unknown, command: Command) => {
      await run.awaited('revoking', (await run.api(command)).identity.revokeToken({ id }));
      run.note(`${id} is revoked`);
    });
}

async function mint(run: Run, name: string | undefined, options: TokenOptions, command: Command): Promise<void> {
  if (name !== undefined && options.connection !== undefined) throw usage('the connection is named twice');
  const connection = name ?? options.connection ?? '';
  const life = options.ttl === undefined ? {} : { ttl: durationOf(options.ttl) };
  const order = {
    connection,
    label: options.label ?? '',
    from: [...(options.from ?? [])],
    for: whomFor(options.for),
    ...life,
  };
  const answer = await run.awaited('asking for a token', (await run.api(command)).identity.mintToken(order));
  const { secret, expiresAt } = minted(answer.token);
  await run.out.write(`${secret}\n`);
  if (life.ttl === undefined) return;
  const cutMs = Number(life.ttl.seconds) * 1000 - (timestampDate(expiresAt).getTime() - Date.now());
  if (cutMs > 60_000)
    run.note(`it lives until ${clockTime(expiresAt)} only: no longer than your own sign-in (sallyport login --ttl)`);
}

function whomFor(text: string | undefined) {
  if (text === undefined) return { case: undefined };
  const [, kind, value = ''] = /^(user|service):(.+)$/.exec(text) ?? [];
  if (kind === undefined) throw usage(`"${text}" names nobody`, 'Such as: service:ci, user:alice');
  return kind === 'user' ? ({ case: 'user', value } as const) : ({ case: 'serviceAccount', value } as const);
}

/** Options may come more than once, each with several. */
const listOf = (text: string, before: readonly string[]): string[] => [
  ...before,
  ...text.split(',').filter((part) => part !== ''),
];

function stateOf({ revokedAt, expiresAt }: Token): string {
  if (revokedAt !== undefined) return 'revoked';
  return expiresAt !== undefined && timestampDate(expiresAt).getTime() <= Date.now() ? 'expired' : 'valid';
}
