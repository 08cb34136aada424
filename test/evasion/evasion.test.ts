import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { query } from '@sallyport/shared/wire/postgres/frontend.ts';
import type { AttemptClass } from './attempt.ts';
import { attemptsOf, saidBy, titleOf, tried } from './run.ts';
import { formCount, search } from './search.ts';
import { Stage } from './stage.ts';

const folder = join(import.meta.dirname, 'attempts');
const only = process.env['EVASION_CLASS'];
const classes = await Promise.all(
  readdirSync(folder)
    .filter((file) => file.endsWith('.ts'))
    .sort()
    .map(async (file): Promise<AttemptClass> => {
      const module: Record<string, unknown> = await import(join(folder, file));
      const found = Object.values(module).find(
        (value) => typeof value === 'object' && value !== null && 'attempts' in value,
      );
      assert.ok(found !== undefined, `${file} has no class of attempts`);
      return found as AttemptClass;
    }),
);

describe('PostgreSQL enforcement cannot be talked around', () => {
  let stage: Stage;
  const total = { attempts: 0, runs: 0, refused: 0, faults: 0 };
  before(async () => {
    stage = await Stage.start();
  });
  after(() => stage.stop());

  for (const one of classes.filter(({ name }) => only === undefined || name === only)) {
    describe(one.name, () => {
      for (const attempt of attemptsOf(one)) {
        it(`${titleOf(attempt)} → ${attempt.expect ?? (one.against === 'ledger' ? 'refused' : 'silent')}`, async () => {
          const outcomes = await tried(stage, one.against, attempt);
          total.attempts += 1;
          total.runs += outcomes.length;
          total.refused += outcomes.filter(({ refused }) => refused).length;
          const faults = outcomes.flatMap(({ way, faults: wrong }) => wrong.map((what) => `${way}: ${what}`));
          total.faults += faults.length > 0 ? 1 : 0;
          assert.deepEqual(faults, []);
        });
      }
    });
  }

  it('nothing protected was written down or published', () => {
    const said = Buffer.concat(classes.flatMap((one) => attemptsOf(one).map(saidBy)));
    assert.deepEqual(stage.written(said), []);
    assert.ok(stage.heard > 0, 'NATS carried nothing');
  });

  it('who is excepted sees the values, so that the search can find something', async () => {
    const client = await stage.excepted('east');
    await client.ask(query('select * from people'), query('select u, n, i, b, d, ts, f from people'));
    const seen = new Set(search(client.received).map((name) => name.split(' ')[0]));
    for (const column of [
      't',
      'v',
      'i',
      'b',
      'n',
      'f',
      'd',
      'ts',
      'u',
      'j',
      'jb',
      'a',
      'ia',
      'dom',
      'raw',
      'co',
      'ip',
      'r',
    ])
      assert.ok(seen.has(column), column);
    await client.end();
  });

  it('the figures', () => {
    console.log(
      `evasion: ${classes.length} classes, ${total.attempts} attempts in ${total.runs} runs, ${total.refused} refused, ` +
        `${formCount} forms searched for, ${total.faults} attempts with a leak, a difference or a wrong outcome`,
    );
    assert.ok(total.attempts > 0);
  });
});
