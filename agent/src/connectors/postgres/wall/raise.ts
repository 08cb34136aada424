import { createHash } from 'node:crypto';
import type { Wall } from '@sallyport/shared/tunnel/opening.ts';
import { AnswerError, type Inquiry } from '@sallyport/shared/wire/postgres/inquiry.ts';
import { identifier, literal } from '../roles/sql.ts';
import { type RoleNote, wallRolePrefix } from '../roles/sweep.ts';
import { readCatalogue, readColumnRights } from './catalogue.ts';
import { columnwise, planWall, type WallPlan } from './plan.ts';
import { protectionOf } from './protection.ts';

/** Why the wall does not stand, in words for the person who owns the database. */
export class WallProblem extends Error {}

/** Walls that were looked at a moment ago are taken as they were. */
const FRESH_MS = 30_000;
/** Two at once would trip over each other's GRANTs on one table. */
const advisoryKey = 0x5a11;
const MAX_FRESH = 1_000;

/** Keeps the roles that hold walls' rights: one for each configured role, database and set of terms, shared by sessions. */
export class Walls {
  readonly #fresh = new Map<string, number>();

  /**
   * Resolves to the role that has the rights of `role` but for what the wall keeps, made or brought up to date.
   * @throws WallProblem, AnswerError
   */
  async raise(
    inquiry: Inquiry,
    place: string,
    database: string,
    role: string,
    wall: Wall,
    run: string,
  ): Promise<string> {
    const name = nameOf(database, role, wall);
    const key = `${place} ${name}`;
    if (Date.now() - (this.#fresh.get(key) ?? 0) < FRESH_MS) return name;
    const note: RoleNote = { by: 'sallyport', of: role, run, at: new Date().toISOString(), database };
    await inquiry.ask(`begin; select pg_advisory_xact_lock(${advisoryKey})`);
    try {
      const [known = []] = await inquiry.ask(`select from pg_roles where rolname = ${literal(name)}`);
      if (known.length === 0) await inquiry.ask(`create role ${identifier(name)} nologin`);
      await inquiry.ask(`comment on role ${identifier(name)} is ${literal(JSON.stringify(note))}`);
      await build(inquiry, name, role, wall);
      await inquiry.ask('commit');
    } catch (error) {
      await inquiry.ask('rollback');
      throw error;
    }
    if (this.#fresh.size >= MAX_FRESH) this.#fresh.clear();
    this.#fresh.set(key, Date.now());
    return name;
  }
}

async function build(inquiry: Inquiry, name: string, role: string, wall: Wall): Promise<void> {
  const plan = await planned(inquiry, name, role, wall);
  if (plan.problem !== undefined) throw new WallProblem(plan.problem);
  if (plan.statements.length === 0) return;
  for (const statement of plan.statements) {
    await inquiry.ask(statement).catch((error) => {
      throw error instanceof AnswerError ? new WallProblem(`${error.message} (${statement}); ${remedy}`) : error;
    });
  }
  // A GRANT by somebody without the right to give it is a warning, not an error.
  const [left] = (await planned(inquiry, name, role, wall)).statements;
  if (left !== undefined) throw new WallProblem(`it may not do this: ${left}; ${remedy}`);
}

const remedy = 'make the issuing role a member of the role that owns it, or give it the right WITH GRANT OPTION';

async function planned(inquiry: Inquiry, name: string, role: string, wall: Wall): Promise<WallPlan> {
  const catalogue = await readCatalogue(inquiry, role, name);
  const protection = protectionOf(catalogue, wall.columns);
  const oids = columnwise(catalogue, protection).map(({ oid }) => oid);
  return planWall(catalogue, await readColumnRights(inquiry, role, name, oids), protection, wall, name);
}

function nameOf(database: string, role: string, { readOnly, columns, privileges }: Wall): string {
  const terms = JSON.stringify([database, role, readOnly, [...columns].sort(), [...privileges].sort()]);
  return wallRolePrefix + createHash('sha256').update(terms).digest('hex').slice(0, 12);
}
