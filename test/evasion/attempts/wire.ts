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
  terminate,
} from '@sallyport/shared/wire/postgres/frontend.ts';
import type { Attempt, AttemptClass, Scene } from '../attempt.ts';

const raw = (type: string, body: Buffer | string, lengthBytes?: number): Buffer => {
  const bytes = typeof body === 'string' ? Buffer.from(body, 'latin1') : body;
  const head = Buffer.alloc(5);
  head.write(type, 'latin1');
  head.writeInt32BE(lengthBytes ?? bytes.length + 4, 1);
  return Buffer.concat([head, bytes]);
};

/** Sends, and waits for so many ReadyForQuery, or for the end. */
const sends =
  (count: number, ...messages: readonly Buffer[]): Scene =>
  async (client) => {
    client.send(...messages);
    await client.ready(count);
  };

const functionCall = (oid: number, argument: string): Buffer => {
  const body = Buffer.alloc(18 + argument.length);
  body.writeInt32BE(oid, 0);
  body.writeInt16BE(1, 4);
  body.writeInt16BE(0, 6);
  body.writeInt16BE(1, 8);
  body.writeInt32BE(argument.length, 10);
  body.write(argument, 14);
  body.writeInt16BE(0, 14 + argument.length);
  return raw('F', body.subarray(0, 16 + argument.length));
};

const all = 'select t, i, u, jb from people';
const one = (title: string, scene: Scene): Attempt => ({ title, scene });
const run = [bind({}), execute()];

export const wire: AttemptClass = {
  name: 'messages',
  against: 'vault',
  attempts: [
    one('FunctionCall of a function', sends(1, functionCall(16_000, '1'))),
    one('FunctionCall of pg_read_file', sends(1, functionCall(2624, 'PG_VERSION'))),
    one('FunctionCall of textlen', sends(1, functionCall(1257, 'x'))),
    one('a query split at every byte', async (client) => {
      for (const byte of query(all)) client.send(Buffer.from([byte]));
      await client.ready();
    }),
    one('a Parse split within its name', async (client) => {
      const bytes = Buffer.concat([
        parse('abc', all),
        bind({ statement: 'abc', resultFormats: [1] }),
        execute(),
        sync(),
      ]);
      client.send(bytes.subarray(0, 7));
      await new Promise((resolve) => setImmediate(resolve));
      client.send(bytes.subarray(7));
      await client.ready();
    }),
    one('a negative length', sends(1, raw('Q', '', -1))),
    one('a length of three', sends(1, raw('Q', '', 3))),
    one('a length of two gigabytes', sends(1, raw('Q', 'select t from people\0', 0x7fffffff))),
    one('a query without its end', sends(1, raw('Q', 'select t from people'))),
    one('a query with NUL within', sends(1, raw('Q', 'select 1\0; select t from people\0'))),
    one('a Parse with NUL within', sends(1, raw('P', '\0select 1\0select t from people\0\0\0'))),
    one(
      'invalid UTF-8',
      sends(
        1,
        raw(
          'Q',
          Buffer.concat([Buffer.from("select '"), Buffer.from([0xc0, 0xaf, 0xff]), Buffer.from("', t from people\0")]),
        ),
      ),
    ),
    one(
      'an overlong quote',
      sends(
        1,
        raw(
          'Q',
          Buffer.concat([Buffer.from("select '"), Buffer.from([0xc0, 0xa7]), Buffer.from(", t from people --'\0")]),
        ),
      ),
    ),
    one('a message of no known type', sends(1, raw('z', 'abc'))),
    one('a message of the server', sends(1, raw('D', '\0\0'))),
    one('a password in mid-session', sends(1, raw('p', 'x\0'))),
    one('an empty query', sends(1, query(''))),
    one('garbage behind Terminate', sends(1, terminate(), query(all))),
    one('COPY data that nobody asked for', sends(1, copyData(Buffer.from('x')), copyDone(), query(all))),
    one('CopyFail that nobody asked for', sends(1, copyFail('x'), query(all))),
    one(
      'COPY in with a query within',
      sends(2, query('copy audit_log (said) from stdin'), query(all), copyDone(), query(all)),
    ),
    one(
      'COPY in, ended, then a query',
      sends(2, query('copy audit_log (said) from stdin'), copyData(Buffer.from('x\n')), copyDone(), query(all)),
    ),
    one('Flush in place of Sync', async (client) => {
      client.send(parse('', all), ...run, flush());
      await client.until('C');
      await client.ask(sync());
    }),
    one('Sync without anything', sends(2, sync(), sync())),
    one(
      'a query between Parse and Execute',
      sends(3, parse('a', all), sync(), query('select 1'), bind({ statement: 'a' }), execute(), sync()),
    ),
    one('a query in an unsynced pipeline', sends(2, parse('', all), bind({}), query('select 1'), execute(), sync())),
    one('Execute of nothing', sends(1, execute('nothing'), sync())),
    one('Describe of nothing', sends(1, describe('statement', 'nothing'), describe('portal', 'nothing'), sync())),
    one(
      'Close and use',
      sends(1, parse('a', all), close('statement', 'a'), bind({ statement: 'a' }), execute(), sync()),
    ),
    one(
      'an error in the middle of a pipeline',
      sends(1, parse('', 'select 1/0'), ...run, parse('', all), ...run, sync()),
    ),
    one(
      'a refusal in the middle of a pipeline',
      sends(1, parse('', "select id from people where t > 'm'"), ...run, parse('', all), ...run, sync()),
    ),
    one(
      'a refusal, then the same name',
      sends(
        1,
        parse('a', "select id from people where t > 'm'"),
        parse('a', all),
        bind({ statement: 'a' }),
        execute(),
        sync(),
      ),
    ),
    one(
      'a name taken twice',
      sends(
        2,
        parse('a', 'select name from people'),
        sync(),
        parse('a', all),
        bind({ statement: 'a' }),
        execute(),
        sync(),
      ),
    ),
    one(
      'the unnamed statement taken again behind its Bind',
      sends(
        1,
        parse('', all),
        bind({ portal: 'p' }),
        parse('', 'select name from people'),
        bind({ portal: 'q' }),
        execute('p'),
        execute('q'),
        sync(),
      ),
    ),
    one(
      'a portal over the end of a transaction',
      sends(2, parse('', all), bind({ portal: 'p' }), sync(), execute('p'), sync()),
    ),
    one('SQL PREPARE, wire Bind', sends(2, query(`prepare p as ${all}`), bind({ statement: 'p' }), execute(), sync())),
    one('wire Parse, SQL EXECUTE', sends(3, parse('p', all), sync(), query('execute p'), query('select 1'))),
    one(
      'wire Parse, SQL DEALLOCATE, SQL PREPARE, wire Bind',
      sends(
        4,
        parse('p', 'select name from people'),
        sync(),
        query('deallocate p'),
        query(`prepare p as ${all}`),
        bind({ statement: 'p' }),
        execute(),
        sync(),
      ),
    ),
    one(
      'SQL DECLARE, wire Execute',
      sends(3, query('begin'), query(`declare c cursor for ${all}`), describe('portal', 'c'), execute('c'), sync()),
    ),
    one(
      'wire Bind, SQL FETCH',
      sends(3, query('begin'), parse('', all), bind({ portal: 'c' }), sync(), query('fetch all from c')),
    ),
    one(
      'wire Bind, SQL MOVE, wire Execute',
      sends(
        4,
        query('begin'),
        parse('', all),
        bind({ portal: 'c' }),
        sync(),
        query('move 1 in c'),
        execute('c'),
        sync(),
      ),
    ),
    one(
      'a thousand queries at once',
      sends(1000, ...Array.from({ length: 1000 }, () => query('select t from people where id = 1'))),
    ),
    one('a text of one megabyte', sends(1, query(`select t, '${'x'.repeat(1_000_000)}' from people`))),
    {
      ...one('a message of 70 megabytes', sends(1, query(`select t, '${'x'.repeat(70_000_000)}' from people`))),
      varies: 'how much of the farewell outlives a connection that is cut while it sends',
    },
    {
      ...one('a cancel while it runs', async (client, open) => {
        // Two rows that are larger than the target's send buffer have left before it sleeps, in every world.
        client.send(
          query(`select t, repeat('x', 20000), case when id > 2 then pg_sleep(30) end from people order by id`),
        );
        await client.until('D');
        const other = open.bare();
        const request = Buffer.alloc(8);
        request.writeInt32BE(16, 0);
        request.writeInt32BE(80_877_102, 4);
        other.send(Buffer.concat([request, client.key ?? Buffer.alloc(8)]));
        await client.ready();
        await client.ask(query(all));
      }),
    },
    one('a cancel with a key of nobody', async (client, open) => {
      const other = open.bare();
      const request = Buffer.alloc(16);
      request.writeInt32BE(16, 0);
      request.writeInt32BE(80_877_102, 4);
      other.send(request);
      await other.until('Z');
      await client.ask(query(all));
    }),
    one('SSLRequest with a query behind it', async (_, open) => {
      const other = open.bare();
      const request = Buffer.alloc(8);
      request.writeInt32BE(8, 0);
      request.writeInt32BE(80_877_103, 4);
      other.send(Buffer.concat([request, query(all)]));
      await other.until('Z');
    }),
  ],
};
