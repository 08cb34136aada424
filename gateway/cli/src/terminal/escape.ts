// Everything that a terminal obeys or that makes text look like other text: C0, DEL, C1 (8-bit CSI among them),
// bidirectional overrides (Unicode TR 36), invisible characters, tags, halves of surrogate pairs.
const dangerous =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\p{Cs}\u{e0000}-\u{e007f}]/gu;
const plain = /^[\x20-\x7e]*$/;

const short: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** One line of text from elsewhere, with whatever a terminal would obey made visible: ESC becomes `\x1b`. */
export function visible(text: string): string {
  return plain.test(text) ? text : text.replace(dangerous, (char) => short[char] ?? codeFor(char));
}

/** The same for text of several lines: line feeds and tabs stay. */
export function visibleLines(text: string): string {
  return plain.test(text)
    ? text
    : text
        .replaceAll('\r\n', '\n')
        .replace(dangerous, (char) => (char === '\n' ? char : char === '\t' ? '    ' : visible(char)));
}

/** For JSON and YAML: the same characters, in the notation that both read back as the very same text. */
export function escapedJson(json: string): string {
  return json.replace(dangerous, (char) => {
    if (char === '\n') return char;
    return char
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join('');
  });
}

/** Whether a terminal would obey something in it other than the end of a line. */
export function isDangerous(text: string): boolean {
  return text.replaceAll('\n', '').search(dangerous) >= 0;
}

function codeFor(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`;
  return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, '0')}`;
}
