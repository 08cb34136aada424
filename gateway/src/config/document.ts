import { ConfigError, type ErrorCode } from '@sallyport/shared/errors/errors.ts';
import { hint } from '@sallyport/shared/errors/nearest.ts';
import { type Document, isNode, LineCounter, parseAllDocuments } from 'yaml';
import type { z } from 'zod';

/** Longer files are not read. UTF-16 units. */
const MAX_TEXT = 4 * 1024 * 1024;
const MAX_ALIASES = 100;

/** One YAML document of a file that a person wrote. */
export class Source {
  readonly file: string;
  readonly value: unknown;
  readonly #document: Document;
  readonly #lines: LineCounter;
  readonly #code: ErrorCode;

  constructor(file: string, document: Document, lines: LineCounter, code: ErrorCode) {
    this.file = file;
    this.#document = document;
    this.#lines = lines;
    this.#code = code;
    this.value = this.#read();
  }

  /** The line of what stands at a path, or of the nearest that does; 1-based. */
  lineOf(path: readonly PropertyKey[]): number {
    for (let length = path.length; length >= 0; length--) {
      const node = this.#document.getIn(path.slice(0, length), true);
      const start = isNode(node) ? node.range?.[0] : undefined;
      if (start !== undefined) return this.#lines.linePos(start).line;
    }
    return this.#lines.linePos(this.#document.range?.[0] ?? 0).line;
  }

  /** The line of a key itself, where its value stands somewhere below. */
  lineOfKey(path: readonly PropertyKey[], key: string): number {
    const parent = path.length === 0 ? this.#document.contents : this.#document.getIn(path, true);
    const pairs = (parent as { items?: { key?: { value?: unknown; range?: [number, number, number] } }[] }).items ?? [];
    const start = pairs.find((pair) => pair.key?.value === key)?.key?.range?.[0];
    return start === undefined ? this.lineOf(path) : this.#lines.linePos(start).line;
  }

  problem(path: readonly PropertyKey[], message: string): ConfigError {
    return new ConfigError(this.file, this.lineOf(path), message, this.#code);
  }

  problemAtKey(path: readonly PropertyKey[], key: string, message: string): ConfigError {
    return new ConfigError(this.file, this.lineOfKey(path, key), message, this.#code);
  }

  /** @throws ConfigError for the first thing that the schema does not allow, with the nearest right name */
  as<T>(schema: z.ZodType<T>, root: readonly PropertyKey[] = []): T {
    const value = root.reduce<unknown>(
      (at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key],
      this.value,
    );
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    const [issue] = result.error.issues;
    if (issue === undefined) throw this.problem(root, 'this cannot be read');
    const path = [...root, ...issue.path];
    if (issue.code === 'unrecognized_keys') {
      const [key = ''] = issue.keys;
      const right = keysAt(schema, issue.path);
      throw this.problemAtKey(path, key, `unknown key "${key}"; ${hint(key, right)}`);
    }
    throw this.problem(path, told(issue, path));
  }

  #read(): unknown {
    const [error] = this.#document.errors;
    if (error !== undefined) {
      const { line } = this.#lines.linePos(error.pos[0]);
      throw new ConfigError(this.file, line, `this is no YAML: ${error.message.split('\n')[0]}`, this.#code);
    }
    try {
      return this.#document.toJS({ maxAliasCount: MAX_ALIASES });
    } catch (error) {
      throw new ConfigError(this.file, undefined, error instanceof Error ? error.message : String(error), this.#code);
    }
  }
}

/** The documents of a YAML text; empty ones are left out. @throws ConfigError */
export function readSources(text: string, file: string, code: ErrorCode = 'ERR_CONFIG_INVALID'): Source[] {
  if (text.length > MAX_TEXT) throw new ConfigError(file, undefined, `longer than ${MAX_TEXT} characters`, code);
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  if (!Array.isArray(documents)) return [];
  return documents
    .filter((document) => document.errors.length > 0 || document.contents !== null)
    .map((document) => new Source(file, document as Document, lines, code));
}

/** In words of the person who wrote it: where, and what was expected. */
function told(issue: z.core.$ZodIssue, path: readonly PropertyKey[]): string {
  const where = path.map(String).join('.');
  const name = where === '' ? '' : `${where}: `;
  if (issue.code === 'invalid_type' && issue.message.includes('undefined')) return `${name}is missing`;
  // Schemas of ours that say it themselves say it better.
  if (!issue.message.startsWith('Invalid ')) return `${name}${issue.message}`;
  if (issue.code === 'invalid_value') {
    const values = issue.values.map(String);
    return `${name}must be ${values.length === 1 ? values[0] : `one of ${values.join(', ')}`}`;
  }
  return `${name}${issue.message.replace(/^Invalid input: /, '')}`;
}

interface Inner {
  readonly shape?: Readonly<Record<string, Inner>>;
  readonly def?: {
    readonly innerType?: Inner;
    readonly element?: Inner;
    readonly options?: readonly Inner[];
    readonly in?: Inner;
  };
}

/** The keys that an object at a path may have, as far as the schema says. */
function keysAt(schema: unknown, path: readonly PropertyKey[]): string[] {
  const [head, ...rest] = path;
  return candidates(schema as Inner).flatMap((one) => {
    if (head === undefined) return Object.keys(one.shape ?? {});
    const next = typeof head === 'number' ? one.def?.element : one.shape?.[String(head)];
    return next === undefined ? [] : keysAt(next, rest);
  });
}

/** What stands beneath optional, default, pipe and union. */
function candidates(schema: Inner): Inner[] {
  if (schema.shape !== undefined || schema.def?.element !== undefined) return [schema];
  const inner = schema.def?.innerType ?? schema.def?.in;
  if (inner !== undefined) return candidates(inner);
  return (schema.def?.options ?? []).flatMap(candidates);
}
