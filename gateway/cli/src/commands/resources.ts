import { AppliedResourceSchema, Outcome, type Resource, ResourceSchema } from '@sallyport/proto/api/v1/resources_pb';
import type { Command } from 'commander';
import { stringify } from 'yaml';
import { Failure } from '../failures.ts';
import { documentsAt } from '../output/documents.ts';
import { formatOf, plainOf, written } from '../output/format.ts';
import { clockTime } from '../output/times.ts';
import type { Run } from '../session.ts';
import { visible, visibleLines } from '../terminal/escape.ts';
import type { TableColumn } from '../terminal/table.ts';

const kinds = [
  'Connection',
  'Rule',
  'Mask',
  'User',
  'ServiceAccount',
  'IdentityProvider',
  'WorkloadIdentity',
  'Notifier',
];

const columns: readonly TableColumn<Resource>[] = [
  { title: 'kind', of: ({ kind }) => kind },
  { title: 'name', of: ({ name }) => name },
  { title: 'changed', of: ({ updatedAt }) => clockTime(updatedAt) },
  { title: 'spec', of: ({ spec }) => JSON.stringify(spec ?? {}) },
];

interface ApplyOptions {
  readonly file: readonly string[];
  readonly dryRun?: boolean;
  readonly output: string;
}

/** `apply -f`, `get`, `delete`. */
export function addResources(program: Command, run: Run): void {
  program
    .command('apply')
    .description('make the gateway’s resources as the files say: all or nothing')
    .requiredOption('-f, --file <path...>', 'YAML files or folders of them; - is standard input')
    .option('--dry-run', 'check and say what would change')
    .option('-o, --output <format>', 'table, json or yaml', 'table')
    .action((options: ApplyOptions, command: Command) => apply(run, options, command));
  program
    .command('get <kind> [name]')
    .description(`show resources: ${kinds.join(', ')}, all`)
    .option('-o, --output <format>', 'table, json or yaml', 'table')
    .action((kind: string, name: string | undefined, { output }: { output: string }, command: Command) =>
      get(run, kindOf(kind), name, output, command),
    );
  program
    .command('delete <kind> <name>')
    .description('delete a resource')
    .action(async (kind: string, name: string, _: unknown, command: Command) => {
      const { resources } = await run.api(command);
      await run.awaited('deleting', resources.deleteResource({ kind: kindOf(kind), name }));
      run.note(`${kindOf(kind)} ${name} is deleted`);
    });
}

async function apply(run: Run, { file, dryRun = false, output }: ApplyOptions, command: Command): Promise<void> {
  const format = formatOf(output);
  const { resources } = await run.api(command);
  const documents = await documentsAt(file);
  const answer = await run.awaited('applying', resources.applyResources({ documents, dryRun }));
  if (format !== 'table') {
    return run.out.write(
      written(
        answer.resources.map((each) => plainOf(AppliedResourceSchema, each)),
        format,
      ),
    );
  }
  const would = dryRun ? ' (dry run)' : '';
  for (const { kind, name, outcome } of answer.resources) {
    await run.out.write(visible(`${kind} ${name} ${(Outcome[outcome] ?? '').toLowerCase()}${would}`).concat('\n'));
  }
}

async function get(run: Run, kind: string, name: string | undefined, output: string, command: Command): Promise<void> {
  const { resources } = await run.api(command);
  if (name === undefined) {
    const found = await run.awaited('asking', resources.listResources({ kind }));
    return run.list(output, ResourceSchema, found.resources, columns, 'there are none');
  }
  const { resource } = await run.awaited('asking', resources.getResource({ kind, name }));
  if (resource === undefined) throw new Failure('the gateway answered without a resource');
  const format = formatOf(output);
  if (format !== 'table') return run.out.write(written(plainOf(ResourceSchema, resource), format));
  // As it would be written, so that it can be changed and applied again.
  const document = { kind: resource.kind, name: resource.name, spec: resource.spec ?? {} };
  return run.out.write(visibleLines(stringify(document, { lineWidth: 0 })));
}

/** `connections`, `rule`, `service-accounts` as people write them; empty for all. */
function kindOf(text: string): string {
  const bare = (word: string): string => word.toLowerCase().replaceAll(/[-_]/g, '');
  if (bare(text) === 'all') return '';
  const plural = (kind: string): string => (kind.endsWith('y') ? `${kind.slice(0, -1)}ies` : `${kind}s`);
  return kinds.find((kind) => [bare(kind), bare(plural(kind))].includes(bare(text))) ?? text;
}
