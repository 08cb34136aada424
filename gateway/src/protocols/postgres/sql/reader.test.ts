import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { SqlReader } from './reader.ts';

/** Statement, effects with the most consequential first, relations. */
const effects: readonly (readonly [string, string, string])[] = [
  ['select * from a where id=1', 'select', 'a'],
  ['with x as (delete from b returning *) select * from x', 'delete,select', 'b'],
  ['explain delete from t', 'explain', 't'],
  ['explain analyze delete from t', 'delete', 't'],
  ['explain (analyze off) delete from t', 'explain', 't'],
  ['do $$begin end$$', 'do', ''],
  ['call p()', 'call', ''],
  ['execute q', 'execute', ''],
  ['prepare q as delete from t', 'delete,prepare', 't'],
  ['copy t to stdout', 'copy,select', 't'],
  ["copy t from program 'ls'", 'copy-program,copy,insert', 't'],
  ["copy (select 1) to '/x'", 'write-file,copy,select', ''],
  ['select * into n from t', 'create,select', 'n,t'],
  ['create table n as select * from t', 'create,select', 'n,t'],
  ['set role x', 'set-role', ''],
  ['reset role', 'set-role', ''],
  ['set session authorization x', 'set-role', ''],
  ["select set_config('role','x',false)", 'set-role,select', ''],
  ["select pg_catalog.set_config(a,'x',false) from t", 'set-role,set-lexer,select', 't'],
  ['set standard_conforming_strings=off', 'set-lexer', ''],
  ['set standard_conforming_strings=on', 'set', ''],
  ["set client_encoding='latin1'", 'set-lexer', ''],
  ["set names 'UTF8'", 'set', ''],
  ['select * from t for update', 'lock,select', 't'],
  ["select pg_read_file('/x')", 'read-file,select', ''],
  ["update pg_settings set setting='x'", 'set-role,set-lexer,update', 'pg_settings'],
  ['insert into a select * from b on conflict (id) do update set x=1', 'update,insert,select', 'a,b'],
  ['merge into a using b on a.i=b.i when matched then delete', 'delete,merge', 'a,b'],
  ['with t as (select 1) select * from t, public.t', 'select', 'public.t'],
  ['with t as (select * from t) select * from t', 'select', 't'],
  ['with recursive t as (select * from t) select * from t', 'select', ''],
  ['with a as (select 1) delete from a', 'delete,select', 'a'],
  ['drop table s.a, b', 'drop', 's.a,b'],
  ['truncate a', 'truncate', 'a'],
  ['grant select on a to u', 'grant', 'a'],
  ['revoke all on a from u', 'revoke', 'a'],
  ['begin; delete from x; commit', 'delete,transaction', 'x'],
  ["select query_to_xml('x',true,true,'')", 'dynamic,select', ''],
  ['', 'empty', ''],
  ['selec 1', 'unknown', ''],
  ['select 1\0', 'unknown', ''],
  ["select '\ud800'", 'unknown', ''],
  ['(select * from a) union (select * from b)', 'select', 'a,b'],
  ['create role x', 'grant,create', ''],
  ['alter system set a=1', 'alter-system', ''],
  ['select 1 where exists (select 1 from z)', 'select', 'z'],
  ['lock table a', 'lock', 'a'],
  ['vacuum a', 'maintain', 'a'],
  ['alter table a add b int', 'alter', 'a'],
  ['create view v as select * from t', 'create,select', 'v,t'],
  ['declare c cursor for select * from t', 'select', 't'],
];

const restricted: readonly (readonly [string, boolean])[] = [
  ['select * from t', false],
  ['select * from t where true', false],
  ['select * from t where 1=1', false],
  ['select * from t where id=id', false],
  ['select * from t where id=1 or true', false],
  ['select * from t where id=1', true],
  ['delete from t', false],
  ['select * from (select * from t) s where s.id=1', false],
  ['truncate t', false],
  ['select 1', true],
];

describe('reading SQL', () => {
  const reader = new SqlReader();
  before(() => reader.start());
  after(() => reader.stop());

  for (const [text, wanted, tables] of effects) {
    it(`${JSON.stringify(text)} is ${wanted}`, async () => {
      const { action } = await reader.read(text);
      assert.equal(action.effects.join(','), wanted);
      assert.equal(action.verb, wanted.split(',')[0]);
      const names = action.tables.map(({ schema, name }) => (schema === undefined ? name : `${schema}.${name}`));
      assert.deepEqual(names.sort(), tables.split(',').filter(Boolean).sort());
    });
  }

  for (const [text, wanted] of restricted) {
    it(`${JSON.stringify(text)} ${wanted ? 'is' : 'is not'} restricted by a WHERE`, async () => {
      assert.equal((await reader.read(text)).action.hasWhere, wanted);
    });
  }

  it('reads on after texts that break the parser', async () => {
    for (let i = 0; i < 40; i++) await reader.read(`select ${'1+'.repeat(20_000 + i)}1`);
    assert.equal((await reader.read('select 7')).action.verb, 'select');
  });
});
