import { celEnv, isCelError, parse, plan } from '@bufbuild/cel';
import type { AccessTerms, Approvers } from '@sallyport/shared/access/verdict.ts';
import { readAccess } from './access-terms.ts';
import { checkText, checkTree } from './expression-check.ts';
import type { Facts } from './facts.ts';
import { type NamedRule, type RuleSpec, readApprovers } from './rule.ts';

/** A rule that was checked and made ready. */
export interface CompiledRule {
  readonly name: string;
  readonly spec: RuleSpec;
  readonly approvers: Approvers | undefined;
  readonly access: AccessTerms | undefined;
  /** Undefined where the expression failed: the rule's outcome says what that means. */
  readonly condition: ((facts: Facts) => boolean | undefined) | undefined;
  /** Reads what differs between two askings of one statement. */
  readonly volatile: boolean;
  readonly readsEstimate: boolean;
  readonly readsBody: boolean;
  /** It may ask people about what is done in a session, not only about opening one. */
  readonly asksOfActions: boolean;
  /** It judges by what an action does. */
  readonly judgesEffects: boolean;
  /** Its condition asks who acts on the principal's behalf. */
  readonly readsActor: boolean;
}

const env = celEnv();
const changing = ['now', 'action.parameters', 'action.estimatedRows'];

/** @throws Error that names the rule, says what is wrong and what may have been meant. */
export function compileRule({ name, spec }: NamedRule): CompiledRule {
  try {
    return compiled(name, spec);
  } catch (error) {
    throw new Error(`rule ${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function compiled(name: string, spec: RuleSpec): CompiledRule {
  const { who } = spec;
  const named = [who.groups, who.users, who.serviceAccounts].some((list) => (list?.length ?? 0) > 0);
  if (!named && who.any !== true) throw new Error('who: name groups, users or serviceAccounts, or write any: true');
  if (spec.then !== 'approve' && spec.approvers !== undefined)
    throw new Error(`approvers mean nothing with ${spec.then}`);
  if (spec.then === 'deny' && spec.limit !== undefined) throw new Error('limit means nothing with deny');
  if (spec.then === 'deny' && spec.privileges !== undefined) throw new Error('privileges mean nothing with deny');
  const approvers = spec.then === 'approve' ? readApprovers(spec.approvers) : undefined;
  const access = readAccess(spec, approvers);
  if (spec.when === undefined) {
    return {
      name,
      spec,
      approvers,
      access,
      condition: undefined,
      volatile: false,
      readsEstimate: false,
      readsBody: false,
      asksOfActions: asksOfActions(spec),
      judgesEffects: spec.actions !== undefined,
      readsActor: false,
    };
  }
  const { condition, names } = compileCondition(spec.when);
  return {
    name,
    spec,
    approvers,
    access,
    condition,
    volatile: changing.some((name) => names.has(name)),
    readsEstimate: names.has('action.estimatedRows'),
    readsBody: names.has('action.body'),
    asksOfActions: asksOfActions(spec),
    judgesEffects: spec.actions !== undefined || names.has('action.verb') || names.has('action.effects'),
    readsActor: names.has('principal.actor'),
  };
}

function compileCondition(text: string) {
  checkText(text);
  const { expr } = parse(text);
  const { names } = checkTree(expr);
  const evaluate = plan(env, expr);
  const condition = (facts: Facts): boolean | undefined => {
    try {
      const result = evaluate(facts);
      return isCelError(result) || typeof result !== 'boolean' ? undefined : result;
    } catch {
      return undefined;
    }
  };
  return { condition, names };
}

const asksOfActions = ({ then, actions }: RuleSpec): boolean =>
  then === 'approve' && (actions === undefined || actions.some((action) => action !== 'session.open'));
