import { randomBytes } from 'node:crypto';
import type { Inquiry } from '@sallyport/shared/wire/postgres/inquiry.ts';
import type { Analysis } from './sql/analysis.ts';

/** Statements that the planner plans. */
const planned = new Set(['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt']);
/** Statements whose rows are of no interest: they have none. */
const rowless = new Set(['TransactionStmt', 'VariableSetStmt', 'VariableShowStmt', 'DeallocateStmt', 'DiscardStmt']);

interface Plan {
  readonly 'Node Type'?: string;
  readonly 'Plan Rows'?: number;
  readonly Plans?: readonly Plan[];
}

/**
 * How many rows the target's planner expects a text to give or change (EXPLAIN, which runs nothing); a change counts the
 * rows below it. Undefined where it cannot be said: rules that ask fail closed then.
 */
export async function estimateRows(
  inquiry: Inquiry,
  text: string,
  analysis: Analysis,
  searchPath: string | undefined,
): Promise<number | undefined> {
  const { statements } = analysis;
  if (statements.every(({ tag }) => rowless.has(tag))) return 0;
  const [statement] = statements;
  // One at a time: what an earlier statement of the text changes, the planner cannot know.
  if (statement?.stmt === undefined || statements.length > 1 || !planned.has(statement.tag)) return undefined;
  const path = searchPath === undefined ? '' : `set local search_path = ${searchPath};`;
  const name = `sallyport_${randomBytes(8).toString('hex')}`;
  const nulls = parameterCount(statement.stmt);
  const explained = nulls === 0 ? text : `execute ${name}(${Array(nulls).fill('null').join(',')})`;
  const prepared = nulls === 0 ? '' : `set local plan_cache_mode = force_generic_plan; prepare ${name} as ${text}\n;`;
  try {
    const results = await inquiry.ask(
      `begin read only; ${path} ${prepared} explain (format json) ${explained}\n; rollback${nulls === 0 ? '' : `; deallocate ${name}`}`,
    );
    const json = results.flat().find((row) => row[0]?.startsWith('['))?.[0];
    const [root] = JSON.parse(json ?? '[]') as { Plan: Plan }[];
    return root === undefined ? undefined : rowsOf(root.Plan);
  } catch {
    await inquiry.ask('rollback; deallocate all').catch(() => undefined);
    return undefined;
  }
}

const rowsOf = (plan: Plan): number | undefined =>
  plan['Node Type'] === 'ModifyTable'
    ? plan.Plans?.reduce((sum, child) => sum + (child['Plan Rows'] ?? 0), 0)
    : plan['Plan Rows'];

/** The highest `$n` of a statement's tree. */
function parameterCount(tree: unknown): number {
  let highest = 0;
  JSON.stringify(tree, (key, value) => {
    if (key === 'ParamRef') highest = Math.max(highest, Number((value as { number?: number }).number ?? 0));
    return value;
  });
  return highest;
}
