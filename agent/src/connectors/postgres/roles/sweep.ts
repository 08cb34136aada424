import type { Inquiry } from '@sallyport/shared/wire/postgres/inquiry.ts';
import { identifier, literal } from './sql.ts';

export const sessionRolePrefix = 'sallyport_s_';
export const wallRolePrefix = 'sallyport_w_';

/** What the comment on a role says of it, as JSON. */
export interface RoleNote {
  readonly by: 'sallyport';
  /** The configured role, whose rights it has and to whom its objects go. */
  readonly of: string;
  /** The run of the agent that made it; another run's roles are nobody's when nobody is logged in with them. */
  readonly run: string;
  /** ISO 8601. */
  readonly at: string;
  readonly session?: string;
  readonly database?: string;
}

/** From CREATE ROLE to the first login, with room. */
const NEWBORN_MS = 60_000;
/** A wall without a session for so long is taken down. */
const UNUSED_WALL_MS = 24 * 60 * 60_000;

const ours = `
  select r.rolname, shobj_description(r.oid, 'pg_authid'), coalesce(r.rolvaliduntil < now(), false),
    exists(select from pg_stat_activity a where a.usename = r.rolname), exists(select from pg_auth_members m where m.roleid = r.oid and m.member in (select oid from pg_roles where rolname like 'sallyport\\_s\\_%'))
  from pg_roles r where r.rolname ~ '^sallyport_[sw]_[0-9a-f]{12}$'`;

/** What a sweep did, and what of other runs' it has to look at again. */
export interface Swept {
  readonly swept: number;
  readonly waiting: number;
}

/** Takes back what a crash left behind: roles of ours that nobody uses any more. */
export async function sweep(inquiry: Pick<Inquiry, 'ask'>, run: string, database: string): Promise<Swept> {
  const [rows = []] = await inquiry.ask(ours);
  let swept = 0;
  let waiting = 0;
  for (const [name, comment, isExpired, isUsed, hasSessions] of rows) {
    const note = readNote(comment ?? null);
    if (name === null || name === undefined || note === undefined) continue;
    if (note.database !== undefined && note.database !== database) continue;
    const age = Date.now() - Date.parse(note.at);
    const isLeft = name.startsWith(sessionRolePrefix) && note.run !== run;
    // A backend whose client was killed lives on until its statement is through.
    if (isLeft && (isUsed === 't' || age <= NEWBORN_MS)) waiting += 1;
    if (isUsed === 't' || hasSessions === 't') continue;
    const isOver = name.startsWith(wallRolePrefix)
      ? age > UNUSED_WALL_MS
      : isExpired === 't' || (note.run !== run && age > NEWBORN_MS);
    // Another agent may be faster, and one that is not ours to drop stays.
    if (
      isOver &&
      (await dropRole(inquiry, name, note.of).then(
        () => true,
        () => false,
      ))
    )
      swept += 1;
  }
  return { swept, waiting };
}

/** Ends a role's sessions, hands what it made to `heir`, and drops it. Nothing happens where it is gone already. */
export async function dropRole(inquiry: Pick<Inquiry, 'ask'>, name: string, heir: string): Promise<void> {
  const [rows = []] = await inquiry.ask(`
    select exists(select from pg_shdepend d where d.refclassid = 'pg_authid'::regclass and d.refobjid = r.oid and d.deptype = 'o'
      and d.dbid in (0, (select oid from pg_database where datname = current_database())))
    from pg_roles r where r.rolname = ${literal(name)}`);
  const [row] = rows;
  if (row === undefined) return;
  await inquiry.ask(
    `select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = ${literal(name)} and pid <> pg_backend_pid()`,
  );
  const keep = row[0] === 't' ? `reassign owned by ${identifier(name)} to ${identifier(heir)};` : '';
  await inquiry
    .ask(`begin; ${keep} drop owned by ${identifier(name)}; drop role ${identifier(name)}; commit`)
    .catch(async (error) => {
      await inquiry.ask('rollback');
      throw error;
    });
}

function readNote(comment: string | null): RoleNote | undefined {
  try {
    const note = JSON.parse(comment ?? '') as Partial<RoleNote>;
    return note.by === 'sallyport' && typeof note.of === 'string' && typeof note.at === 'string'
      ? (note as RoleNote)
      : undefined;
  } catch {
    return undefined;
  }
}
