import { passwordMessage, query } from '@sallyport/shared/wire/postgres/frontend.ts';
import { startupMessage } from '@sallyport/shared/wire/postgres/startup.ts';
import type { AttemptClass, Scene } from '../attempt.ts';

/** Logs in with parameters of its own and asks for everything. */
const withParameters =
  (parameters: Readonly<Record<string, string>>, minor?: number): Scene =>
  async (_, open) => {
    const client = open.bare();
    const all = Object.entries({ user: 'x', database: open.login.database, ...parameters });
    const startup = startupMessage(all);
    if (minor !== undefined) startup.writeUInt16BE(minor, 6);
    client.send(startup, passwordMessage(open.login.password));
    await client.until('Z');
    if (!client.closed) await client.ask(query('select t, i, jb from people'));
    await client.end();
  };

const refused: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ['replication', { replication: 'true' }],
  ['replication of a database', { replication: 'database' }],
  ['options with a lexer setting', { options: '-c standard_conforming_strings=off' }],
  ['options with a role', { options: '-c role=pg_read_all_data' }],
  ['options with a path', { options: '-c search_path=pg_temp' }],
  ['options with spaces hidden', { options: '-c\\ role=x' }],
  ['options with two settings', { options: '-c a.b=c -c session_authorization=x' }],
  ['options with --', { options: '--client_encoding=sjis' }],
  ['encoding', { client_encoding: 'SJIS' }],
  ['encoding sql_ascii', { client_encoding: 'SQL_ASCII' }],
  ['lexer', { standard_conforming_strings: 'off' }],
  ['role', { role: 'pg_read_all_data' }],
  ['session authorization', { session_authorization: 'x' }],
  ['search path', { search_path: 'nowhere' }],
  ['messages', { client_min_messages: 'debug5' }],
  ['plans to the client', { debug_print_plan: 'on', client_min_messages: 'log' }],
  ['a protocol option', { '_pq_.everything': 'on' }],
  ['preload', { session_preload_libraries: 'auto_explain' }],
  ['local preload', { local_preload_libraries: 'auto_explain' }],
  ['no user', { user: '' }],
  ['another database of the target', { database: 'east/template1' }],
  ['a path as database', { database: '../east' }],
  ['a connection string as database', { database: 'east host=127.0.0.1' }],
  ['a NUL-ish name', { database: 'east\n' }],
  ['application name with a line end', { application_name: 'a\nb' }],
  ['a very long parameter', { application_name: 'x'.repeat(9000) }],
  ['a parameter twice as long as may be', { application_name: 'x'.repeat(20_000) }],
  ['unknown parameter', { no_such_setting: '1' }],
  ['date style', { datestyle: 'iso, dmy', intervalstyle: 'postgres', timezone: 'UTC' }],
  ['float digits', { extra_float_digits: '3' }],
  ['bytea as escape', { bytea_output: 'escape' }],
];

export const startup: AttemptClass = {
  name: 'startup',
  against: 'vault',
  attempts: [
    ...refused.map(([title, parameters]) => ({ title, scene: withParameters(parameters) })),
    ...[0, 1, 2, 3, 9999].map((minor) => ({ title: `protocol 3.${minor}`, scene: withParameters({}, minor) })),
    {
      title: 'a second startup in a session',
      scene: async (client) => {
        client.send(startupMessage([['user', 'x']]));
        await client.until('Z');
      },
    },
    {
      title: 'a query before the password',
      scene: async (_, open) => {
        const client = open.bare();
        client.send(
          startupMessage([
            ['user', 'x'],
            ['database', open.login.database],
          ]),
          query('select t from people'),
        );
        await client.until('Z');
      },
    },
    {
      title: 'a query behind the password in one piece',
      scene: async (_, open) => {
        const client = open.bare();
        client.send(
          startupMessage([
            ['user', 'x'],
            ['database', open.login.database],
          ]),
          passwordMessage(open.login.password),
          query('select t from people'),
        );
        await client.until('Z', 2);
      },
    },
    {
      title: 'a wrong password',
      scene: async (_, open) => {
        const client = open.bare();
        client.send(
          startupMessage([
            ['user', 'x'],
            ['database', open.login.database],
          ]),
          passwordMessage('wrong'),
          query('select t from people'),
        );
        await client.until('Z');
      },
    },
  ],
};
