import type { Verdict } from '@sallyport/shared/access/verdict.ts';
import type { Finding } from '../../policy/lint.ts';
import type { Opinion } from '../../policy/policy-set.ts';
import type { SimulationReport } from '../../policy/simulation.ts';
import type { ApplyOrder, ResourcesPort } from '../ports.ts';

export interface SimulateOrder {
  readonly documents: ApplyOrder['documents'];
  /** `Kind/name`. */
  readonly deletions: readonly string[];
  /** Milliseconds since the epoch; undefined: the last seven days. */
  readonly since: number | undefined;
  readonly connection: string | undefined;
  /** A name or an id. */
  readonly principal: string | undefined;
}

export interface ExplainOrder {
  readonly principal: string;
  /** Undefined: the principal's own. */
  readonly groups: readonly string[] | undefined;
  readonly connection: string;
  readonly text: string;
  readonly documents: ApplyOrder['documents'];
}

export interface Explanation {
  readonly verdict: Verdict;
  readonly verb: string;
  readonly effects: readonly string[];
  readonly tables: readonly string[];
  readonly groups: readonly string[];
  readonly opinions: readonly Opinion[];
}

export type SimulationNews =
  | { readonly read: number; readonly total: number }
  | { readonly report: SimulationReport; readonly guessed: number };

/** Nothing of it changes anything. @throws ConfigError for documents that cannot be applied */
export interface PolicyPort {
  check(documents: ApplyOrder['documents']): Promise<{
    readonly outcomes: Awaited<ReturnType<ResourcesPort['apply']>>;
    readonly findings: readonly Finding[];
  }>;
  /** How far it came, now and then; the report last. */
  simulate(order: SimulateOrder, signal: AbortSignal): AsyncIterable<SimulationNews>;
  /** Undefined where there is no such connection. */
  explain(order: ExplainOrder): Promise<Explanation | undefined>;
}
