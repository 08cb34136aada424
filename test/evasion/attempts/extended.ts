import { bind, close, describe, execute, flush, parse, sync } from '@sallyport/shared/wire/postgres/frontend.ts';
import type { Attempt, AttemptClass } from '../attempt.ts';

const statements = [
  'select t, i, b, n from people',
  'select * from people',
  'select d, ts, u, ip, r from people',
  'select j, jb, a, ia, co from people',
  'select upper(t), name from people',
  'select e, raw, dom, f from people',
  'select secret from events',
];

type Build = (sql: string) => readonly Buffer[];

const forms: Readonly<Record<string, Build>> = {
  'never described, text': (sql) => [parse('', sql), bind({}), execute(), sync()],
  'never described, binary': (sql) => [parse('', sql), bind({ resultFormats: [1] }), execute(), sync()],
  'the statement described': (sql) => [
    parse('a', sql),
    describe('statement', 'a'),
    bind({ statement: 'a', resultFormats: [1] }),
    execute(),
    sync(),
  ],
  'the portal described': (sql) => [
    parse('a', sql),
    bind({ statement: 'a', portal: 'p', resultFormats: [1] }),
    describe('portal', 'p'),
    execute('p'),
    sync(),
  ],
  'described behind its rows': (sql) => [
    parse('a', sql),
    bind({ statement: 'a' }),
    execute(),
    describe('portal'),
    describe('statement', 'a'),
    sync(),
  ],
  'in parts': (sql) => [parse('', sql), bind({}), execute('', 1), execute('', 2), execute('', 0), sync()],
  'in parts with flushes': (sql) => [
    parse('', sql),
    bind({ portal: 'p' }),
    execute('p', 2),
    flush(),
    execute('p'),
    flush(),
    sync(),
  ],
  'executed again': (sql) => [parse('', sql), bind({}), execute(), execute(), sync()],
  'two portals by turns': (sql) => [
    parse('a', sql),
    bind({ statement: 'a', portal: 'p' }),
    bind({ statement: 'a', portal: 'q', resultFormats: [1] }),
    execute('p', 1),
    execute('q', 1),
    execute('p'),
    execute('q'),
    sync(),
  ],
  'beside another statement': (sql) => [
    parse('a', 'select id, name, city, age from people'),
    parse('b', sql),
    bind({ statement: 'b', portal: 'p' }),
    bind({ statement: 'a', portal: 'q' }),
    describe('portal', 'q'),
    execute('p'),
    execute('q'),
    sync(),
  ],
  'the name closed before the rows': (sql) => [
    parse('a', sql),
    bind({ statement: 'a' }),
    close('statement', 'a'),
    execute(),
    sync(),
  ],
  'under the name of a closed one': (sql) => [
    parse('a', 'select name from people'),
    close('statement', 'a'),
    parse('a', sql),
    bind({ statement: 'a', resultFormats: [1] }),
    execute(),
    sync(),
  ],
};

export const extended: AttemptClass = {
  name: 'the extended query',
  against: 'vault',
  attempts: Object.entries(forms).flatMap(([title, build]) =>
    statements.map(
      (sql): Attempt => ({
        title: `${title}: ${sql}`,
        expect: 'answered',
        scene: async (client) => {
          await client.ask(...build(sql));
        },
      }),
    ),
  ),
};
