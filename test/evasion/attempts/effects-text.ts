import { bind, execute, parse, query, sync } from '@sallyport/shared/wire/postgres/frontend.ts';
import { type AttemptClass, expecting } from '../attempt.ts';

export const effectsText: AttemptClass = {
  name: 'effects and their spelling',
  against: 'ledger',
  attempts: [
    ...expecting('refused', [
      'DELETE FROM account',
      'dElEtE/**/FROM/**/account',
      '/* select 1 */ delete from account',
      '-- select 1\ndelete from account',
      '/* /* nested */ */ delete from account',
      "select '; --'; delete from account; --'",
      'select $$;$$; delete from account',
      'select $a$ $b$ $a$; delete from account; select $b$ $b$',
      "select '\\'; delete from account; --'",
      "select E'\\''; delete from account; --'",
      "select U&'\\0027'; delete from account; --'",
      'delete from U&"\\0061ccount"',
      'delete from "account"',
      'delete from public.account',
      'delete from postgres.public.account',
      ';delete from account',
      ';;;;;delete from account;;;;',
      'select 1;delete from account',
      'select 1; select 2; select 3; delete from account where id = 1',
      'begin;delete from account;commit',
      '\tdelete\r\nfrom\faccount',
      "select 'a'\n'b'; delete from account",
      'not sql at all',
      'delet from account',
      "select '",
      'select $$ delete',
      'select 1 /* delete',
      `select ${'('.repeat(20_000)}1${')'.repeat(20_000)}`,
      `delete from account where id in (${'1,'.repeat(200_000)}1)`,
      `select ${'1+'.repeat(30_000)}1; delete from account`,
    ]),
    {
      title: 'a delete behind a select, prepared together',
      expect: 'refused',
      scene: async (client) => {
        client.send(
          parse('a', 'select 1'),
          bind({ statement: 'a' }),
          execute(),
          parse('b', 'delete from account'),
          bind({ statement: 'b' }),
          execute(),
          sync(),
        );
        await client.ready();
      },
    },
    {
      title: 'a name prepared, then another under it',
      scene: async (client) => {
        await client.ask(parse('a', 'select 1'), sync());
        await client.ask(query('deallocate a'));
        await client.ask(parse('a', 'delete from account'), bind({ statement: 'a' }), execute(), sync());
      },
    },
    {
      title: 'a delete between two syncs',
      scene: async (client) => {
        client.send(
          parse('', 'select 1'),
          bind({}),
          execute(),
          sync(),
          parse('', 'delete from account'),
          bind({}),
          execute(),
          sync(),
          query('select 1'),
        );
        await client.ready(3);
      },
    },
    {
      title: 'a delete while another query is answered',
      scene: async (client) => {
        client.send(query('select pg_sleep(0.05)'), query('delete from account'), query('select 1'));
        await client.ready(3);
      },
    },
    {
      title: 'a delete cut in two chunks',
      scene: async (client) => {
        const bytes = query('delete from account');
        client.send(bytes.subarray(0, 9));
        await new Promise((resolve) => setImmediate(resolve));
        client.send(bytes.subarray(9));
        await client.ready();
      },
    },
    {
      title: 'a delete with NUL in front of it',
      expect: 'silent',
      scene: async (client) => {
        const text = Buffer.from('select 1\0; delete from account\0');
        const head = Buffer.alloc(5);
        head.write('Q');
        head.writeInt32BE(text.length + 4, 1);
        client.send(Buffer.concat([head, text]));
        await client.ready();
      },
    },
    {
      title: 'a delete in a prepared statement whose parameters look harmless',
      scene: async (client) => {
        await client.ask(
          parse('', 'delete from account where id = $1'),
          bind({ parameters: [Buffer.from('0')] }),
          execute(),
          sync(),
        );
      },
    },
  ],
};
