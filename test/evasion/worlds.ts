/**
 * Two worlds: databases that are the same but for what is protected. Whatever somebody asks behind the masks, both must
 * answer with the same bytes; a difference of one bit is a protected value's. Values differ in length, order and
 * equality, so that sorting, grouping, measuring and guessing tell them apart; NULLs are in the same places.
 */
export type World = 'east' | 'west';
export const worldNames = ['east', 'west'] as const;

/** One column of `people` and of what is made of it. */
export interface Secret {
  readonly column: string;
  readonly type: string;
  /** SQL literals of rows 1, 2 and 3; row 4 is NULL. */
  readonly east: readonly [string, string, string];
  readonly west: readonly [string, string, string];
}

/** In the east the second and third row are equal; in the west the order is the other way round. */
export const secrets: readonly Secret[] = [
  {
    column: 't',
    type: 'text',
    east: [`'kestrel.anna@secret.example'`, `'osprey@secret.example'`, `'osprey@secret.example'`],
    west: [`'wigeon.wanda.longer@secret.example'`, `'buzzard@secret.example'`, `'avocet@secret.example'`],
  },
  {
    column: 'v',
    type: 'varchar(60)',
    east: [`'varchar-kestrel-5521'`, `'varchar-osprey-1172'`, `'varchar-osprey-1172'`],
    west: [`'varchar-wigeon-wanda-86203'`, `'varchar-buzzard-35'`, `'varchar-avocet-9'`],
  },
  {
    column: 'i',
    type: 'int',
    east: ['1739264853', '1850372941', '1850372941'],
    west: ['-1639182736', '1274916358', '914386527'],
  },
  {
    column: 'b',
    type: 'bigint',
    east: ['7241869305518274663', '7352971416629385774', '7352971416629385774'],
    west: ['-6130758294407163552', '5029647183396052441', '3918536072284941330'],
  },
  {
    column: 'n',
    type: 'numeric(20,4)',
    east: ['83916472.5519', '94827583.6621', '94827583.6621'],
    west: ['-6172839405.1738', '51728394.2847', '40617283.3956'],
  },
  {
    column: 'f',
    type: 'float8',
    east: ['2718.2818284', '3141.5926535', '3141.5926535'],
    west: ['-1618.0339887', '1414.2135623', '577.2156649'],
  },
  {
    column: 'd',
    type: 'date',
    east: [`'1957-08-23'`, `'1963-11-05'`, `'1963-11-05'`],
    west: [`'2087-02-14'`, `'1941-06-30'`, `'1938-04-17'`],
  },
  {
    column: 'ts',
    type: 'timestamptz',
    east: [`'1957-08-23 04:17:39.183+00'`, `'1963-11-05 13:28:47.294+00'`, `'1963-11-05 13:28:47.294+00'`],
    west: [`'2087-02-14 22:39:58.305+00'`, `'1941-06-30 01:51:07.416+00'`, `'1938-04-17 11:02:16.527+00'`],
  },
  {
    column: 'u',
    type: 'uuid',
    east: [
      `'7c9e6679-7425-40de-944b-e07fc1f90ae7'`,
      `'8daf778a-8536-51ef-a55c-f18fd2fa1bf8'`,
      `'8daf778a-8536-51ef-a55c-f18fd2fa1bf8'`,
    ],
    west: [
      `'1b8d5568-6314-3fcd-833a-d96eb0e8f9d6'`,
      `'2c9e6679-7425-40de-944b-e07fc1f90ae8'`,
      `'0a7c4457-5203-2ebc-7229-c85da9d7e8c5'`,
    ],
  },
  {
    column: 'j',
    type: 'json',
    east: [`'{"k": "json-kestrel-8812"}'`, `'{"k": "json-osprey-7701"}'`, `'{"k": "json-osprey-7701"}'`],
    west: [`'{"kk": ["json-wigeon-99237", 1]}'`, `'[1, 2, "json-buzzard-6690"]'`, `'"json-avocet-5589"'`],
  },
  {
    column: 'jb',
    type: 'jsonb',
    east: [`'{"k": ["jsonb-kestrel-3304"]}'`, `'{"k": ["jsonb-osprey-2293"]}'`, `'{"k": ["jsonb-osprey-2293"]}'`],
    west: [`'{"kk": "jsonb-wigeon-44158", "n": 7}'`, `'{"k": "jsonb-buzzard-1182"}'`, `'[{"k": "jsonb-avocet-0071"}]'`],
  },
  {
    column: 'a',
    type: 'text[]',
    east: [`'{plain,array-kestrel-6107}'`, `'{array-osprey-5096}'`, `'{array-osprey-5096}'`],
    west: [`'{array-wigeon-72180,plain,third}'`, `'{array-buzzard-4985,x}'`, `'{array-avocet-3874}'`],
  },
  {
    column: 'ia',
    type: 'int[]',
    east: [`'{482910374,1}'`, `'{593021485}'`, `'{593021485}'`],
    west: [`'{371809263,2,3}'`, `'{260798152}'`, `'{149687041,5}'`],
  },
  {
    column: 'dom',
    type: 'handle',
    east: [`'domain-kestrel-2290'`, `'domain-osprey-1189'`, `'domain-osprey-1189'`],
    west: [`'domain-wigeon-33401'`, `'domain-buzzard-0078'`, `'domain-avocet-9967'`],
  },
  {
    column: 'e',
    type: 'mood',
    east: [`'enum-kestrel-4718'`, `'enum-osprey-3607'`, `'enum-osprey-3607'`],
    west: [`'enum-wigeon-2596'`, `'enum-avocet-1485'`, `'enum-kestrel-4718'`],
  },
  {
    column: 'raw',
    type: 'bytea',
    east: [`'bytea-kestrel-9035'`, `'bytea-osprey-8924'`, `'bytea-osprey-8924'`],
    west: [`'bytea-wigeon-10146'`, `'bytea-buzzard-7813'`, `'bytea-avocet-6702'`],
  },
  {
    column: 'co',
    type: 'contact',
    east: [`row('co-kestrel-4406', 837261945)`, `row('co-osprey-3395', 726150834)`, `row('co-osprey-3395', 726150834)`],
    west: [
      `row('co-wigeon-55172', 615049723)`,
      `row('co-buzzard-2284', 504938612)`,
      `row('co-avocet-1173', 493827501)`,
    ],
  },
  {
    column: 'ip',
    type: 'inet',
    east: [`'203.0.113.97'`, `'203.0.113.86'`, `'203.0.113.86'`],
    west: [`'198.51.100.208'`, `'2001:db8:7a3f::51c6'`, `'198.51.100.7'`],
  },
  {
    column: 'r',
    type: 'int4range',
    east: [`'[47290153,47290199)'`, `'[58301264,58301299)'`, `'[58301264,58301299)'`],
    west: [`'[36189042,36189998)'`, `'[25078931,)'`, `'[13967820,13967821)'`],
  },
];

/** Single values that stand elsewhere: east, west. */
export const others = {
  event: [`partition-kestrel-1123`, `partition-wigeon-22340`],
  child: [`child-kestrel-7745`, `child-wigeon-88561`],
  big: [`large-kestrel-6630`, `large-wigeon-77410`],
  spoken: [`spoken-kestrel-8093`, `spoken-wigeon-91024`],
  ledger: [`ledger-kestrel-3581`, `ledger-kestrel-3581`],
} as const;

const columns = secrets.map(({ column }) => column);

/**
 * What both worlds have before their values. `people(id, name, city, age, <one column for each of secrets>)` rows 1–4;
 * protected: all but id, name, city, age. `orders(id, person_id, amount, note)`, 12 rows, nothing protected.
 */
export const template = `
create domain handle as text check (length(value) > 2);
create type mood as enum ('plain', 'enum-avocet-1485', 'enum-kestrel-4718', 'enum-osprey-3607', 'enum-wigeon-2596');
create type contact as (phone text, pin int);
create table people (id int primary key, name text not null, city text, age int, ${secrets.map(({ column, type }) => `${column} ${type}`).join(', ')});
create unique index people_n on people (n) where id > 100;
create table staff (badge text) inherits (people);
create table orders (id int primary key, person_id int, amount numeric(10,2), note text);
insert into orders select g, 1 + g % 4, g * 1.5, 'order ' || g from generate_series(1, 12) g;
create view people_view as select id, name, t as reach, i from people;
create view people_loud as select v.id, upper(p.t) as loud from people_view v join people p on p.id = v.id;
create view people_open as select id, name, city from people;
create materialized view people_stored as select id, name, t as kept from people with no data;
create table made (id int, base int, twice bigint generated always as (base::bigint * 2) stored);
create table events (id int, kind text, secret text) partition by range (id);
create table events_low partition of events for values from (0) to (100);
create table events_high partition of events for values from (100) to (200);
create table big (id int, secret text, filler text);
create table keyed (id int primary key, secret text unique, parent int references keyed deferrable);
create table poke (id int generated always as identity, what text);
create table audit_log (id int generated always as identity, said text);
create table spoken (secret text);
create extension dblink;
create extension postgres_fdw;
do $$ begin execute format('create server mirror foreign data wrapper postgres_fdw options (host ''127.0.0.1'', port %L, dbname ''postgres'')', current_setting('port')); end $$;
create user mapping for public server mirror options (user 'postgres', password_required 'false');
create foreign table people_far (id int, name text, city text, t text, i int, n numeric(20,4), e mood, co contact) server mirror options (schema_name 'public', table_name 'people');
create foreign table orders_far (id int, person_id int, amount numeric(10,2), note text) server mirror options (schema_name 'public', table_name 'orders');
create view people_far_view as select id, name, t as reach from people_far;
create function whisper() returns text language sql stable as 'select t from public.people where id = 1';
create function whisper_rows() returns setof people language sql stable as 'select * from public.people';
create function whisper_definer(int) returns text language plpgsql security definer as
  $$ begin return (select t from public.people where id = $1); end $$;
create function harmless_sum(int, int) returns int language sql immutable as 'select $1 + $2';
create function shout(text) returns text language plpgsql immutable as
  $$ begin raise notice 'shout %', $1; return upper($1); end $$;
create function fails_on(text) returns int language plpgsql immutable as
  $$ begin raise exception 'fails on %', $1 using detail = $1, hint = $1; end $$;
create procedure tell() language plpgsql as
  $$ declare s text; begin select t into s from public.people where id = 1; raise notice '%', s; end $$;
create aggregate gather(text) (sfunc = textcat, stype = text, initcond = '');
create function poked() returns trigger language plpgsql security definer as $$
declare secret text;
begin
  select s.secret into secret from public.spoken s;
  if new.what = 'notice' then raise notice 'it is %', secret using detail = secret, hint = secret; end if;
  if new.what = 'raise' then raise exception 'it is %', secret using detail = secret, errcode = '42601'; end if;
  if new.what = 'notify' then perform pg_notify('pokes', secret); end if;
  if new.what = 'unique' then insert into people (id, name, n) values (199, 'x', 1), (198, 'y', 1); end if;
  if new.what = 'syntax' then perform secret::int; end if;
  if new.what = 'column' then raise exception 'x' using column = secret, table = secret, constraint = secret, schema = secret, datatype = secret; end if;
  if new.what = 'setting' then perform set_config('application_name', secret, false); end if;
  return new;
end $$;
create trigger poking before insert on poke for each row execute function poked();
create operator public.#~# (leftarg = text, rightarg = text, function = textcat);
`;

/** The protected values of one world, inserted into the template's tables. */
export function valuesOf(world: World): string {
  const at = world === 'east' ? 0 : 1;
  const row = (index: 0 | 1 | 2): string => secrets.map((secret) => secret[world][index]).join(', ');
  const names = columns.join(', ');
  return `
insert into people (id, name, city, age, ${names}) values (1, 'Anna', 'Oslo', 41, ${row(0)}), (2, 'Ben', 'Rome', 35, ${row(1)}),
  (3, 'Cleo', 'Oslo', 29, ${row(2)});
insert into people (id, name, city, age) values (4, 'Dora', 'Bern', 52);
insert into staff (id, name, city, age, t, badge) values (11, 'Edda', 'Rome', 38, '${others.child[at]}', 'b-1');
insert into made (id, base) values (1, ${secrets[2]?.[world][0]});
insert into events values (1, 'low', '${others.event[at]}'), (150, 'high', '${others.event[at]}-high');
insert into big select g, '${others.big[at]}' || repeat('y', ${at === 0 ? 900_000 : 700_000}), repeat('z', 100000 * g) from generate_series(1, 2) g;
insert into keyed values (1, '${others.event[at]}', null), (2, '${others.child[at]}', 1);
insert into spoken values ('${others.spoken[at]}');
refresh materialized view people_stored;
analyze;
`;
}

/**
 * Connections `east` and `west` are for the class `vault`: a superuser at the target, everything allowed but what the
 * masks refuse. `ledger` is a third database with `account(id, owner, balance)` of 5 rows, `paid()` and `touch(int)`
 * (functions that change it), `settle()` (a procedure that does): everything is allowed there but the effects that the
 * rule `ledger-stands` denies.
 */
export const ledger = `
create table account (id int primary key, owner text, balance int);
insert into account select g, 'owner ' || g, 100 * g from generate_series(1, 5) g;
create table account_log (id int generated always as identity, said text);
create view account_view as select id, owner, balance from account;
create function touch(int) returns int language sql as 'delete from public.account where id = $1 returning id';
create function paid() returns void language plpgsql as $$ begin update public.account set balance = 0; end $$;
create procedure settle() language sql as 'truncate public.account';
create function looks_pure(int) returns int language plpgsql immutable as $$ begin delete from public.account where id = $1; return $1; end $$;
create function on_log() returns trigger language plpgsql as $$ begin delete from public.account; return new; end $$;
create extension dblink;
`;

export const deniedEffects = [
  'unknown',
  'copy-program',
  'write-file',
  'read-file',
  'load',
  'do',
  'dynamic',
  'remote',
  'alter-system',
  'admin',
  'set-role',
  'set-lexer',
  'drop',
  'truncate',
  'grant',
  'revoke',
  'alter',
  'call',
  'delete',
  'merge',
  'update',
  'create',
  'insert',
  'refresh',
  'maintain',
  'sequence',
  'notify',
  'lock',
] as const;

/** Resources beside the connections. Both worlds are clusters of their own, so that even numbers of objects are the same. */
export const access = `
kind: User
name: mallory
spec: { groups: [engineering] }
---
kind: User
name: dana
spec: { groups: [dba] }
---
kind: Rule
name: everything-first
spec: { who: { any: true }, then: allow }
---
kind: Rule
name: ledger-stands
spec:
  who: { groups: [engineering] }
  connections: { names: [ledger] }
  actions: [${deniedEffects.join(', ')}]
  then: deny
  reason: the ledger is read only
---
kind: Mask
name: canaries
spec:
  connections: { names: [east, west] }
  columns: [${columns.map((column) => `public.people.${column}`).join(', ')}, public.events.secret, public.big.secret,
    public.keyed.secret, public.spoken.secret, public.made.base, public.made.twice,
    ${['t', 'i', 'n', 'e', 'co'].map((column) => `public.people_far.${column}`).join(', ')}]
  except: { groups: [dba] }
`;
