import type { Exposure, Treatment, Veil } from '../protocol.ts';
import type { ColumnRef, OutputColumn, StatementLineage } from './lineage/lineage.ts';
import type { CopyOptions } from './masking/copy.ts';
import { type ColumnPlan, unseen } from './masking/plan.ts';

type Shown = ColumnPlan[number];

/** What is done to the rows of one statement. */
export interface ResultPlan {
  /** Undefined: nobody knows the columns, so nothing of them is shown. */
  readonly columns: ColumnPlan | undefined;
  /** Type OIDs as far as the lineage knows them, for results that come without a RowDescription. */
  readonly types: readonly (number | undefined)[];
  /** Every column passes as it is: rows need not be read. */
  readonly harmless: boolean;
  /** Tables that the catalogue does not have are of the session's own making: what the plan says of them holds. */
  readonly trustsPlan?: boolean;
  /** Where the rows leave by COPY. */
  readonly copy?: CopyOptions;
}

export interface Weighed {
  readonly exposure: Exposure;
  readonly results: readonly ResultPlan[];
}

const path = ({ schema, table, column }: ColumnRef): readonly string[] => [schema, table, column];

/** Weighs a text's statements against a veil: what is masked, and what no mask could cover. */
export function weigh(
  lineages: readonly StatementLineage[],
  copies: readonly (CopyOptions | undefined)[],
  veil: Veil,
): Weighed {
  const masks = new Set<string>();
  let reveals: Exposure['reveals'];
  const results: ResultPlan[] = [];
  for (const [i, lineage] of lineages.entries()) {
    reveals ??= revelation(lineage, veil);
    const copy = copies[i];
    const plan = {
      ...planOf(lineage, veil),
      trustsPlan: lineage.readsMade === true,
      ...(copy === undefined ? {} : { copy }),
    };
    for (const shown of plan.columns ?? [unseen(veil)]) if (typeof shown === 'object') masks.add(shown.mask);
    results.push(plan);
  }
  const shown = results.some(({ harmless }) => !harmless) ? [...masks] : [];
  return { exposure: reveals === undefined ? { masks: shown } : { masks: shown, reveals }, results };
}

function planOf({ returnsRows, outputs }: StatementLineage, veil: Veil): ResultPlan {
  if (!returnsRows) return { columns: [], types: [], harmless: true };
  if (outputs === undefined) return { columns: undefined, types: [], harmless: false };
  const columns = outputs.map((output) => shownAs(output, veil));
  return { columns, types: outputs.map(({ typeOid }) => typeOid), harmless: columns.every((one) => one === 'pass') };
}

/** The strictest treatment of what a column is made of; a value computed from a protected one is hidden as a whole. */
function shownAs({ sources, exact, unknown }: OutputColumn, veil: Veil): Shown {
  if (unknown) return unseen(veil);
  const treatments = sources.map((source) => veil.treatment(path(source))).filter((one) => one !== undefined);
  if (treatments.length === 0) return veil.inspects ? 'inspect' : 'pass';
  const strictest = treatments.reduce(stricter);
  return exact || strictest.as === 'null' ? strictest : { mask: strictest.mask, as: 'redact', coversNull: true };
}

const strictness = { null: 3, redact: 2, hash: 1, partial: 0 } as const;

const stricter = (one: Treatment, other: Treatment): Treatment =>
  strictness[other.as] > strictness[one.as] ? other : one;

function revelation({ observed, copied, opaque }: StatementLineage, veil: Veil): Exposure['reveals'] {
  // Detectors look at whatever comes; only columns need to be seen through.
  if (!veil.protects) return undefined;
  if (opaque !== undefined) {
    return {
      mask: veil.unknown.mask,
      message: `masks apply to you here, and this cannot be seen through: ${opaque}`,
      hint: 'Write it as plain SQL, or ask for access without the mask.',
    };
  }
  const seen = protectedOf(observed, veil);
  if (seen !== undefined) {
    return {
      mask: seen.mask,
      message: `the protected column ${seen.name} decides which rows come, or in which order`,
      hint: 'Leave it out of WHERE, JOIN, GROUP BY, ORDER BY and other conditions; it may be selected, and is masked.',
    };
  }
  const copy = protectedOf(copied, veil);
  if (copy === undefined) return undefined;
  return {
    mask: copy.mask,
    message: `the protected column ${copy.name} would be written to where it is not protected`,
    hint: 'Leave it out, or ask for access without the mask.',
  };
}

function protectedOf(columns: readonly ColumnRef[], veil: Veil): { name: string; mask: string } | undefined {
  for (const column of columns) {
    const treatment = veil.treatment(path(column));
    if (treatment !== undefined) return { name: path(column).join('.'), mask: treatment.mask };
  }
  return undefined;
}
