import type { Inquiry } from '@sallyport/shared/wire/postgres/inquiry.ts';
import { identifier, literal } from './sql.ts';

/** What was set for a role with ALTER ROLE … SET and what a plain role may set: a role of its own does not inherit it. */
const settingsOf = (role: string): string => `
  select s.setdatabase <> 0, split_part(c, '=', 1), substr(c, strpos(c, '=') + 1)
  from pg_db_role_setting s join pg_roles r on r.oid = s.setrole, unnest(s.setconfig) c
  left join pg_settings g on g.name = split_part(c, '=', 1)
  where r.rolname = ${literal(role)} and s.setdatabase in (0, (select oid from pg_database where datname = current_database()))
    and coalesce(g.context, 'user') = 'user' and split_part(c, '=', 1) <> 'role'`;

/** Statements that give `to` the settings of `from`, for use within a transaction. */
export async function copySettings(inquiry: Inquiry, from: string, to: string, database: string): Promise<string[]> {
  const [rows = []] = await inquiry.ask(settingsOf(from));
  return rows.map(([inDatabase, name, value]) => {
    const where = inDatabase === 't' ? `in database ${identifier(database)} ` : '';
    // By way of the value in force: lists such as search_path would be quoted as one word otherwise.
    return `select set_config(${literal(name ?? '')}, ${literal(value ?? '')}, true);
      alter role ${identifier(to)} ${where}set ${(name ?? '').split('.').map(identifier).join('.')} from current;`;
  });
}
