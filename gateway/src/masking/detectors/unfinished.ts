const QUANTIFIER = /(?:[*+?]|\{\d+(?:,\d*)?\})\??/y;
const GROUP = /\((?:\?(?:<?[!=]|:|P?<\w+>|[a-zA-Z-]+:|[a-zA-Z-]+\)))?/y;
const ESCAPE = /\\(?:[pPxu]\{[^}]*\}|[pP][A-Z]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[^QECpPxu])/y;
const CLASS = /\[\^?\]?(?:\[:\^?\w+:\]|\\[\s\S]|[^\]\\])*\]/y;

/**
 * The source of an expression that matches whatever `source` matches, and each text that ends before `source` is through:
 * every atom may also be the end of the text, for which `end` stands. Undefined where a construct is not known here.
 */
export function unfinished(source: string, end = '$'): string | undefined {
  const cutter = new Cutter(source, end);
  try {
    const result = cutter.alternatives();
    return cutter.isDone ? result : undefined;
  } catch {
    return undefined;
  }
}

class Cutter {
  readonly #source: string;
  readonly #end: string;
  #at = 0;

  constructor(source: string, end: string) {
    this.#source = source;
    this.#end = end;
  }

  get isDone(): boolean {
    return this.#at === this.#source.length;
  }

  alternatives(): string {
    let result = '';
    while (!this.isDone && this.#source[this.#at] !== ')') {
      result += this.#source[this.#at] === '|' ? this.#take(/\|/y) : this.#piece();
    }
    return result;
  }

  #piece(): string {
    switch (this.#source[this.#at]) {
      case '^':
      case '$':
        return this.#take(/[$^]/y);
      case '(':
        return this.#group();
      case '[':
        return this.#atom(this.#take(CLASS));
      case '\\':
        return this.#atom(this.#take(ESCAPE));
      default:
        return this.#atom(this.#take(/[^*+?{]|\{(?!\d)/y));
    }
  }

  #atom(atom: string): string {
    return `(?:${atom}|${this.#end})${this.#quantifier()}`;
  }

  #group(): string {
    const from = this.#at;
    const opening = this.#take(GROUP);
    // What must follow cannot be cut off without knowing how; what must not follow is known once it is there.
    if (opening === '(?=') throw new Error('it looks ahead');
    if (opening.endsWith(')')) return opening;
    const inner = this.alternatives();
    this.#take(/\)/y);
    if (/[!=]$/.test(opening)) return this.#source.slice(from, this.#at);
    return `${opening}${inner}|${this.#end})${this.#quantifier()}`;
  }

  #quantifier(): string {
    QUANTIFIER.lastIndex = this.#at;
    return QUANTIFIER.test(this.#source) ? this.#take(QUANTIFIER) : '';
  }

  #take(form: RegExp): string {
    form.lastIndex = this.#at;
    const found = form.exec(this.#source)?.[0];
    if (found === undefined) throw new Error(`it is not understood from ${this.#at} on`);
    this.#at += found.length;
    return found;
  }
}
