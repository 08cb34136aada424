import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Routines } from './routines.ts';
import { analyse } from './sql/analyse.ts';
import { Parser } from './sql/parser.ts';

const routines = new Routines({
  native: [['random'], ['pg_reload_conf'], ['pg_nobody_knows']],
  functions: [
    ['public', 'touch', 'public.touch'],
    ['public', 'Loud', 'public.Loud'],
    ['audit', 'note', 'audit.note'],
  ],
  operators: [['public', '###', 'public.touch']],
  types: [['public', 'handle', 'public.check_handle']],
  views: [['public', 'touching', 'public.touch']],
});
const parser = await Parser.start();

const calls = (text: string, permitted: readonly string[] = []): boolean =>
  analyse(parser.parse(text)).statements.some((statement) =>
    routines.calls(statement, (name) => permitted.includes(name)),
  );

describe('routines', () => {
  for (const text of [
    'select touch(1)',
    'select public.touch(1)',
    'select "Loud"()',
    'select * from touch(1)',
    'select 1 order by audit.note()',
    'select a ### b from t',
    "select 'x'::handle",
    'select cast(a as public.handle) from t',
    'select * from touching',
    'select t.touch from t',
    'select (t).touch from t',
    'prepare p as select touch(1)',
    'insert into t values (touch(1))',
    'select pg_nobody_knows()',
  ])
    it(`${text} runs one`, () => assert.ok(calls(text)));

  for (const text of [
    'select lower(a), count(*) from t',
    'select random(), now()',
    'select other.touch(1)',
    'select touch from t',
    "select 'x'::text",
    'select a + b from t',
    'select * from other.touching',
    // What it does has an effect of its own.
    'select pg_reload_conf()',
    "select set_config('a.b', 'c', false)",
  ])
    it(`${text} runs none`, () => assert.ok(!calls(text)));

  it('what is permitted counts as none', () => {
    assert.ok(!calls('select touch(1) from touching where a ### b', ['public.touch']));
    assert.ok(calls('select touch(1), audit.note()', ['public.touch']));
  });
});
