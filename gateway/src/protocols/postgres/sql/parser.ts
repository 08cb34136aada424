import { createRequire } from 'node:module';
import type { Node } from './analysis.ts';

/** The part of libpg_query's WASM module that is used here. Pointers are numbers. */
interface PgQuery {
  _malloc(lengthBytes: number): number;
  _free(pointer: number): void;
  _wasm_parse_query_raw(text: number): number;
  _wasm_free_parse_result(result: number): void;
  lengthBytesUTF8(text: string): number;
  stringToUTF8(text: string, pointer: number, lengthBytes: number): void;
  UTF8ToString(pointer: number): string;
  getValue(pointer: number, type: 'i32'): number;
}

export interface RawStatement {
  readonly stmt: Node;
  readonly stmt_location?: number;
  readonly stmt_len?: number;
}

export interface Parsed {
  readonly statements: readonly RawStatement[];
  /** UTF-16 units of the tree's JSON: a measure of its size in memory. */
  readonly jsonLength: number;
}

/** The text is no SQL. The instance that said so lives on; after any other error it must not be used again. */
export class SyntaxProblem extends Error {}

// Loaded by name and not imported: the WASM file is found beside the module, also when this file is bundled.
const load = createRequire(import.meta.url)('libpg-query/wasm/libpg-query.js') as () => Promise<PgQuery>;

/** One instance of PostgreSQL 18's own parser. */
export class Parser {
  readonly #wasm: PgQuery;

  private constructor(wasm: PgQuery) {
    this.#wasm = wasm;
  }

  static async start(): Promise<Parser> {
    return new Parser(await load());
  }

  /** @throws SyntaxProblem for text that is not SQL; anything else means that this instance is spoiled. */
  parse(text: string): Parsed {
    const wasm = this.#wasm;
    const lengthBytes = wasm.lengthBytesUTF8(text) + 1;
    const pointer = wasm._malloc(lengthBytes);
    if (pointer === 0) throw new Error('the parser is out of memory');
    wasm.stringToUTF8(text, pointer, lengthBytes);
    const result = wasm._wasm_parse_query_raw(pointer);
    if (result === 0) throw new Error('the parser is out of memory');
    const json = this.#take(result);
    wasm._wasm_free_parse_result(result);
    wasm._free(pointer);
    if (json instanceof SyntaxProblem) throw json;
    const tree = JSON.parse(json) as { stmts?: RawStatement[] };
    return { statements: tree.stmts ?? [], jsonLength: json.length };
  }

  /** PgQueryParseResult is `{ char *tree; char *stderr; PgQueryError *error }`, and an error begins with its message. */
  #take(result: number): string | SyntaxProblem {
    const wasm = this.#wasm;
    const error = wasm.getValue(result + 8, 'i32');
    if (error !== 0) return new SyntaxProblem(wasm.UTF8ToString(wasm.getValue(error, 'i32')));
    const tree = wasm.getValue(result, 'i32');
    if (tree === 0) throw new Error('the parser gave no tree');
    return wasm.UTF8ToString(tree);
  }
}
