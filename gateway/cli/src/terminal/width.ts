// biome-ignore lint/suspicious/noControlCharactersInRegex: printable ASCII, the fast path
const ascii = /^[\x00-\x7f]*$/;
const nothing = /^[\p{Mn}\p{Me}\p{Cf}]$/u;

/** Columns that `text` takes on a terminal; it must hold no control characters. */
export function widthOf(text: string): number {
  if (ascii.test(text)) return text.length;
  let width = 0;
  for (const char of text) width += widthOfChar(char);
  return width;
}

/** As much as fits, with `…` where something was left out. */
export function fit(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let [taken, used] = ['', 0];
  for (const char of text) {
    const more = widthOfChar(char);
    if (used + more > width - 1) break;
    taken += char;
    used += more;
  }
  return `${taken}…`;
}

export function padded(text: string, width: number, side: 'left' | 'right' | 'centre' = 'left'): string {
  const room = Math.max(0, width - widthOf(text));
  if (side === 'left') return text + ' '.repeat(room);
  if (side === 'right') return ' '.repeat(room) + text;
  const before = Math.floor(room / 2);
  return ' '.repeat(before) + text + ' '.repeat(room - before);
}

/** East Asian Wide and Fullwidth (Unicode TR 11), and emoji that are shown as pictures. */
function widthOfChar(char: string): number {
  const code = char.codePointAt(0) ?? 0;
  if (code < 0x300) return 1;
  if (nothing.test(char)) return 0;
  const wide =
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf && code !== 0x303f) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff01 && code <= 0xff60) ||
    (code >= 0xffe0 && code <= 0xffe6) ||
    (code >= 0x1f300 && code <= 0x1f64f) ||
    (code >= 0x1f680 && code <= 0x1faff) ||
    (code >= 0x20000 && code <= 0x3fffd);
  return wide ? 2 : 1;
}
