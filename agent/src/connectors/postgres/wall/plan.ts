import type { Wall } from '@sallyport/shared/tunnel/opening.ts';
import { identifier } from '../roles/sql.ts';
import type { Catalogue, ColumnRights, Grantable, Relation, Right } from './catalogue.ts';
import type { Protection } from './protection.ts';

/** What is to be done so that a wall's role has the rights it should have, no more and no fewer. */
export interface WallPlan {
  /** GRANT and REVOKE statements; those that take away come first. */
  readonly statements: readonly string[];
  /** Why no wall can be built: rights that everybody has. For the person who owns the database. */
  readonly problem: string | undefined;
}

export type RightsOfColumns = ReadonlyMap<string, ReadonlyMap<number, ColumnRights>>;

/** Relations whose rights are to be looked at column by column. */
export function columnwise(catalogue: Catalogue, protection: Protection): Relation[] {
  return catalogue.relations.filter(
    (one) => one.hasColumnRights || protection.of(one).size > 0 || protection.mayProtect(one),
  );
}

export function planWall(
  catalogue: Catalogue,
  columns: RightsOfColumns,
  protection: Protection,
  wall: Wall,
  role: string,
): WallPlan {
  const problems = catalogue.relations.flatMap((one) => leaks(one, columns.get(one.oid), protection.of(one), wall));
  const problem = problems.length === 0 ? undefined : explained(problems);
  const taken: string[] = [];
  const given: string[] = [];
  for (const one of [...catalogue.others, ...catalogue.relations]) {
    const { grant, revoke } =
      'oid' in one
        ? relationStatements(one as Relation, columns.get((one as Relation).oid), protection, wall, role)
        : wholeStatements(one, wanted(one, wall), role);
    given.push(...grant);
    taken.push(...revoke);
  }
  return { statements: [...taken, ...given], problem };
}

interface Statements {
  readonly grant: readonly string[];
  readonly revoke: readonly string[];
}

function relationStatements(
  relation: Relation,
  columns: ReadonlyMap<number, ColumnRights> | undefined,
  protection: Protection,
  wall: Wall,
  role: string,
): Statements {
  const hidden = protection.of(relation);
  const isShut = relation.isOpaque || (relation.isView && hidden.size > 0);
  const whole = isShut ? new Set<Right>() : wanted(relation, wall);
  if (columns === undefined || isShut) return wholeStatements(relation, whole, role);
  const isColumnwise = hidden.size > 0 || protection.mayProtect(relation);
  if (isColumnwise) whole.delete('SELECT');
  const first = wholeStatements(relation, whole, role);
  const lost = [...relation.ofWall].filter((right) => !whole.has(right));
  const grant: string[] = [];
  const revoke: string[] = [];
  for (const right of ['SELECT', 'INSERT', 'UPDATE'] as const) {
    if (!mayHave('relation', right, wall)) continue;
    const should = [...columns].filter(
      ([number, has]) =>
        has.rights.has(right) &&
        !whole.has(right) &&
        !(right === 'SELECT' && hidden.has(number)) &&
        !has.ofPublic.has(right),
    );
    // Taking a right from the whole relation takes it from its columns too.
    const have = [...columns].filter(([, has]) => has.ofWall.has(right) && !lost.includes(right));
    const numbers = new Set(should.map(([number]) => number));
    const present = new Set(have.map(([number]) => number));
    const listed = (list: readonly (readonly [number, unknown])[]): string =>
      list.map(([number]) => identifier(relation.columns.find((one) => one.number === number)?.name ?? '')).join(', ');
    const missing = should.filter(([number]) => !present.has(number));
    const surplus = have.filter(([number]) => !numbers.has(number));
    if (missing.length > 0) grant.push(`grant ${right} (${listed(missing)}) on ${relation.sql} to ${identifier(role)}`);
    if (surplus.length > 0)
      revoke.push(`revoke ${right} (${listed(surplus)}) on ${relation.sql} from ${identifier(role)}`);
  }
  return { grant: [...first.grant, ...grant], revoke: [...first.revoke, ...revoke] };
}

function wholeStatements({ sql, ofWall }: Grantable, rights: ReadonlySet<Right>, role: string): Statements {
  const missing = [...rights].filter((right) => !ofWall.has(right));
  const surplus = [...ofWall].filter((right) => !rights.has(right));
  return {
    grant: missing.length === 0 ? [] : [`grant ${missing.join(', ')} on ${sql} to ${identifier(role)}`],
    revoke: surplus.length === 0 ? [] : [`revoke ${surplus.join(', ')} on ${sql} from ${identifier(role)}`],
  };
}

/** What the configured role has, the wall lets through, and not everybody has anyway. */
function wanted({ kind, rights, ofPublic }: Grantable, wall: Wall): Set<Right> {
  return new Set([...rights].filter((right) => !ofPublic.has(right) && mayHave(kind, right, wall)));
}

function mayHave(kind: Grantable['kind'], right: Right, { readOnly, privileges }: Wall): boolean {
  if ((kind === 'schema' && right === 'USAGE') || right === 'CONNECT') return true;
  // Whoever may insert needs the numbers that sequences give.
  const named = kind === 'sequence' && right !== 'SELECT' ? ['insert', 'update'] : [right.toLowerCase()];
  if (readOnly && !['SELECT', 'EXECUTE'].includes(right)) return false;
  return privileges.length === 0 || named.some((one) => privileges.includes(one));
}

/** Rights that everybody has cannot be kept from one role. */
function leaks(
  relation: Relation,
  columns: ReadonlyMap<number, ColumnRights> | undefined,
  hidden: ReadonlySet<number>,
  { readOnly, privileges }: Wall,
): string[] {
  const found: string[] = [];
  const open = [...hidden].filter((number) => columns?.get(number)?.ofPublic.has('SELECT'));
  if (hidden.size > 0 && (relation.ofPublic.has('SELECT') || open.length > 0)) found.push(`SELECT on ${relation.sql}`);
  for (const right of ['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) {
    const isBarred = readOnly || (privileges.length > 0 && !privileges.includes(right.toLowerCase()));
    if (isBarred && relation.ofPublic.has(right)) found.push(`${right} on ${relation.sql}`);
  }
  return found;
}

function explained(problems: readonly string[]): string {
  const [first] = problems;
  const more = problems.length > 1 ? ` and ${problems.length - 1} more` : '';
  return `PUBLIC has ${first}${more}, which no role can be kept from: REVOKE ${first} FROM PUBLIC, and grant it to those who need it`;
}
