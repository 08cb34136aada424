import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';

/** A value that nobody under a mask may see, in all the forms that it could be sent in. */
export interface Canary {
  readonly name: string;
  /** As SQL writes it. */
  readonly sql: string;
  readonly forms: readonly Buffer[];
}

const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};

const int64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
};

/** The digits of a numeric's binary form: groups of four, two bytes each. */
const numericDigits = (...groups: readonly number[]): Buffer =>
  Buffer.concat(groups.map((group) => int32(group).subarray(2)));

/** The part of a text's base64 that is the same whatever stands around it, for each of three alignments. */
function base64Forms(text: string): string[] {
  return [0, 1, 2].map((shift) => {
    const encoded = Buffer.from('\0'.repeat(shift) + text).toString('base64');
    return encoded.slice(shift === 0 ? 0 : 4, -4);
  });
}

function canary(name: string, text: string, binary: readonly Buffer[] = [], sql = `'${text}'`): Canary {
  const hex = Buffer.from(text).toString('hex');
  const reversed = [...text].reverse().join('');
  const texts = [text, text.toUpperCase(), hex, hex.toUpperCase(), reversed, ...base64Forms(text)];
  return { name, sql, forms: [...texts.map((form) => Buffer.from(form)), ...binary] };
}

const uuid = '7c9e6679-7425-40de-944b-e07fc1f90ae7';

/** By the column of `people` that holds them. */
export const people: Readonly<Record<string, Canary>> = {
  t: canary('text', 'kestrel.anna@secret.example'),
  v: canary('varchar', 'varchar-kestrel-5521'),
  i: canary('int', '1739264853', [int32(1_739_264_853)]),
  b: canary('bigint', '7241869305518274663', [int64(7_241_869_305_518_274_663n)]),
  n: canary('numeric', '83916472.5519', [numericDigits(8391, 6472, 5519)]),
  d: canary('date', '1957-08-23', [int32(-15_471)]),
  u: canary('uuid', uuid, [Buffer.from(uuid.replaceAll('-', ''), 'hex'), Buffer.from(uuid.replaceAll('-', ''))]),
  j: canary('json', 'json-kestrel-8812', [], `'{"k": "json-kestrel-8812"}'`),
  jb: canary('jsonb', 'jsonb-kestrel-3304', [], `'{"k": ["jsonb-kestrel-3304"]}'`),
  a: canary('array', 'array-kestrel-6107', [], `'{plain,array-kestrel-6107}'`),
  dom: canary('domain', 'domain-kestrel-2290'),
  e: canary('enum', 'enum-kestrel-4718'),
  raw: canary('bytea', 'bytea-kestrel-9035', [], `'bytea-kestrel-9035'::bytea`),
};

export const further = {
  event: canary('partition', 'partition-kestrel-1123'),
  child: canary('child table', 'child-kestrel-7745'),
  big: canary('large row', 'large-kestrel-6630'),
  card: canary('credit card', '4242424242424242'),
  spoken: canary('spoken', 'spoken-kestrel-8093'),
} as const;

const everyCanary: readonly Canary[] = [...Object.values(people), ...Object.values(further)];

const columns = Object.keys(people);

/** What a server has beside the fixture's tables. */
export const canarySchema = `
create domain handle as text check (length(value) > 2);
create type mood as enum ('plain', '${'enum-kestrel-4718'}');
create table people (id int primary key, name text not null, t text unique, v varchar(60), i int, b bigint,
  n numeric(20,4), d date, u uuid, j json, jb jsonb, a text[], dom handle, e mood, raw bytea);
insert into people (id, name, ${columns.join(', ')}) values (1, 'Anna', ${columns.map((c) => people[c]?.sql).join(', ')});
insert into people (id, name) values (2, 'Ben');
create table staff (badge text) inherits (people);
insert into staff (id, name, t, badge) values (11, 'Cleo', ${further.child.sql}, 'b-1');
create view people_view as select id, name, t as reach, i from people;
create view people_loud as select id, upper(t) as loud from people_view v join people using (id);
create table events (id int, secret text) partition by range (id);
create table events_low partition of events for values from (0) to (100);
insert into events values (1, ${further.event.sql});
create table big (id int, secret text, filler text);
insert into big select g, repeat('x', 300000) || ${further.big.sql} || repeat('y', 900000 * g), repeat('z', 100000 * g)
  from generate_series(1, 2) g;
create table notes (id int, note text);
insert into notes values (1, 'pay with ${'4242424242424242'} today'),
  (2, repeat('lorem ipsum ', 60000) || ' ${'4242424242424242'} ' || repeat('dolor sit ', 60000));
create table treated (id int, part text, hashed text, gone text);
insert into treated values (1, ${people['t']?.sql}, ${people['t']?.sql}, ${people['t']?.sql});
create table poke (what text);
create function poked() returns trigger language plpgsql security definer as $$
declare secret text := ${further.spoken.sql};
begin
  if new.what = 'notice' then raise notice 'it is %', secret using detail = secret, hint = secret; end if;
  if new.what = 'raise' then raise exception 'it is %', secret using detail = secret, errcode = '42601'; end if;
  if new.what = 'notify' then perform pg_notify('pokes', secret); end if;
  if new.what = 'unique' then insert into people (id, name, t) values (99, 'x', (select t from people where id = 1)); end if;
  if new.what = 'syntax' then perform secret::int; end if;
  if new.what = 'column' then raise exception 'x' using column = secret, table = secret, constraint = secret; end if;
  if new.what = 'setting' then perform set_config('application_name', secret, false); end if;
  return new;
end $$;
create trigger poking before insert on poke for each row execute function poked();
grant all on all tables in schema public to app;
`;

export const canaryMasks = `
kind: Mask
name: canaries
spec:
  connections: { names: [shop] }
  columns: [${columns.map((column) => `public.people.${column}`).join(', ')}, public.events.secret, public.big.secret]
  except: { groups: [dba] }
---
kind: Mask
name: in-part
spec: { connections: { names: [shop] }, columns: [public.treated.part], as: partial, except: { groups: [dba] } }
---
kind: Mask
name: by-hash
spec: { connections: { names: [shop] }, columns: [public.treated.hashed], as: hash, except: { groups: [dba] } }
---
kind: Mask
name: to-null
spec: { connections: { names: [shop] }, columns: [public.treated.gone], as: "null", except: { groups: [dba] } }
`;

/** Every form of every canary that the bytes hold. */
export function found(bytes: Buffer): string[] {
  return everyCanary.flatMap(({ name, forms }) =>
    forms.filter((form) => bytes.includes(form)).map((form) => `${name} as ${form.toString('latin1')}`),
  );
}

/** Every canary in the files below a folder, with the file's name. */
export function foundBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) => {
    if (!entry.isFile()) return [];
    const file = join(entry.parentPath, entry.name);
    return found(readFileSync(file)).map((what) => `${file}: ${what}`);
  });
}

/** Stands before the gateway and keeps every byte that it sends to any client. */
export class Tap {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #kept: Buffer[] = [];
  port = 0;

  private constructor(gatewayPort: number) {
    this.#server = createServer((client) => {
      const gateway = connect(gatewayPort, '127.0.0.1');
      for (const socket of [client, gateway]) {
        this.#sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          this.#sockets.delete(socket);
          client.destroy();
          gateway.destroySoon();
        });
      }
      gateway.on('data', (bytes: Buffer) => this.#kept.push(bytes));
      client.pipe(gateway).pipe(client);
    });
  }

  static async start(gatewayPort: number): Promise<Tap> {
    const tap = new Tap(gatewayPort);
    tap.#server.listen(0, '127.0.0.1');
    await once(tap.#server, 'listening');
    tap.port = (tap.#server.address() as AddressInfo).port;
    return tap;
  }

  /** What was sent since the last call. */
  take(): Buffer {
    const taken = Buffer.concat(this.#kept);
    this.#kept = [];
    return taken;
  }

  assertClean(): Buffer {
    const bytes = this.take();
    assert.deepEqual(found(bytes), [], 'a protected value was sent to a client');
    return bytes;
  }

  async stop(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
