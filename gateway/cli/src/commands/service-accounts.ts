import { SecretConcern, type ServiceSecret, ServiceSecretSchema } from '@sallyport/proto/api/v1/service_accounts_pb';
import type { Command } from 'commander';
import { clockTime, durationOf, fromNow } from '../output/times.ts';
import type { Run } from '../session.ts';
import type { TableColumn } from '../terminal/table.ts';

const columns: readonly TableColumn<ServiceSecret>[] = [
  { title: 'id', of: ({ id }) => id },
  { title: 'service account', of: ({ serviceAccount }) => serviceAccount },
  { title: 'state', of: stateOf },
  {
    title: 'last used',
    of: ({ usedAt, usedFrom }) => (usedAt === undefined ? 'never' : `${fromNow(usedAt)}, ${usedFrom}`),
  },
  { title: 'issued', of: ({ issuedAt }) => clockTime(issuedAt) },
  { title: 'expires', of: ({ expiresAt }) => fromNow(expiresAt) },
  { title: 'label', of: ({ label }) => label },
];

/** `service-account secret create|list|revoke`. */
export function addServiceAccounts(program: Command, run: Run): void {
  const secret = program
    .command('service-account')
    .description('what belongs to service accounts')
    .command('secret')
    .description('long-lived secrets, for pipelines that can do no better; two may overlap, to rotate them');
  secret
    .command('create <name>')
    .description('print a new secret of a service account, this once, as an administrator')
    .option('--ttl <time>', 'how long it lives: 30d; 90 days where nothing is said')
    .option('--label <text>', 'where it is used, in the listing')
    .action(async (name: string, { ttl, label = '' }: { ttl?: string; label?: string }, command: Command) => {
      const { serviceAccounts } = await run.api(command);
      const order = { serviceAccount: name, label, ...(ttl === undefined ? {} : { ttl: durationOf(ttl) }) };
      const made = await run.awaited('asking for a secret', serviceAccounts.createServiceSecret(order));
      await run.out.write(`${made.secret}\n`);
      run.note(`${made.id} lives until ${clockTime(made.expiresAt)}; the secret is not shown again`);
    });
  secret
    .command('list [name]', { isDefault: true })
    .description('the secrets that there are; never the secrets themselves')
    .option('-o, --output <format>', 'table, json or yaml', 'table')
    .action(async (name: string | undefined, { output }: { output: string }, command: Command) => {
      const { serviceAccounts } = await run.api(command);
      const asked = serviceAccounts.listServiceSecrets({ serviceAccount: name ?? '' });
      const { secrets } = await run.awaited('asking', asked);
      await run.list(output, ServiceSecretSchema, secrets, columns, 'there are no secrets');
    });
  secret
    .command('revoke <id>')
    .description('end a secret at once, with the tokens and sessions that came of it')
    .action(async (id: string, _: unknown, command: Command) => {
      const { serviceAccounts } = await run.api(command);
      await run.awaited('revoking', serviceAccounts.revokeServiceSecret({ id }));
      run.note(`${id} is revoked`);
    });
}

function stateOf({ revokedAt, concern }: ServiceSecret): string {
  if (revokedAt !== undefined) return 'revoked';
  if (concern === SecretConcern.EXPIRED) return 'expired';
  if (concern === SecretConcern.EXPIRING) return 'ends soon: make the next one';
  return concern === SecretConcern.UNUSED ? 'unused: revoke it?' : 'valid';
}
