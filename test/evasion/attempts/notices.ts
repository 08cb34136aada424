import type { AttemptClass } from '../attempt.ts';

export const notices: AttemptClass = {
  name: 'notices',
  against: 'vault',
  attempts: [
    ...['notice', 'raise', 'notify', 'unique', 'syntax', 'column', 'setting'].map((what) => ({
      steps: ['listen pokes', `insert into poke (what) values ('${what}')`],
    })),
    {
      steps: ['listen pokes', "insert into poke (what) values ('notify')", 'select 1'],
      bare: true,
      restore: 'delete from poke',
    },
    { steps: ['set client_min_messages = debug5', 'select t from people'] },
    { steps: ['set log_min_messages = debug5', 'select t from people'] },
    {
      steps: ['set debug_print_plan = on', 'set client_min_messages = log', 'select t from people where id = 1'],
      varies: 'node addresses and costs',
    },
    {
      steps: ['set debug_print_parse = on', 'set client_min_messages = log', 'select t from people where id = 1'],
      varies: 'locations',
    },
    { steps: ['set client_min_messages = log', 'set log_statement = $$all$$', 'select whisper()'] },
    {
      steps: ['set client_min_messages = log', 'set log_executor_stats = on', 'select t from people'],
      varies: 'times and sizes',
    },
    {
      steps: ['set client_min_messages = log', 'set log_min_duration_statement = 0', 'select t from people'],
      varies: 'times',
    },
    'select shout(t) from people',
    "select shout('a')",
    'call tell()',
    'do $$ begin call tell(); end $$',
    "do $$ declare s text; begin select t into s from people limit 1; raise notice '%', s; end $$",
    'do $$ declare s text; begin select t into s from people limit 1; raise exception using message = s; end $$',
    "do $$ declare s text; begin select t into s from people limit 1; raise info '%', s; end $$",
    "do $$ declare s text; begin select t into s from people limit 1; perform set_config('application_name', s, false); end $$",
    "do $$ begin raise notice '%', (select string_agg(t, ',') from people); end $$",
    'vacuum verbose people',
    'analyze verbose people',
    'create temp table x as select t from people',
    "select raise from (select fails_on('a') as raise) x",
    'listen people',
    "notify pokes, 'from the client'",
    { steps: ['listen pokes', "select pg_notify('pokes', (select t from people where id = 1))"] },
    { steps: ['listen pokes', "select pg_notify('pokes', t) from people"], bare: true },
    { steps: ['listen pokes', "select pg_notify(t, 'x') from people"], bare: true },
  ],
};
