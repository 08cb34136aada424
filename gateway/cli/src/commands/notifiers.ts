import { type Notifier, NotifierSchema } from '@sallyport/proto/api/v1/notifiers_pb';
import type { Command } from 'commander';
import { exits } from '../failures.ts';
import { fromNow } from '../output/times.ts';
import type { Run } from '../session.ts';
import { visible } from '../terminal/escape.ts';
import type { TableColumn } from '../terminal/table.ts';

const columns: readonly TableColumn<Notifier>[] = [
  { title: 'name', of: ({ name }) => name },
  { title: 'kind', of: ({ kind }) => kind },
  { title: 'sent', of: ({ sent }) => String(sent) },
  { title: 'waiting', of: ({ pending }) => String(pending) },
  { title: 'lost', of: ({ lost }) => String(lost) },
  { title: 'last sent', of: ({ lastSentAt }) => fromNow(lastSentAt) },
  { title: 'problem', of: ({ problem }) => problem },
];

/** `notifiers [list|test]`. */
export function addNotifiers(program: Command, run: Run): void {
  const notifiers = program.command('notifiers').description('who is told of approvals and events');
  notifiers
    .command('list', { isDefault: true })
    .description('notifiers, and whether they work')
    .option('-o, --output <format>', 'table, json or yaml', 'table')
    .action(async ({ output }: { output: string }, command: Command) => {
      const found = await run.awaited('asking', (await run.api(command)).notifiers.listNotifiers({}));
      const hint = 'there is no notifier: apply one of kind Notifier (docs/notifications.md)';
      await run.list(output, NotifierSchema, found.notifiers, columns, hint);
    });
  notifiers
    .command('test <name>')
    .description('send a sample and see whether it is taken')
    .action(async (name: string, _: unknown, command: Command) => {
      const answer = await run.awaited('sending', (await run.api(command)).notifiers.testNotifier({ name }));
      if (answer.delivered) return run.note(`${name} took it`);
      run.note(`${name} did not take it: ${visible(answer.problem)}`);
      run.exitCode = exits.failed;
    });
}
