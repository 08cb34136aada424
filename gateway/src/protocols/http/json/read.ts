import { isUtf8 } from 'node:buffer';

/** Deeper than this no value is read; no list or object may be larger. */
const MAX_DEPTH = 64;
const MAX_VALUES = 100_000;

/**
 * The value of a JSON text (RFC 8259) that every reader reads alike: names of an object twice, bytes that are no UTF-8, or more
 * values than anybody means, and it is undefined.
 */
export function readJson(text: Buffer): unknown {
  if (!isUtf8(text)) return undefined;
  try {
    const reader = new Reader(text.toString('utf8'));
    const value = reader.value(0);
    reader.end();
    return value;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const space = /[ \t\n\r]*/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: those may not stand in a string
const text = /"(?:[^"\\\u0000-\u001f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"/y;
const scalar = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-])/y;

class Reader {
  readonly #text: string;
  #at = 0;
  #values = 0;

  constructor(source: string) {
    this.#text = source;
  }

  value(depth: number): unknown {
    this.#values += 1;
    if (depth > MAX_DEPTH || this.#values > MAX_VALUES) throw new SyntaxError('too large');
    this.#match(space);
    if (this.#takes('{')) return this.#object(depth);
    if (this.#takes('[')) return this.#list(depth);
    if (this.#text[this.#at] === '"') return this.#string();
    return JSON.parse(this.#match(scalar));
  }

  end(): void {
    this.#match(space);
    if (this.#at < this.#text.length) throw new SyntaxError('something follows');
  }

  #object(depth: number): Record<string, unknown> {
    const object: Record<string, unknown> = Object.create(null);
    if (this.#closes('}')) return object;
    do {
      this.#match(space);
      const name = this.#string();
      if (name in object) throw new SyntaxError('a name is there twice');
      this.#match(space);
      if (!this.#takes(':')) throw new SyntaxError('no colon');
      object[name] = this.value(depth + 1);
      this.#match(space);
    } while (this.#takes(','));
    if (!this.#takes('}')) throw new SyntaxError('no end');
    return object;
  }

  #list(depth: number): unknown[] {
    const list: unknown[] = [];
    if (this.#closes(']')) return list;
    do {
      list.push(this.value(depth + 1));
      this.#match(space);
    } while (this.#takes(','));
    if (!this.#takes(']')) throw new SyntaxError('no end');
    return list;
  }

  #string(): string {
    return JSON.parse(this.#match(text)) as string;
  }

  #closes(bracket: string): boolean {
    this.#match(space);
    return this.#takes(bracket);
  }

  #takes(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) throw new SyntaxError('no JSON');
    this.#at = pattern.lastIndex;
    return match[0];
  }
}
