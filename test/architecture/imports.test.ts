import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, it } from 'node:test';

const root = join(import.meta.dirname, '../..');

/** Floors, lowest first; a file may import its own room and whatever lies on a lower floor. */
const floors: readonly (readonly string[])[] = [
  ['proto'],
  ['shared'],
  ['gateway/protocols', 'gateway/outbound'],
  [
    'gateway/policy',
    'gateway/masking',
    'gateway/identity',
    'gateway/approvals',
    'gateway/recording',
    'gateway/audit',
    'gateway/store',
    'gateway/agents',
    'gateway/notifications',
    'gateway/metrics',
    'gateway/config',
  ],
  ['gateway/sessions'],
  ['gateway/listeners', 'gateway/api'],
  ['gateway/wiring', 'gateway/log'],
  ['gateway/gateway'],
  ['gateway/main'],
];

/** Workspaces beside the gateway and what each may use. */
const outside: Readonly<Record<string, readonly string[]>> = {
  agent: ['shared', 'proto'],
  cli: ['proto'],
  console: ['proto'],
};

interface Import {
  readonly from: string;
  readonly to: string;
}

function roomOf(file: string): string {
  if (file.startsWith('@sallyport/')) return file.split('/')[1] ?? '';
  const [workspace, next, third] = file.split('/');
  if (workspace !== 'gateway') return workspace ?? '';
  if (next === 'cli' || next === 'console') return next;
  return `gateway/${(third ?? '').replace(/\.ts$/, '')}`;
}

function importsOf(file: string, source: string): Import[] {
  const found = source.matchAll(/(?:^|\n)\s*(?:import|export)[^'"]*?from\s+'([^']+)'|import\('([^']+)'\)/g);
  return [...found]
    .map((match) => match[1] ?? match[2] ?? '')
    .map((to) => ({ from: file, to: to.startsWith('.') ? normalize(join(dirname(file), to)) : to }));
}

/** Why an import may not be, or undefined when it may. */
function complaint({ from, to }: Import): string | undefined {
  const [source, target] = [roomOf(from), roomOf(to)];
  if (to === 'nats' && from !== 'gateway/src/audit/publisher.ts')
    return 'only gateway/src/audit/publisher.ts knows NATS';
  const known = to.startsWith('@sallyport/') || /^(gateway|agent|shared|proto)\//.test(to);
  if (!known || source === target) return betweenProtocols(from, to);
  const allowed = outside[source];
  if (allowed !== undefined)
    return allowed.includes(target) ? undefined : `${source} may import ${allowed.join(', ')} only`;
  if (source === 'gateway/protocols' && target !== 'shared') return 'protocols import shared and protocol.ts only';
  const level = (room: string) => floors.findIndex((floor) => floor.includes(room));
  if (level(source) < 0 || level(target) < 0) return `no floor is known for ${level(source) < 0 ? source : target}`;
  return level(target) < level(source) ? undefined : `${target} does not lie below ${source}`;
}

function betweenProtocols(from: string, to: string): string | undefined {
  const [a, b] = [from, to].map((file) => /^gateway\/src\/protocols\/([^/]+)\//.exec(file)?.[1]);
  // Kubernetes is spoken over HTTP: a dialect of its engine.
  if (a === 'kubernetes' && b === 'http') return undefined;
  return a !== undefined && b !== undefined && a !== b ? 'protocols never import each other' : undefined;
}

describe('imports go down only', () => {
  it('in every source file', () => {
    const files = globSync(
      ['shared/src/**/*.ts', 'gateway/src/**/*.ts', 'gateway/cli/src/**/*.ts', 'agent/src/**/*.ts'],
      {
        cwd: root,
      },
    ).filter((file) => !file.endsWith('.test.ts'));
    assert.ok(files.length > 5, 'the sources were found');
    const complaints = files
      .flatMap((file) => importsOf(file, readFileSync(join(root, file), 'utf8')))
      .map((each) => ({ ...each, why: complaint(each) }))
      .filter(({ why }) => why !== undefined);
    assert.deepEqual(complaints, []);
  });

  for (const [from, to] of [
    ['shared/src/wire/a.ts', '../../../gateway/src/policy/rules.ts'],
    ['gateway/src/policy/rules.ts', '../masking/masks.ts'],
    ['gateway/src/protocols/ssh/lens.ts', '../postgres/lens.ts'],
    ['gateway/src/protocols/postgres/lens.ts', '../../sessions/relay.ts'],
    ['agent/src/main.ts', '../../gateway/src/main.ts'],
    ['gateway/cli/src/main.ts', '@sallyport/shared/errors/errors.ts'],
    ['gateway/src/sessions/session.ts', 'nats'],
  ] as const) {
    it(`and ${from} may not import ${to}`, () => {
      const [found] = importsOf(from, `import { x } from '${to}';\n`);
      assert.ok(found && complaint(found) !== undefined);
    });
  }
});
