import { timestampDate } from '@bufbuild/protobuf/wkt';
import { type DirectoryToken, DirectoryTokenSchema } from '@sallyport/proto/api/v1/directory_pb';
import type { Command } from 'commander';
import { clockTime, durationOf, fromNow } from '../output/times.ts';
import type { Run } from '../session.ts';
import type { TableColumn } from '../terminal/table.ts';

const columns: readonly TableColumn<DirectoryToken>[] = [
  { title: 'id', of: ({ id }) => id },
  { title: 'provider', of: ({ provider }) => provider },
  { title: 'state', of: stateOf },
  { title: 'issued', of: ({ issuedAt }) => clockTime(issuedAt) },
  { title: 'expires', of: ({ expiresAt }) => fromNow(expiresAt) },
  { title: 'label', of: ({ label }) => label },
];

/** `scim token PROVIDER`, `scim tokens`, `scim revoke ID`. */
export function addScim(program: Command, run: Run): void {
  const scim = program.command('scim').description('tokens with which identity providers provision people and groups');
  scim
    .command('token <provider>')
    .description('print a fresh SCIM token of an IdentityProvider, as an administrator')
    .option('--ttl <time>', 'how long it lives: 90d; a year where nothing is said')
    .option('--label <text>', 'what it is for, in the listing')
    .action(async (provider: string, { ttl, label = '' }: { ttl?: string; label?: string }, command: Command) => {
      const life = ttl === undefined ? {} : { ttl: durationOf(ttl) };
      const { directories } = await run.api(command);
      const order = { provider, label, ...life };
      const made = await run.awaited('asking for a token', directories.mintDirectoryToken(order));
      await run.out.write(`${made.secret}\n`);
      run.note(`base URL: ${made.url}; the token lives until ${clockTime(made.expiresAt)} and is shown this once`);
    });
  scim
    .command('tokens [provider]')
    .description('the SCIM tokens that there are; never their secrets')
    .option('-o, --output <format>', 'table, json or yaml', 'table')
    .action(async (provider: string | undefined, { output }: { output: string }, command: Command) => {
      const { directories } = await run.api(command);
      const found = await run.awaited('asking', directories.listDirectoryTokens({ provider: provider ?? '' }));
      await run.list(output, DirectoryTokenSchema, found.tokens, columns, 'there are no SCIM tokens');
    });
  scim
    .command('revoke <id>')
    .description('end a SCIM token at once')
    .action(async (id: string, _: unknown, command: Command) => {
      await run.awaited('revoking', (await run.api(command)).directories.revokeDirectoryToken({ id }));
      run.note(`${id} is revoked`);
    });
}

function stateOf({ revokedAt, expiresAt }: DirectoryToken): string {
  if (revokedAt !== undefined) return 'revoked';
  return expiresAt !== undefined && timestampDate(expiresAt).getTime() <= Date.now() ? 'expired' : 'valid';
}
