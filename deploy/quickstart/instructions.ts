import { findProgram } from './processes.ts';

const bold = (text: string): string => (process.stdout.isTTY ? `\x1b[1m${text}\x1b[0m` : text);

/** What to paste into another terminal, in the folder of the checkout. */
export function instructions(
  ports: { readonly web: number; readonly postgres: number },
  nats: number | undefined,
): string {
  const line = (user: string, sql: string): string =>
    `PGPASSWORD=$(cat .quickstart/${user}.token) psql "host=127.0.0.1 port=${ports.postgres} dbname=shop user=${user}" -c "${sql}"`;
  const url = ports.web === 8080 ? '' : `SALLYPORT_URL=http://127.0.0.1:${ports.web} `;
  const cli = (user: string, rest: string): string =>
    `${url}SALLYPORT_TOKEN=$(cat .quickstart/${user}.token) npx sallyport ${rest}`;
  const entries: readonly (readonly [string, ...string[]])[] = [
    ['A query that just works', line('alice', 'select city, count(*) from customers group by city order by 2 desc')],
    ['Masked: alice sees the last four', line('alice', 'select name, email, phone from customers limit 5')],
    [
      'The same for dana of the dba group: not masked',
      line('dana', 'select name, email, phone from customers limit 5'),
    ],
    ['Refused', line('alice', 'drop table customers')],
    ['Waits for approval (no WHERE): leave it waiting', line('alice', "update orders set status = 'open'")],
    ['… and approve it from another terminal', cli('dana', 'approvals list'), cli('dana', 'approvals approve ID')],
    ['Replay what happened', cli('admin', 'sessions list'), cli('admin', 'sessions replay ID')],
    [
      'Look at all of it in a browser',
      `http://127.0.0.1:${ports.web}   as admin, with the password from: cat .quickstart/gateway/initial-admin-password`,
    ],
    ['Follow the events', cli('admin', 'audit tail --follow'), ...natsLine(nats)],
  ];
  const text = entries.map(
    ([title, ...lines], i) => `${bold(`${i + 1}. ${title}`)}\n${lines.map((one) => `   ${one}\n`).join('')}`,
  );
  const hint = findProgram('psql') === undefined ? '\n(psql is missing here: apt install postgresql-client)\n' : '';
  return `\n${bold('Sallyport runs.')} Paste into another terminal, in this folder; Ctrl-C here stops everything.\n${hint}\n${text.join('\n')}\n`;
}

const natsLine = (nats: number | undefined): string[] =>
  nats === undefined ? [] : [`nats sub -s nats://127.0.0.1:${nats} 'sallyport.audit.>'   (with the nats command line)`];
