import type { NatsConnection, Subscription } from 'nats';
import { connect } from 'nats';
import pg from 'pg';
import { startNats, type TestNats } from '../harness/nats.ts';
import { startPostgres, type TestPostgres } from '../harness/postgres.ts';
import { Stack } from '../harness/stack.ts';
import { WireClient } from '../harness/wire-client.ts';
import { searchBelow, searchWritten } from './search.ts';
import { access, ledger, template, valuesOf, type World, worldNames } from './worlds.ts';

export type Place = World | 'ledger';
const places: readonly Place[] = [...worldNames, 'ledger'];

const connection = (name: Place, port: number): string => `
kind: Connection
name: ${name}
spec:
  protocol: postgres
  agent: test-agent
  target: { host: 127.0.0.1, port: ${port}, database: postgres, tls: disable }
  credential: { username: postgres }
---`;

/** Both worlds and the ledger behind the product, NATS, and somebody who means no good. */
export class Stage {
  readonly #databases: Readonly<Record<Place, TestPostgres>>;
  readonly #direct: Readonly<Record<Place, pg.Client>>;
  readonly stack: Stack;
  readonly #nats: TestNats;
  readonly #heard: Buffer[] = [];
  readonly #listener: NatsConnection;
  readonly #listening: Subscription;
  readonly #token: string;

  private constructor(parts: {
    databases: Record<Place, TestPostgres>;
    direct: Record<Place, pg.Client>;
    stack: Stack;
    nats: TestNats;
    listener: NatsConnection;
    listening: Subscription;
    token: string;
  }) {
    this.#databases = parts.databases;
    this.#direct = parts.direct;
    this.stack = parts.stack;
    this.#nats = parts.nats;
    this.#listener = parts.listener;
    this.#listening = parts.listening;
    this.#token = parts.token;
  }

  static async start(): Promise<Stage> {
    const quiet = { autovacuum: 'off', max_connections: 200 };
    const databases = {
      east: await startPostgres(quiet),
      west: await startPostgres(quiet),
      ledger: await startPostgres(quiet),
    };
    const nats = await startNats();
    const direct = {
      east: await directly(databases.east, template + valuesOf('east')),
      west: await directly(databases.west, template + valuesOf('west')),
      ledger: await directly(databases.ledger, ledger),
    };
    const stack = await Stack.start({ config: `nats: { url: "${nats.url}" }` });
    await stack.apply(`${places.map((place) => connection(place, databases[place].port)).join('')}${access}`);
    const listener = await connect({ servers: nats.url });
    const listening = listener.subscribe('sallyport.>');
    const stage = new Stage({
      databases,
      direct,
      stack,
      nats,
      listener,
      listening,
      token: await stack.token('mallory'),
    });
    stage.#hear();
    return stage;
  }

  #hear(): void {
    (async () => {
      for await (const { subject, data, headers } of this.#listening)
        this.#heard.push(Buffer.from(subject), Buffer.from(data), Buffer.from(String(headers ?? '')));
    })().catch(() => undefined);
  }

  get login(): { readonly port: number; readonly password: string } {
    return { port: this.stack.ports.postgres, password: this.#token };
  }

  client(place: Place, settings: Readonly<Record<string, string>> = {}): Promise<WireClient> {
    return WireClient.open({ ...this.login, database: place, settings });
  }

  /** As somebody whom the masks except. */
  async excepted(place: Place): Promise<WireClient> {
    return WireClient.open({ ...this.login, password: await this.stack.token('dana'), database: place });
  }

  /** At the target itself. */
  async direct(place: Place, sql: string): Promise<pg.QueryResult> {
    return this.#direct[place].query(sql);
  }

  port(place: Place): number {
    return this.#databases[place].port;
  }

  /** Protected values in recordings, journal, store, logs, and in what NATS carried; not what clients said themselves. */
  written(said: Buffer): string[] {
    const logged = Buffer.from(this.stack.log.join('\n'));
    return [
      ...searchBelow(this.stack.dataFolder, said),
      ...searchWritten(logged, said).map((what) => `log: ${what}`),
      ...searchWritten(Buffer.concat(this.#heard), said).map((what) => `NATS: ${what}`),
    ];
  }

  /** Messages that NATS carried. */
  get heard(): number {
    return this.#heard.length / 3;
  }

  async stop(): Promise<void> {
    await this.#listener.close();
    await Promise.all(Object.values(this.#direct).map((client) => client.end().catch(() => undefined)));
    await this.stack.stop();
    await this.#nats.stop();
    await Promise.all(Object.values(this.#databases).map((database) => database.stop()));
  }
}

async function directly(database: TestPostgres, sql: string): Promise<pg.Client> {
  const client = new pg.Client({ host: '127.0.0.1', port: database.port, user: 'postgres', database: 'postgres' });
  client.on('error', () => undefined);
  await client.connect();
  await client.query(sql);
  return client;
}

/** All that a refused effect could change in the ledger's database, as one text. */
export const ledgerState = `
select md5(concat_ws('|',
  (select string_agg(t::text, ',' order by id) from public.account t),
  (select count(*) from public.account_log),
  (select string_agg(concat(relnamespace::regnamespace, relname, relkind, relacl, relhasrules, relhastriggers, relowner), ',' order by oid)
    from pg_class where relnamespace::regnamespace::text !~ '^pg_(toast|temp)'),
  (select string_agg(concat(proname, prosrc, proacl, proconfig, prosecdef), ',' order by oid) from pg_proc where oid > 16383),
  (select string_agg(r::text, ',' order by oid) from pg_roles r),
  (select string_agg(concat(roleid::regrole, member::regrole), ',' order by roleid, member) from pg_auth_members),
  (select string_agg(s::text, ',') from pg_db_role_setting s),
  (select string_agg(concat(name, setting, applied), ',' order by name) from pg_file_settings where name <> 'port'),
  (select string_agg(concat(tgname, tgenabled), ',' order by oid) from pg_trigger),
  (select string_agg(concat(rulename, ev_class), ',' order by oid) from pg_rewrite where oid > 16383),
  (select string_agg(nspname || coalesce(nspacl::text, ''), ',' order by oid) from pg_namespace where nspname !~ '^pg_(toast|temp)'),
  (select string_agg(extname, ',' order by extname) from pg_extension),
  (select string_agg(typname, ',' order by oid) from pg_type where oid > 16383 and typnamespace::regnamespace::text !~ '^pg_(toast|temp)'),
  (select count(*) from pg_operator where oid > 16383), (select count(*) from pg_cast where oid > 16383),
  (select count(*) from pg_largeobject_metadata), (select count(*) from pg_replication_slots),
  (select string_agg(datname, ',' order by oid) from pg_database), (select count(*) from pg_foreign_server),
  (select string_agg(last_value::text, ',') from public.account_log_id_seq),
  (select string_agg(name, ',') from pg_ls_dir('.') name where name !~ '^(postmaster|pg_|base|global|log)'),
  (select string_agg(name, ',' order by name) from pg_ls_dir('/tmp') name where name like 'sallyport-evasion%')
)) as state`;
