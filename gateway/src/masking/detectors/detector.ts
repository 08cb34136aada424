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
