import {
  bind,
  close,
  copyData,
  copyDone,
  copyFail,
  describe,
  execute,
  flush,
  parse,
  query,
  sync,
} from '@sallyport/shared/wire/postgres/frontend.ts';
import type { Random } from '../generated/random.ts';

/** A message of a random sequence; the name is for reading what went wrong. */
export interface Step {
  readonly name: string;
  readonly bytes: Buffer;
  /** ReadyForQuery comes of it, where PostgreSQL is not in the middle of copied data. */
  readonly isRound: boolean;
}

const texts = [
  'select 1 as a',
  'select n, n::text as t from generate_series(1, 5) n',
  'select $1::int as p',
  '',
  ';',
  'select 1; select 2 as b, 3 as c',
  'select 1; select 1/0; select 2',
  'select nothing',
  'not sql',
  'begin',
  'commit',
  'rollback',
  'savepoint s',
  'rollback to s',
  'release s',
  'begin; select 1; commit; select 2',
  'insert into fuzz values (1)',
  'insert into fuzz select n from generate_series(1, 3) n returning id',
  'select count(*) from fuzz',
  'delete from fuzz where id > 1 returning *',
  'update fuzz set id = id + 1',
  'declare c cursor for select n from generate_series(1, 4) n',
  'fetch 2 from c',
  'move 1 from c',
  'close c',
  'prepare a as select 7 as seven',
  'execute a',
  'deallocate a',
  'deallocate all',
  'discard all',
  'copy fuzz to stdout',
  'copy (select n, null from generate_series(1, 2) n) to stdout (format csv)',
  'listen fuzzed',
  "notify fuzzed, 'x'",
  'unlisten *',
  "set application_name = 'fuzz'",
  'reset application_name',
  "set datestyle = 'iso, dmy'",
  'show datestyle',
  'select null as n, true as b, 1.5 as d',
  "do $$ begin raise notice 'hello'; end $$",
  'select pg_sleep(0)',
  'values (1, 2), (3, 4)',
  'explain (costs off) select 1',
  'select 1/0',
  'create temp table if not exists scratch (a int)',
  'select * from scratch',
  'set constraints all deferred',
  'lock table fuzz',
  'begin read only',
  'commit and chain',
];
const names = ['', 'a', 'b'];

/** A sequence that begins with whatever and ends with a Sync, so that both sides come to rest. */
export function sequence(random: Random): Step[] {
  const steps: Step[] = [];
  const lengthSteps = 2 + random.below(14);
  while (steps.length < lengthSteps) {
    if (random.chance(0.45)) steps.push(asked(random));
    else if (random.chance(0.12)) steps.push(...copied(random));
    else steps.push(...piped(random));
  }
  return [...steps, { name: 'Sync', bytes: sync(), isRound: true }];
}

function asked(random: Random): Step {
  const text = random.pick(texts);
  return { name: `Query ${text}`, bytes: query(text), isRound: true };
}

/** A pipeline of the extended query up to its Sync. */
function piped(random: Random): Step[] {
  const steps = Array.from({ length: 1 + random.below(6) }, () => extended(random));
  return [...steps, { name: 'Sync', bytes: sync(), isRound: true }];
}

function extended(random: Random): Step {
  const name = random.pick(names);
  const other = random.pick(names);
  const text = random.pick(texts);
  const step = (what: string, bytes: Buffer): Step => ({ name: what, bytes, isRound: false });
  switch (random.below(9)) {
    case 0:
    case 1:
      return step(`Parse ${name}: ${text}`, parse(name, text));
    case 2:
    case 3: {
      const parameters = random.chance(0.2) ? [Buffer.from(random.pick(['5', 'x', '']))] : [];
      const resultFormats = random.pick([[], [0], [1], [1, 0]] as const);
      return step(
        `Bind ${name} of ${other} (${parameters.join()}) ${resultFormats.join()}`,
        bind({ portal: name, statement: other, parameters, resultFormats }),
      );
    }
    case 4:
    case 5: {
      const maxRows = random.pick([0, 0, 1, 2]);
      return step(`Execute ${name} ${maxRows}`, execute(name, maxRows));
    }
    case 6:
      return step(`Describe portal ${name}`, describe('portal', name));
    case 7:
      return step(`Describe statement ${name}`, describe('statement', name));
    default:
      return random.chance(0.3)
        ? step('Flush', flush())
        : random.chance(0.5)
          ? step(`Close statement ${name}`, close('statement', name))
          : step(`Close portal ${name}`, close('portal', name));
  }
}

/** COPY in, in order; at times ended by an error of the client's or by bad data. */
function copied(random: Random): Step[] {
  const row = random.pick(['5\n', '6\n7\n', 'bad\n', '\\.\n', '']);
  const end = random.chance(0.8)
    ? { name: 'CopyDone', bytes: copyDone(), isRound: true }
    : { name: 'CopyFail', bytes: copyFail('enough'), isRound: true };
  return [
    { name: 'Query copy fuzz from stdin', bytes: query('copy fuzz from stdin'), isRound: false },
    { name: `CopyData ${JSON.stringify(row)}`, bytes: copyData(Buffer.from(row)), isRound: false },
    end,
  ];
}
