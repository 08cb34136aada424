/** It is shown in terminals: one line of so many characters. */
export function printable(reason: string, maxChars: number): string {
  return reason
    .slice(0, maxChars)
    .replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim();
}

const MIN_LETTERS = 10;

/** Whether it says next to nothing: letters and digits count, whatever stands between them does not. */
export function isTooThin(reason: string): boolean {
  return [...reason.matchAll(/[\p{L}\p{N}]/gu)].length < MIN_LETTERS;
}
