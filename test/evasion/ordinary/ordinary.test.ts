import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  bind,
  describe as describeNamed,
  execute,
  parse,
  query,
  sync,
} from '@sallyport/shared/wire/postgres/frontend.ts';
import { psql } from '../../harness/psql.ts';
import { errorOf, type Message, WireClient } from '../../harness/wire-client.ts';
import { Stage } from '../stage.ts';
import { secrets } from '../worlds.ts';
import { type OrdinaryStatement, type OrdinaryTool, parametersOf, sqlOf } from './ordinary.ts';

const tools = await Promise.all(
  readdirSync(import.meta.dirname)
    .filter((file) => file.endsWith('.ts') && !file.startsWith('ordinary'))
    .sort()
    .map(async (file): Promise<OrdinaryTool> => {
      const module: Record<string, unknown> = await import(join(import.meta.dirname, file));
      return Object.values(module)[0] as OrdinaryTool;
    }),
);

const forms = {
  simple: (statement: OrdinaryStatement) => [query(sqlOf(statement))],
  extended: (statement: OrdinaryStatement) => [
    parse('', sqlOf(statement)),
    bind({ parameters: parametersOf(statement).map((value) => (value === null ? null : Buffer.from(value))) }),
    describeNamed('portal'),
    execute(),
    sync(),
  ],
} as const;

/** Nothing of it comes from what is protected, so that the rows must be the target's own. */
const mentions = new RegExp(
  `people|staff|events|keyed|made|big|pg_|\\bnow\\(|random|\\b(?:${secrets.map(({ column }) => column).join('|')})\\b|explain|fetch|execute|nextval`,
  'i',
);

const commands = [
  ...[
    '',
    '+',
    ' people',
    '+ people',
    ' orders',
    '+ people_view',
    '+ events',
    ' events_low',
    ' people_stored',
    '+ made',
    ' keyed',
    ' staff',
    ' poke_id_seq',
    ' people_n',
  ],
  ...[
    't',
    't+',
    'i+',
    'v+',
    'm',
    's',
    'E',
    'f',
    'f+',
    'n+',
    'p',
    'u+',
    'T+',
    'x',
    'x+ dblink',
    'D',
    'y',
    'et',
    'ew',
    'es',
    'eu',
    'Rp',
    'Rs',
    'A',
    'Ac',
    'Af',
    'Ao',
    'Ap',
  ],
  ...['a', 'b', 'c', 'C', 'd', 'dp', 'F', 'Fd', 'Fp', 'Ft', 'L', 'o', 'O', 'P', 'rds', 'X', 'tS pg_class'],
].map((rest) => `\\d${rest}`);
const others = [
  '\\l',
  '\\z',
  '\\sf whisper',
  '\\sf+ shout',
  '\\sv people_view',
  '\\encoding',
  '\\dconfig work_mem',
  '\\dti public.*',
];

describe('ordinary work is not refused', () => {
  let stage: Stage;
  const total = { statements: 0, refused: 0 };
  before(async () => {
    stage = await Stage.start();
  });
  after(() => stage.stop());

  for (const tool of tools) {
    for (const [form, messages] of Object.entries(forms)) {
      it(`${tool.name}, as ${form} queries`, async () => {
        const { settings = {} } = tool;
        const asked = tool.statements.filter((one) => form === 'extended' || typeof one === 'string');
        const there = await all(
          await WireClient.open({ port: stage.port('east'), database: 'postgres', user: 'postgres', settings }),
          asked.map(messages),
        );
        const here = await all(await stage.client('east', settings), asked.map(messages));
        const wrong: string[] = [];
        for (const [i, statement] of asked.entries()) {
          total.statements += 1;
          const [shown = [], stored = []] = [here[i], there[i]];
          const error = shown.length === 0 ? 'the session was over' : errorOf(shown);
          if (errorOf(stored) !== undefined) continue;
          if (error !== undefined) {
            total.refused += 1;
            wrong.push(`${sqlOf(statement)}: ${error}`);
          } else if (!mentions.test(sqlOf(statement)) && !rowsOf(shown).equals(rowsOf(stored))) {
            wrong.push(`${sqlOf(statement)}: other rows than the target's: ${rowsOf(shown)} / ${rowsOf(stored)}`);
          }
        }
        assert.deepEqual(wrong, []);
      });
    }
  }

  it('psql describes everything as it does at the target', async () => {
    const wrong: string[] = [];
    const there = `host=127.0.0.1 port=${stage.port('east')} dbname=postgres user=postgres`;
    for (const command of [...commands, ...others]) {
      total.statements += 1;
      const [through, direct] = await Promise.all([
        psql(stage.stack.conninfo('east'), command, { password: stage.login.password }),
        psql(there, command),
      ]);
      if (through.out === direct.out && through.err.replaceAll('…', '') === direct.err.replaceAll('…', '')) continue;
      total.refused += 1;
      wrong.push(`${command}: ${through.err === '' ? 'another output' : through.err.trim()}`);
    }
    assert.deepEqual(wrong, []);
  });

  it('the figures', () => {
    console.log(
      `ordinary work: ${tools.length} tools, ${total.statements} statements and commands, ${total.refused} false refusals`,
    );
    assert.ok(total.statements > 0);
  });
});

/** The answers to each, in one transaction; one that failed is begun anew. */
async function all(client: WireClient, asked: readonly (readonly Buffer[])[]): Promise<Message[][]> {
  const answers: Message[][] = [];
  await client.ask(query('begin'));
  for (const messages of asked) {
    const answer = await client.ask(...messages);
    if (errorOf(answer) !== undefined) await client.ask(query('rollback; begin'));
    answers.push(answer);
  }
  await client.end();
  return answers;
}

const rowsOf = (messages: readonly Message[]): Buffer =>
  Buffer.concat(messages.filter(({ type }) => type === 'D' || type === 'd').map(({ body }) => body));
