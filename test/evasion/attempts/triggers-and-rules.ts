import type { AttemptClass } from '../attempt.ts';

const told =
  "create function told() returns trigger language plpgsql as $$ begin raise notice '%', new.t; return new; end $$";
const kept =
  'create function kept() returns trigger language plpgsql as $$ begin insert into audit_log (said) values (old.t); return new; end $$';
const renamed =
  'create function renamed() returns trigger language plpgsql as $$ begin new.name := new.t; return new; end $$';

export const triggersAndRules: AttemptClass = {
  name: 'triggers and rules',
  against: 'vault',
  attempts: [
    {
      steps: [
        told,
        'create trigger told before update on people for each row execute function told()',
        'update people set age = age',
      ],
    },
    {
      steps: [
        kept,
        'create trigger kept before update on people for each row execute function kept()',
        'update people set age = age',
        'select said from audit_log',
      ],
    },
    {
      steps: [
        renamed,
        'create trigger renamed before update on people for each row execute function renamed()',
        'update people set age = age returning name',
      ],
    },
    {
      steps: [
        renamed,
        'create trigger renamed before update on people for each row execute function renamed()',
        'update people set age = age',
        'select name from people',
      ],
    },
    {
      steps: [
        'create trigger x before update on people for each row execute function suppress_redundant_updates_trigger()',
        'update people set age = age',
      ],
    },
    {
      steps: [
        "create trigger x before update on people for each row execute function tsvector_update_trigger(name, 'pg_catalog.simple', t)",
      ],
    },
    { steps: ["create trigger x after update on people for each row when (new.t like 'k%') execute function poked()"] },
    { steps: ['create event trigger e on ddl_command_start execute function poked()'] },
    { steps: ['create rule r as on update to people do also select new.t', 'update people set age = age'] },
    {
      steps: [
        'create rule r as on insert to audit_log do instead select t from people',
        "insert into audit_log (said) values ('x')",
      ],
    },
    { steps: ['create rule "_RETURN" as on select to poke do instead select 1, t from people', 'select * from poke'] },
    {
      steps: [
        'create rule r as on delete to orders do instead insert into audit_log (said) select t from people',
        'delete from orders',
        'select said from audit_log',
      ],
    },
    {
      steps: [
        'create or replace rule r as on update to orders do instead update orders set note = p.t from people p where orders.id = p.id returning orders.*',
        'update orders set note = note returning note',
      ],
    },
    {
      steps: [
        'create rule r as on insert to orders do instead insert into audit_log (said) values ((select t from people limit 1)) returning 1, 2, 3::numeric, said',
        'insert into orders values (1) returning note',
      ],
    },
    {
      steps: [
        'create rule r as on insert to audit_log do also notify pokes',
        "insert into audit_log (said) values ('x')",
      ],
    },
    { steps: ['alter table people disable trigger all'] },
    { steps: ['set session_replication_role = replica', 'select t from people'] },
  ],
};
