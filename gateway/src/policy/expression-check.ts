import { hint } from '@sallyport/shared/errors/nearest.ts';
import { functions, members, types, variables } from './vocabulary.ts';

export const caps = {
  /** Characters of an expression. */
  length: 4_096,
  /** Nested brackets, and levels of the syntax tree. */
  brackets: 32,
  depth: 64,
  nodes: 1_000,
  /** `all`, `exists`, `map`, … inside of each other. */
  comprehensions: 2,
} as const;

/** What an expression reads, for knowing what may be cached. */
export interface Mentions {
  readonly names: ReadonlySet<string>;
}

type Tree = { readonly [field: string]: unknown };
interface Expression {
  readonly exprKind: { readonly case: string | undefined; readonly value?: unknown };
}

/** @throws Error for a text that is too long or too nested to be parsed. */
export function checkText(text: string): void {
  if (text.length > caps.length) throw new Error(`the expression is longer than ${caps.length} characters`);
  let open = 0;
  for (const character of text) {
    if ('([{'.includes(character)) open += 1;
    else if (')]}'.includes(character)) open -= 1;
    if (open > caps.brackets) throw new Error(`brackets are nested deeper than ${caps.brackets}`);
  }
}

/** Checks names, functions and costs. @throws Error with the nearest right name. */
export function checkTree(root: unknown): Mentions {
  const check = new Check();
  check.visit(root as Expression, { locals: new Set(), depth: 0, loops: 0 });
  return { names: check.names };
}

interface At {
  readonly locals: ReadonlySet<string>;
  readonly depth: number;
  readonly loops: number;
}

class Check {
  readonly names = new Set<string>();
  #nodes = 0;

  visit(expression: Expression | undefined, from: At): void {
    if (expression === undefined) return;
    const at = { ...from, depth: from.depth + 1 };
    this.#nodes += 1;
    if (this.#nodes > caps.nodes || at.depth > caps.depth) throw new Error('the expression is too large');
    const value = (expression.exprKind.value ?? {}) as Tree;
    switch (expression.exprKind.case) {
      case 'identExpr':
        return this.#identifier(String(value['name']), at);
      case 'selectExpr':
        return this.#select(value['operand'] as Expression, String(value['field']), at);
      case 'callExpr':
        return this.#call(value, at);
      case 'comprehensionExpr':
        return this.#loop(value, at);
      case 'listExpr':
        for (const element of value['elements'] as Expression[]) this.visit(element, at);
        return;
      case 'structExpr':
        return this.#struct(value, at);
    }
  }

  #identifier(name: string, at: At): void {
    if (at.locals.has(name) || types.has(name)) return;
    if (!Object.hasOwn(variables, name)) throw new Error(`unknown name ${name}: ${hint(name, Object.keys(variables))}`);
    const fields = variables[name];
    if (fields !== undefined)
      throw new Error(
        `${name} is no value by itself: ${hint(
          '',
          fields.map((f) => `${name}.${f}`),
        )}`,
      );
    this.names.add(name);
  }

  #select(operand: Expression, field: string, at: At): void {
    const root = this.#root(operand, at);
    if (root === undefined) {
      this.#member(operand, field, at);
      return this.visit(operand, at);
    }
    const fields = variables[root] ?? [];
    if (!fields.includes(field)) {
      throw new Error(
        `unknown name ${root}.${field}: ${hint(
          `${root}.${field}`,
          fields.map((f) => `${root}.${f}`),
        )}`,
      );
    }
    this.names.add(`${root}.${field}`);
  }

  /** A field of a field whose own fields are known. */
  #member(operand: Expression, field: string, at: At): void {
    if (operand.exprKind.case !== 'selectExpr') return;
    const { operand: inner, field: outer } = operand.exprKind.value as unknown as Tree;
    const root = this.#root(inner as Expression, at);
    const path = `${root}.${String(outer)}`;
    const known = root === undefined || !Object.hasOwn(members, path) ? undefined : members[path];
    if (known === undefined || known.includes(field)) return;
    throw new Error(
      `unknown name ${path}.${field}: ${hint(
        `${path}.${field}`,
        known.map((f) => `${path}.${f}`),
      )}`,
    );
  }

  /** The variable that has fields, where `operand` is one. */
  #root(operand: Expression, at: At): string | undefined {
    if (operand.exprKind.case !== 'identExpr') return undefined;
    const name = String((operand.exprKind.value as Tree)['name']);
    return !at.locals.has(name) && Object.hasOwn(variables, name) && variables[name] !== undefined ? name : undefined;
  }

  #call(value: Tree, at: At): void {
    const name = String(value['function']);
    const target = value['target'] as Expression | undefined;
    if (/^\w+$/.test(name) && !name.startsWith('_') && !functions.has(name)) {
      throw new Error(`unknown function ${name}: ${hint(name, functions)}`);
    }
    this.visit(target, at);
    for (const argument of value['args'] as Expression[]) this.visit(argument, at);
  }

  #loop(value: Tree, at: At): void {
    const loops = at.loops + 1;
    if (loops > caps.comprehensions) {
      throw new Error(`all, exists, map and filter may be nested ${caps.comprehensions} deep at most`);
    }
    const inside = { ...at, loops };
    this.visit(value['iterRange'] as Expression, inside);
    const locals = new Set([
      ...at.locals,
      String(value['iterVar']),
      String(value['iterVar2']),
      String(value['accuVar']),
    ]);
    for (const part of ['accuInit', 'loopCondition', 'loopStep', 'result']) {
      this.visit(value[part] as Expression, { ...inside, locals });
    }
  }

  #struct(value: Tree, at: At): void {
    if (value['messageName'] !== '') throw new Error('messages cannot be made in a rule');
    for (const entry of value['entries'] as Tree[]) {
      const key = entry['keyKind'] as { case?: string; value?: unknown };
      if (key.case === 'mapKey') this.visit(key.value as Expression, at);
      this.visit(entry['value'] as Expression, at);
    }
  }
}
