import { SecretMissing } from './source.ts';

/**
 * A command line's words: cut at spaces, kept together by '…' or "…". Nothing else has a meaning: no backslash, no
 * variable, no glob; a quote inside of quotes is written in the other kind.
 */
export function commandWords(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (const char of line) {
    if (quote !== undefined) {
      if (char === quote) quote = undefined;
      else word += char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (char === ' ' || char === '\t') {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + char;
    }
  }
  if (quote !== undefined) throw new SecretMissing('a quotation mark in the command is not closed');
  if (word !== undefined) words.push(word);
  if (words.some((one) => one.includes('\0'))) throw new SecretMissing('the command has a null character in it');
  return words;
}
