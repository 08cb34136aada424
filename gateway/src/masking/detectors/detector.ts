/** A stretch of a text that holds something protected: bytes, the end excluded. */
export type Found = (start: number, end: number) => void;

/** Recognises one kind of secret in texts. Stateless; linear in the text's length. */
export interface Detector {
  readonly name: string;
  /** Features without which there is nothing to find: bits of `features`. */
  readonly needs: number;
  /** Looks at Latin-1 text, so that one character is one byte; no find is longer than `MAX_FIND_BYTES`. */
  find(text: string, found: Found): void;
  /** For patterns that must see UTF-8; used in place of `find`. Offsets are bytes as well. */
  findInBytes?(bytes: Buffer, found: Found): void;
  /**
   * For streams: where the earliest secret may start that the text's end cuts off, `text.length` where none does. A secret
   * that was found and reaches the end needs no mention. `bytes` is the same text. Cheap: it is asked for each keystroke.
   */
  unfinishedFrom(text: string, bytes: Buffer): number;
}

/** Where the last line starts, but at most `most` characters before the end. */
export function lastLine(text: string, most: number): number {
  return Math.max(text.lastIndexOf('\n') + 1, text.length - most, 0);
}

/** How far back single-line forms are looked for. Longer ones are finds by then, which reach the end. Bytes. */
const MAX_FORM_BYTES = 256;

/** `unfinishedFrom` of a form that is an expression: an `unfinished` one, made to end at the text's end. */
export function unfinishedForm(expression: RegExp, text: string): number {
  const from = lastLine(text, MAX_FORM_BYTES);
  if (from === text.length) return from;
  const at = text.slice(from).search(expression);
  return at < 0 ? text.length : from + at;
}

/** The longest stretch that a detector takes for one secret; windows overlap by it. Bytes. */
export const MAX_FIND_BYTES = 16 * 1024;

/** Calls `each` for every match; a pattern that can match nothing moves on. */
export function matches(pattern: RegExp, text: string, each: (match: RegExpExecArray) => void): void {
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    each(match);
    if (match[0] === '') pattern.lastIndex++;
  }
}

/** ASCII letters and digits by their code. */
export function isWordCode(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
}

export const isDigitCode = (code: number): boolean => code >= 48 && code <= 57;
