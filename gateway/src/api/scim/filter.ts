import { type Token, tokensOf } from './filter-tokens.ts';
import { bad, quoted } from './problem.ts';

export type Literal = string | number | boolean | null;
export type Comparison = 'eq' | 'ne' | 'co' | 'sw' | 'ew' | 'gt' | 'ge' | 'lt' | 'le';

/** @see RFC 7644, 3.4.2.2 */
export type Filter =
  | { readonly kind: 'compare'; readonly path: string; readonly by: Comparison; readonly to: Literal }
  | { readonly kind: 'present'; readonly path: string }
  | { readonly kind: 'and' | 'or'; readonly of: readonly Filter[] }
  | { readonly kind: 'not'; readonly of: Filter }
  | { readonly kind: 'some'; readonly path: string; readonly of: Filter };

/** Brackets inside of each other. */
const MAX_DEPTH = 16;
/** Comparisons in one filter. */
const MAX_TERMS = 64;

const comparisons: ReadonlySet<string> = new Set(['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le']);
const literals: Readonly<Record<string, Literal>> = { true: true, false: false, null: null };

/** @throws ScimProblem invalidFilter: where, and what was expected */
export function parseFilter(text: string): Filter {
  const parser = new Parser(tokensOf(text));
  const filter = parser.either(0, false);
  parser.end();
  return filter;
}

/** `and` binds closer than `or`, `not` closer than both; operators in any case. */
class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;
  #terms = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  either(depth: number, inner: boolean): Filter {
    return this.#joined('or', () => this.#joined('and', () => this.#term(depth, inner)));
  }

  end(): void {
    if (this.#peek.kind !== 'end') throw this.#unexpected('the end, "and" or "or"');
  }

  #joined(kind: 'and' | 'or', part: () => Filter): Filter {
    const parts = [part()];
    while (this.#isWord(kind)) {
      this.#next += 1;
      parts.push(part());
    }
    const [first] = parts;
    return parts.length === 1 && first !== undefined ? first : { kind, of: parts };
  }

  #term(depth: number, inner: boolean): Filter {
    if (depth > MAX_DEPTH) throw bad('invalidFilter', `brackets are nested deeper than ${MAX_DEPTH}`);
    this.#terms += 1;
    if (this.#terms > MAX_TERMS) throw bad('invalidFilter', `a filter has ${MAX_TERMS} comparisons at most`);
    if (this.#peek.kind === '(') return this.#bracketed(depth, inner);
    if (this.#isWord('not') && this.#tokens[this.#next + 1]?.kind === '(') {
      this.#next += 1;
      return { kind: 'not', of: this.#bracketed(depth, inner) };
    }
    return this.#attribute(depth, inner);
  }

  #bracketed(depth: number, inner: boolean): Filter {
    this.#expect('(');
    const filter = this.either(depth + 1, inner);
    this.#expect(')');
    return filter;
  }

  #attribute(depth: number, inner: boolean): Filter {
    const path = this.#word('an attribute');
    if (this.#peek.kind === '[') {
      if (inner) throw bad('invalidFilter', 'a filter of values cannot hold another one');
      this.#next += 1;
      const of = this.either(depth + 1, true);
      this.#expect(']');
      return { kind: 'some', path, of };
    }
    const by = this.#word('an operator').toLowerCase();
    if (by === 'pr') return { kind: 'present', path };
    if (!comparisons.has(by)) throw bad('invalidFilter', `there is no operator ${quoted(by)}`);
    return { kind: 'compare', path, by: by as Comparison, to: this.#literal() };
  }

  #literal(): Literal {
    const token = this.#peek;
    if (token.kind === 'value') {
      this.#next += 1;
      return token.value;
    }
    const word = token.kind === 'word' ? token.text.toLowerCase() : '';
    if (!Object.hasOwn(literals, word)) throw this.#unexpected('a value: "text", a number, true, false or null');
    this.#next += 1;
    return literals[word] as Literal;
  }

  get #peek(): Token {
    return this.#tokens[this.#next] ?? { kind: 'end', at: 0 };
  }

  #isWord(text: string): boolean {
    const token = this.#peek;
    return token.kind === 'word' && token.text.toLowerCase() === text;
  }

  #word(what: string): string {
    const token = this.#peek;
    if (token.kind !== 'word') throw this.#unexpected(what);
    this.#next += 1;
    return token.text;
  }

  #expect(kind: Token['kind']): void {
    if (this.#peek.kind !== kind) throw this.#unexpected(`"${kind}"`);
    this.#next += 1;
  }

  #unexpected(expected: string): Error {
    return bad(
      'invalidFilter',
      `the filter ends or goes on wrongly at character ${this.#peek.at + 1}: expected ${expected}`,
    );
  }
}
